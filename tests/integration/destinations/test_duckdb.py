"""DuckDB warehouses: one file, one instance, one writing process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import dlt
import duckdb
import pytest

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.duckdb import DuckDBDestination, DuckDBWarehouse
from pipeline_cli.errors import Busy, LoadError
from pipeline_cli.manifest.models import Environment, Manifest, Pipeline
from pipeline_cli.project import Project


def make_duckdb_project(root: Path, path: str = "warehouse.duckdb") -> Project:
    manifest = Manifest(
        version=1,
        name="shop",
        default_environment="dev",
        environments={"dev": Environment(destination="lake")},
        destinations={"lake": DuckDBDestination(type="duckdb", path=path)},
        pipelines={"shop": Pipeline()},
    )
    return Project(root, manifest, "dev")


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    opened = open_warehouse(make_duckdb_project(tmp_path))
    assert isinstance(opened, DuckDBWarehouse)
    yield opened
    opened.release()


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


OPEN_FILE = "import duckdb, sys; connection = duckdb.connect(sys.argv[1])"


@contextmanager
def another_process_holds(path: Path) -> Iterator[int]:
    """A process with the file open, like a duckdb shell; yields its pid."""
    code = f"{OPEN_FILE}; print('open', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process.pid
    finally:
        process.communicate()


def test_relative_path_is_inside_the_environments_state(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    assert warehouse.path == tmp_path / ".pipeline/dev/warehouse.duckdb"


def test_absolute_path_may_be_anywhere(tmp_path: Path) -> None:
    opened = open_warehouse(make_duckdb_project(tmp_path / "project", str(tmp_path / "elsewhere.duckdb")))
    assert opened.location == str(tmp_path / "elsewhere.duckdb")


@pytest.mark.parametrize("path", ["gold_shop.duckdb", "main.duckdb", "my.shop.duckdb", "my-shop.duckdb"])
def test_file_name_that_cannot_be_a_catalog_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(LoadError) as caught:
        open_warehouse(make_duckdb_project(tmp_path, path))
    assert "warehouse.duckdb" in str(caught.value.hint)


def test_replace_is_atomic_and_relations_are_listed(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    destination = warehouse.dlt_destination()
    pipeline = dlt.pipeline(
        "api", destination=destination, dataset_name="bronze_api", pipelines_dir=str(tmp_path)
    )
    pipeline.run([{"id": 1}], table_name="items", write_disposition="replace")
    found = set(warehouse.relations(["bronze_api", "bronze_api_staging"]))
    # A staging table is what makes it atomic: insert-from-staging swaps the rows in one transaction.
    assert {("bronze_api", "items"), ("bronze_api_staging", "items")} <= found
    assert destination.destination_name == "lake"


def test_pipelines_in_threads_share_the_file(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    def load(number: int) -> None:
        try:
            pipeline = dlt.pipeline(
                pipeline_name=f"api{number}",
                destination=warehouse.dlt_destination(),
                dataset_name=f"bronze_{number}",
                pipelines_dir=str(tmp_path),
            )
            with warehouse.writing():
                pipeline.run([{"id": i} for i in range(10)], table_name="items")
        except BaseException as error:
            failures.append(error)

    failures: list[BaseException] = []
    with warehouse.exclusive():
        threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        connection = warehouse.connect()
        counts = [
            connection.query(f"SELECT count(*) FROM bronze_{number}.items")[0][0] for number in range(4)
        ]
    assert counts == [10, 10, 10, 10]


def test_file_is_free_after_release(warehouse: DuckDBWarehouse) -> None:
    warehouse.connect().execute("CREATE TABLE t AS SELECT 1")
    assert run_python(OPEN_FILE, warehouse.path).returncode != 0
    warehouse.release()
    assert run_python(OPEN_FILE, warehouse.path).returncode == 0


def test_exclusive_names_its_holder_to_another_process(warehouse: DuckDBWarehouse) -> None:
    code = """
import sys; from pathlib import Path
from pipeline_cli.destinations.duckdb import DuckDBWarehouse
from pipeline_cli.errors import Busy
path = Path(sys.argv[1])
try:
    with DuckDBWarehouse("lake", path, path.parent).exclusive(): print("given twice")
