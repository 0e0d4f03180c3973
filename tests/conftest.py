"""What all tests stand on: an empty HOME, no network, a real Postgres."""

from __future__ import annotations

import atexit
import gc
import http.client
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pipeline_cli.testing
from pipeline_cli.scaffold import copy_scaffold
from tests import warm
from tests.servers.network import block_network
from tests.servers.postgres import PostgresServer, run_postgres

if TYPE_CHECKING:
    from tests.servers.s3 import S3Server

# Before dlt, SQLMesh or dbt are imported: they look at HOME then.
_HOME = Path(tempfile.mkdtemp(prefix="pipeline-cli-home-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["HOME"] = str(_HOME)
for _name in [
    name
    for name in os.environ
    if name.startswith(("XDG_", "PIPELINE_CLI_", "DESTINATION__", "SOURCES__"))
    and name != "PIPELINE_CLI_KILLS"
]:
    del os.environ[_name]
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"  # a test may ask dlt before anything of ours says so

# Before any test takes it by its name.
pipeline_cli.testing.run_cli = warm.run_cli


pytest_plugins = ["tests.faults.figures"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "network: may reach the network")
    config.addinivalue_line("markers", "writes_home: may write in HOME")
    config.addinivalue_line("markers", "faults: minutes of kills; make test-faults runs these")
    config.addinivalue_line("markers", "browser: a page in Chromium; make test-browser runs these")
    config.addinivalue_line("markers", "systemd: asks systemd-analyze; make test-systemd runs these")
    config.addinivalue_line("markers", "thorough: the other warehouse's turn; make test-faults runs these")


# `make test` stays under ten minutes: of what does not hang on the warehouse, it runs the DuckDB half, and
# Postgres has its turn in `make test-faults`. Here every case runs on both, every time.
_ON_BOTH_EVERY_TIME = (
    "destinations/",
    "unit/ledger/",
    "ingest/test_dispositions",
    "ingest/test_exactness",
    "ingest/test_recovery",
    "test_every_gold_model",
    "project/test_marketing.py",
    "project/test_sales",
    "test_bad_records_are_kept_with_all_their_reasons",
    "test_every_text_arrives_as_it_stands",
    "test_more_rejected_than_allowed",
    "test_first_build_makes_every_model",
    "test_fresh_table_rebuilds_only_what_it_feeds",
    "test_failed_audit_leaves_what_is_published",
    "test_failed_critical_test_stops",
    "test_incremental_models_take_rows",
    "test_users_own_sqlmesh",
    "test_profile_holds_neither_secret",
)

# Half a minute each, of what shorter tests of transforms and of loading show, too: for make test-faults.
_LONG = (
    "test_a_purchase_without_its_customer_stops_the_crm",
    "test_amounts_out_of_range_stop_before_gold",
    "test_an_order_of_nobody_stops_before_gold",
    "test_the_same_seed_makes_the_same_rows_again",
    "test_third_run_shows_a_new_price",
    "test_a_line_whose_product_was_rejected_stays",
    "test_what_comes_late_or_vanishes_makes_gold_what_a_full_refresh_would",
    "test_a_failed_critical_test_of_silver_leaves_all_of_gold_as_it_was",
    "test_without_variables_nobody_is_told_and_nothing_is_kept",
    "test_a_variable_puts_the_lake_into_an_s3_bucket_while_recordings_are_replayed",
    "test_the_lake_can_be_a_gcs_bucket",
    "test_the_committed_files_are_what_the_script_makes",
    "test_generated_files_reach_a_bucket_and_come_from_there",
    "test_the_first_site_while_a_run_holds_the_warehouse_has_what_the_ledger_knows",
    "test_what_is_shown_of_a_large_quarantine_is_bounded",
    "test_users_own_sqlmesh_sees_the_same_state[postgres]",
    "test_two_schedulers_do_not_double_a_slot",
    "test_a_run_that_kills_its_own_process_harms_nothing_else",
    "test_a_source_limits_how_many_of_its_resources_are_read_at_once",
    "test_a_clock_that_is_wrong_and_a_new_machine",
    "test_documentation_is_one_page_that_a_note_names",
    # test_the_default_environment_runs_every_system holds the same figures on DuckDB.
    "test_every_gold_model_holds_the_figures_and_a_second_run_rebuilds_nothing[duckdb]",
    "test_a_host_that_wakes_is_fenced[rows-append",
    "test_titles_that_no_drawing_can_hold_do_not_end_the_process",
    "test_pictures_are_as_wide_as_a_mail_and_have_the_whole_height",
    "test_records_that_change_between_two_runs_are_loaded_alike",
    "test_each_leaf_is_read_back_or_its_record_is_rejected[postgres]",
    "test_a_reader_never_sees_half_a_build",
    "test_failed_critical_test_stops_what_follows[postgres]",
    "test_users_own_dbt_uses_the_same_database",
    "test_a_kill_between_taking_a_slot_and_running_it_neither_loses_nor_doubles_it[False]",
    "test_a_postgres_that_is_down_at_the_start_is_waited_for[False]",
    "test_the_plan_between_two_projects[duckdb-models_in",
    "test_a_plan_is_refused_when_it_does_not_hold_any_more",
    "test_the_first_commit_is_done_but_not_heard_of",
    "test_a_host_that_wakes_is_fenced[columns-append",
    "test_a_signal_stops_the_run_as_run_is_stopped_and_the_slot_is_run_later",
    "test_a_kill_between_taking_a_slot_and_running_it_neither_loses_nor_doubles_it[True]",
    "test_validate_and_doctor_look_at_plugins[validate]",
    "test_while_a_run_holds_the_warehouse_the_site_says_what_is_stale",
    "test_a_transform_that_cannot_be_read_is_told_and_the_rest_is_there",
    "test_a_site_without_news_is_not_written_again",
    "test_a_project_that_never_ran_has_a_site_that_says_what_to_do",
    "test_records_that_break_their_contract_stay_apart_and_the_rest_arrives[duckdb]",
    "test_each_leaf_is_read_back_or_its_record_is_rejected",
    "test_dependent_requests_come_side_by_side_and_in_the_parents_order[False]",
    "test_an_api_that_only_refuses_is_asked_no_faster_afterwards",
    "test_changed_variable_is_a_change",
    "test_failed_critical_test_stops_what_follows",
    "test_test_alone_runs_every_test",
    "test_file_is_free_after_release_and_nothing_stands_in_the_project",
    "test_password_stands_in_no_file",
    "test_each_test_runs_once_in_a_build_and_its_test",
    "test_profile_holds_neither_secret_nor_path_of_this_machine[postgres]",
    "test_a_reader_never_sees_what_a_failed_check_took_back[duckdb-dbt]",
    "test_a_merge_goes_back_where_nothing_was_replaced_and_says_no_elsewhere",
    "test_the_cursor_of_a_database_goes_back_with_its_rows",
    "test_a_table_that_was_replaced_says_no",
    "test_a_killed_backfill_goes_on_where_it_was",
    "test_a_change_of_the_manifest_is_seen_while_the_scheduler_runs",
    "test_killed_in_a_load_every_row_is_there_once_after_a_re_run[postgres-committed-merge]",
    "test_without_the_recovery_these_tests_fail[load.commit_after:2]",
    "test_a_killed_load_leaves_nothing_and_is_made_good",
    "test_two_runs_leave_the_same_on_both_paths[duckdb-replace",
    "test_two_runs_leave_the_same_on_both_paths[duckdb-scd2",
    "test_sql_error_midway_skips_what_follows[duckdb]",
    "test_failed_audit_leaves_what_is_published[postgres]",
    "test_full_refresh_builds_everything_again",
    "test_memory_does_not_grow_with_the_rows",
    "test_the_lake_keeps_what_was_received_in_dated_files_that_never_change",
    "test_servers_give_what_the_recordings_give_and_a_second_run_doubles_nothing",
    "test_titles_that_no_drawing",
    "test_labels_that_no_drawing_can_hold_do_not_end_the_process",
    "test_a_long_table_goes_on_with_its_headings_and_loses_no_row",
    "test_several_processes_that_send_at_once_send_each_alert_once",
    "test_a_signal_ends_the_wait_for_the_next_try",
    "test_a_postgres_that_is_down_at_the_start_is_waited_for[True]",
    "test_another_process_gives_the_same_rows",
    "test_failed_unit_test_keeps_its_model_from_being_built",
    "test_everything_after_dlt_and_sqlmesh_is_theirs",
    "test_tables_rows_keys_columns_and_models_that_differ[prod]",
    "test_a_working_folder_that_cannot_be_written",
    "test_marketing_is_watched_by_mail_and_by_slack",
    "test_without_dbts_adapter_the_command_that_installs_it_is_told",
    "test_a_killed_run_goes_on_from_its_last_page[4]",
    "test_incremental_models_take_rows_that_came_today[postgres]",
    "test_views_on_what_dbt_replaces_stay",
    "test_code_that_is_taken_back_has_the_rows",
    "test_a_copy_builds_what_is_different_and_leaves_its_original_alone[duckdb-sqlmesh",
    "test_validate_and_doctor_look_at_plugins[doctor]",
    "test_a_source_that_is_down_is_named_and_retry_mends_it",
    "test_show_serves_the_dashboard",
    # tests/faults/test_failpoints.py tries these moments, and more of them.
    "test_killed_in_a_load_every_row_is_there_once_after_a_re_run[duckdb-normalize",
    "test_killed_in_a_load_every_row_is_there_once_after_a_re_run[duckdb-load",
    "test_killed_in_a_load_every_row_is_there_once_after_a_re_run[postgres-normalize",
    "test_killed_in_a_load_every_row_is_there_once_after_a_re_run[postgres-load",
    "test_killed_in_a_load_every_row_is_there_once_after_a_re_run[duckdb-committed-append",
    "test_killed_in_a_load_then_without_a_working_folder_nothing_is_doubled[duckdb]",
)


# What takes longest, a test or its first fixture: begun last, one worker would end alone.
_FIRST = (
    "tests/integration/packaging/",
    "tests/project/",
    "tests/integration/site/",
    "tests/integration/copies/",
    "tests/integration/cli/",
    "tests/faults/",
    "tests/integration/transforms/",
)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What has been imported is no garbage: looking at all of it again and again is a twentieth of the suite."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(name in item.nodeid for name in _LONG):
            item.add_marker(pytest.mark.thorough)
        is_second = "postgres" in getattr(getattr(item, "callspec", None), "id", "")
        if is_second and not any(name in item.nodeid for name in _ON_BOTH_EVERY_TIME):
            item.add_marker(pytest.mark.thorough)
    items.sort(key=lambda item: [not item.nodeid.startswith(name) for name in _FIRST])


@pytest.fixture(autouse=True)
def _network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.node.get_closest_marker("network") is None:
        block_network(monkeypatch)
    yield
    # vcrpy's patch, which makes every later test of this process fail instead.
    assert http.client.HTTPConnection.__module__ == "http.client", "what speaks HTTP is still patched"


@pytest.fixture(autouse=True)
def home(request: pytest.FixtureRequest) -> Iterator[Path]:
    """An empty HOME; it must be empty after the test, too."""
    yield _HOME
    left = sorted(str(path.relative_to(_HOME)) for path in _HOME.rglob("*"))
    for name in reversed(left):
        path = _HOME / name
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    if request.node.get_closest_marker("writes_home") is None:
        assert not left, f"the test wrote in HOME: {left[:5]}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server a test process; a machine without Postgres fails the tests rather than skip them."""
    with run_postgres() as server:
        yield server


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[Callable[..., str]]:
    """A factory of new, empty databases; call it for an address (`over_socket=True` for the Unix socket)."""
    names: list[str] = []

    def create(*, over_socket: bool = False) -> str:
        names.append(postgres_server.create_database())
        return postgres_server.url(names[-1], over_socket=over_socket)

    yield create
    for name in names:
        postgres_server.drop_database(name)


@pytest.fixture
def postgres_url(postgres_database: Callable[..., str]) -> str:
    """The address of a new, empty database."""
    return postgres_database()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One S3 server a test process: `create_bucket`, `put`, `keys`, and its endpoint_url and keys."""
    from tests.servers.s3 import run_s3

    with run_s3() as server:
        yield server


@pytest.fixture
def project_copy(tmp_path: Path) -> Path:
    """The reference project in a new folder, as `init` gives it."""
    copy_scaffold(tmp_path / "project")
    return tmp_path / "project"