except Busy as busy: print(busy.exit_code, busy.message)
"""
    with warehouse.exclusive("run 42"), warehouse.exclusive():
        done = run_python(code, warehouse.path)
    assert done.stdout.startswith("75 "), done.stderr
    assert f"process {os.getpid()}" in done.stdout
    assert "run 42" in done.stdout
    assert run_python(code, warehouse.path).stdout.strip() == "given twice"


def test_file_open_in_another_program_is_busy_and_names_the_process(warehouse: DuckDBWarehouse) -> None:
    warehouse.connect().close()
    warehouse.release()
    with another_process_holds(warehouse.path) as pid:
        with pytest.raises(Busy, match=f"is open in process {pid}"), warehouse.exclusive():
            pytest.fail("the file was given twice")
        with pytest.raises(Busy, match=str(pid)):
            warehouse.check()


def test_a_run_waits_a_moment_for_a_command_that_only_looks(warehouse: DuckDBWarehouse) -> None:
    """`site` and `quarantine list` open the file without our lock: a run is not turned away by them."""
    warehouse.connect().close()
    warehouse.release()
    with another_process_holds(warehouse.path) as pid:
        threading.Timer(0.5, os.kill, (pid, 15)).start()
        with warehouse.exclusive():
            warehouse.connect().query("SELECT 1")


def test_exclusive_can_wait_for_the_file(warehouse: DuckDBWarehouse) -> None:
    warehouse.connect().close()
    warehouse.release()
    with another_process_holds(warehouse.path) as pid:
        threading.Timer(0.5, os.kill, (pid, 15)).start()
        with warehouse.exclusive(wait_s=20):
            assert warehouse.connect().query("SELECT 1") == [(1,)]


@pytest.mark.parametrize("content", [b"no database\n" * 1000, b"\0" * 8192])
def test_damaged_file_is_told_with_a_way_out(warehouse: DuckDBWarehouse, content: bytes) -> None:
    warehouse.path.parent.mkdir(parents=True)
    warehouse.path.write_bytes(content)
    with pytest.raises(LoadError, match="no DuckDB database, or a damaged one") as caught:
        warehouse.check()
    assert "move it away" in str(caught.value.hint)


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    opened = open_warehouse(make_duckdb_project(tmp_path, str(tmp_path / "file/warehouse.duckdb")))
    with pytest.raises(LoadError, match="not a folder that can be written"):
        opened.check()
    with pytest.raises(LoadError, match="cannot make"):
        opened.connect()


def test_check_makes_no_file(warehouse: DuckDBWarehouse) -> None:
    warehouse.check()
    assert not warehouse.path.parent.exists()


def test_settings_hold_for_every_connection_of_the_process(warehouse: DuckDBWarehouse) -> None:
    warehouse.connect()
    other = duckdb.connect(str(warehouse.path))
    settings = dict(other.execute("SELECT name, value FROM duckdb_settings()").fetchall())
    other.close()
    state = str(warehouse.path.parent)
    assert settings["TimeZone"] == "UTC"
    assert settings["autoinstall_known_extensions"] == "false"
    assert all(
        settings[name].startswith(state)
        for name in ("extension_directory", "secret_directory", "temp_directory")
    )


def test_statement_that_fails_is_a_load_error(warehouse: DuckDBWarehouse) -> None:
    connection = warehouse.connect()
    connection.execute("CREATE TABLE t (a INTEGER)")
    with pytest.raises(LoadError, match="missing"), connection.transaction():
        connection.execute("INSERT INTO t VALUES (?)", [1])
        connection.query("SELECT * FROM missing")
    assert connection.query("SELECT count(*) FROM t") == [(0,)]


def test_lock_file_of_a_killed_holder_stops_nobody(warehouse: DuckDBWarehouse) -> None:
    warehouse.path.parent.mkdir(parents=True)
    lock = warehouse.path.with_name("warehouse.duckdb.lock")
    lock.write_text("")
    lock.with_name(lock.name + ".json").write_text(json.dumps({"pid": 1}))
    with warehouse.exclusive():
        pass


@pytest.mark.parametrize("naming", [None, "snake_case", "sql_cs_v1"])
def test_what_dlt_may_do_is_what_its_own_destination_says(
    warehouse: DuckDBWarehouse, naming: str | None
) -> None:
    settings = {"destination_name": "lake", "replace_strategy": "insert-from-staging"}
    own = dlt.destinations.duckdb(str(warehouse.path), **settings)
    ours = warehouse.dlt_destination()
    convention = (
        import_module(f"dlt.common.normalizers.naming.{naming}").NamingConvention() if naming else None
    )
    expected = dict(own.capabilities(naming=convention))
    for _ in range(2):
        said = ours.capabilities(naming=convention)
        assert dict(said) == expected
        said["max_identifier_length"] = 1  # whoever asks may change what it got
