"""Steps that are tried again: which, when, how often, and what is kept of each try."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest
import requests

from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.document import RunResult, TryResult
from pipeline_cli.errors import Busy, ChecksFailed, LoadError, SourceError, StepError, TransformError
from pipeline_cli.manifest.models import Pipeline
from pipeline_cli.manifest.retries import Retries
from pipeline_cli.reports.run_summary import SummaryStyle, render_summary
from pipeline_cli.reports.stored_run import read_result
from pipeline_cli.run import open_ledger
from pipeline_cli.running.retrying import Retrier, find_retries, find_wait
from pipeline_cli.steps.passing import may_pass, words_may_pass
from pipeline_cli.transforms.base import TransformResult
from tests.unit.run.world import World, make_world, statuses

QUICK = Retries(max=2, delay=timedelta(milliseconds=1), jitter=False)
SERIALIZATION = "could not serialize access due to concurrent update"


def make(root: Path, retries: Retries | None = QUICK, **options: Any) -> World:
    return make_world(
        root, {"shop": Pipeline(sources=("api",), transforms=("marts",), retries=retries)}, **options
    )


def failing(times: int, error: Callable[[], BaseException]) -> Callable[[Any], None]:
    """Something that raises the first `times` times."""
    left = [times]

    def fail(_request: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise error()

    return fail


def dropped() -> SourceError:
    error = SourceError("GET http://api did not answer (connection dropped); the token is s3cret")
    error.transient = True
    return error


def step(result: RunResult, name: str) -> Any:
    return next(step for step in result.pipelines[0].steps if step.name == name)


def ledger_tries(world: World, run_id: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(world.project.pipeline_dir / "runs.db")) as connection:
        query = "SELECT step, number, status, code, message FROM tries WHERE run_id = ? ORDER BY step, number"
        return connection.execute(query, [run_id]).fetchall()


def test_a_source_that_does_not_answer_is_asked_again_and_every_try_is_kept(tmp_path: Path) -> None:
    world = make(tmp_path, secrets=frozenset({"s3cret"}))
    world.loader.news["api"] = 5
    world.loader.during["api"] = failing(2, dropped)
    result = world.run()
    assert statuses(result)["ingest:api"] == "succeeded"
    ingest = step(result, "ingest:api")
    assert (ingest.tries, [each.status for each in ingest.attempts]) == (3, ["failed", "failed", "succeeded"])
    told = "GET http://api did not answer (connection dropped); the token is ***"
    failed = [("ingest:api", number, "failed", "E310", told) for number in (1, 2)]
    assert ledger_tries(world, result.run_id)[:3] == [*failed, ("ingest:api", 3, "succeeded", None, None)]
    warned = [heard[1] for heard in world.watcher.heard if heard[0] == "warned"]
    assert warned == [f"ingest:api: try {number} failed, again in 0 s: {told}" for number in (1, 2)]
    assert (result.status, result.errors) == ("succeeded", [])


def test_the_document_and_runs_show_tell_every_try(tmp_path: Path) -> None:
    world = make(tmp_path)
    world.loader.during["api"] = failing(1, dropped)
    run_id = world.run().run_id
    with open_ledger(world.project) as ledger:
        document = ledger.document(run_id)
    ingest, transform, _ = document["pipelines"][0]["steps"]
    first, second = ingest["attempts"]
    assert (first["number"], first["status"], first["error"]["code"]) == (1, "failed", "E310")
    assert (second["number"], second["error"]) == (2, None)
    assert first["started_at"] <= second["started_at"]
    assert "attempts" not in transform
    shown = render_summary(read_result(document), location=None, style=SummaryStyle(width=80, color=False))
    text = " ".join(" ".join(shown).split())
    assert "Try 1 failed after" in text and "did not answer (connection dropped)" in text


def test_the_last_try_fails_the_step_with_its_error(tmp_path: Path) -> None:
    world = make(tmp_path)
    world.loader.during["api"] = failing(9, dropped)
    result = world.run()
    assert statuses(result) == {"ingest:api": "failed", "transform:marts": "skipped", "test:marts": "skipped"}
    assert step(result, "ingest:api").tries == 3
    assert len(result.errors) == 1
    assert len(ledger_tries(world, result.run_id)) == 3


def test_without_retries_a_step_is_tried_once(tmp_path: Path) -> None:
    world = make(tmp_path, None)
    world.loader.during["api"] = failing(1, dropped)
    result = world.run()
    assert (statuses(result)["ingest:api"], len(ledger_tries(world, result.run_id))) == ("failed", 1)


def test_a_retry_by_hand_counts_on(tmp_path: Path) -> None:
    world = make(tmp_path)
    world.loader.during["api"] = failing(4, dropped)
    first = world.run()
    second = world.run(retry_of=first.run_id)
    assert [each.number for each in step(second, "ingest:api").attempts] == [4, 5]


@pytest.mark.parametrize(
    "error",
    [
        lambda: ChecksFailed("3 of 10 records break the contract: 'connection refused' is no status"),
        lambda: SourceError("GET http://api answered 404", code="E312"),
        lambda: LoadError("Binder Error: column x does not exist"),
        lambda: ValueError("a bug"),
    ],
)
def test_what_fails_the_second_time_as_well_is_not_tried_again(
    tmp_path: Path, error: Callable[[], BaseException]
) -> None:
    world = make(tmp_path)
    world.loader.during["api"] = failing(1, error)
    assert (statuses(world.run())["ingest:api"], len(world.loader.requests)) == ("failed", 1)


def test_a_model_that_could_not_be_serialized_is_built_again(tmp_path: Path) -> None:
    world = make(tmp_path)
    world.loader.news["api"] = 1
    results = [TransformResult("failed", message=SERIALIZATION), None]

    def give_next(_request: Any) -> None:
        world.engine.result = results.pop(0)

    world.engine.during["transform:marts"] = give_next
    result = world.run()
    assert set(statuses(result).values()) == {"succeeded"}
    assert step(result, "transform:marts").tries == 2


def test_a_model_with_an_sql_error_and_a_test_that_fails_are_not_tried_again(tmp_path: Path) -> None:
    world = make(tmp_path)
    world.loader.news["api"] = 1
    world.engine.result = TransformResult("failed", message='column "timeout expiredx" must be grouped')
    assert step(world.run(), "transform:marts").tries == 1
    world.engine.result = None
    world.engine.checks[0].status, world.engine.checks[0].message = "failed", SERIALIZATION
    result = world.run()
    assert (statuses(result)["test:marts"], step(result, "test:marts").tries) == ("failed", 1)


def test_a_test_whose_connection_is_lost_is_tried_again(tmp_path: Path) -> None:
    world = make(tmp_path)
    world.loader.news["api"] = 1
    world.engine.during["test:marts"] = failing(
        1, lambda: TransformError("server closed the connection unexpectedly")
    )
    assert step(world.run(), "test:marts").tries == 2


def test_a_source_or_transform_says_its_own_and_else_the_pipelines_holds(tmp_path: Path) -> None:
    world = make(tmp_path)
    manifest = world.project.manifest
    from pipeline_cli.plan import plan_run

    steps = plan_run(manifest)[0].steps
    assert [find_retries(manifest, "shop", each) for each in steps] == [QUICK] * 3
    own = Retries(max=7)
    object.__setattr__(manifest.sources["api"], "retries", own)
    assert [find_retries(manifest, "shop", each).max for each in steps] == [7, 2, 2]
    object.__setattr__(manifest.transforms["marts"], "retries", Retries(max=0))
    assert [find_retries(manifest, "shop", each).max for each in steps] == [7, 0, 0]


# -- how long it waits ---------------------------------------------------------------------------------------


def test_waits_double_up_to_the_longest_and_end_with_the_tries() -> None:
    retries = Retries(max=6, delay=timedelta(seconds=10), max_delay=timedelta(minutes=1), jitter=False)
    assert [find_wait(retries, failed, 0, 0) for failed in range(1, 8)] == [10, 20, 40, 60, 60, 60, None]
    fixed = Retries(max=2, delay=timedelta(seconds=10), backoff="fixed", jitter=False)
    assert [find_wait(fixed, failed, 0, 0) for failed in (1, 2, 3)] == [10, 10, None]


def test_jitter_varies_a_wait_by_a_quarter_and_never_over_the_longest() -> None:
    retries = Retries(delay=timedelta(seconds=100), max_delay=timedelta(seconds=110))
    assert [find_wait(retries, 1, 0, spread) for spread in (0, 0.5, 1)] == [75, 100, 110]


def test_a_wait_that_would_end_after_the_deadline_is_not_begun() -> None:
    retries = Retries(max=99, delay=timedelta(seconds=10), deadline=timedelta(minutes=1), jitter=False)
    assert find_wait(retries, 1, 50, 0) == 10
    assert find_wait(retries, 1, 50.1, 0) is None


def test_the_deadline_counts_the_tries_and_the_waits(tmp_path: Path) -> None:
    clock, told = [0.0], []
    retries = Retries(
        max=99, delay=timedelta(seconds=10), backoff="fixed", deadline=timedelta(minutes=1), jitter=False
    )

    def wait(seconds: float) -> bool:
        clock[0] += seconds
        return False

    def work(number: int) -> Any:
        clock[0] += 12
        from pipeline_cli.document import StepResult

        return StepResult("ingest:api", "ingest", "failed", number, may_pass=True)

    def tell(attempt: TryResult, wait_s: float) -> None:
        told.append(wait_s)

    result = Retrier(retries, wait, tell, lambda: clock[0]).do(work, lambda done: done, 1)
    assert (len(result.attempts), told, clock[0], result.duration_s) == (3, [10, 10], 56, 56)


def test_a_run_that_is_to_stop_does_not_wait(tmp_path: Path) -> None:
    world = make(tmp_path, Retries(delay=timedelta(hours=1), deadline=timedelta(days=1)))

    def fail(request: Any) -> None:
        threading.Timer(0.3, request.cancelled.set).start()
        raise dropped()

    world.loader.during["api"] = fail
    begun = time.monotonic()
    world.run()
    assert time.monotonic() - begun < 10
    assert len(world.loader.requests) == 1


# -- side by side --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "peak"), [(2, 2), (None, 5)])
def test_a_destination_limits_how_many_sources_are_loaded_at_once(
    tmp_path: Path, limit: int | None, peak: int
) -> None:
    names = tuple(f"s{number}" for number in range(5))
    world = make_world(tmp_path, {"shop": Pipeline(sources=names)})
    object.__setattr__(
        world.project.manifest,
        "destinations",
        {"duckdb": DuckDBDestination(type="duckdb", max_parallel=limit)},
    )
    lock, working, most = threading.Lock(), [0], [0]

    def work(_request: Any) -> None:
        with lock:
            working[0] += 1
            most[0] = max(most[0], working[0])
        time.sleep(0.4)
        with lock:
            working[0] -= 1

    world.loader.during = dict.fromkeys(names, work)
    assert world.run().status == "unchanged"
    assert most[0] == peak


# -- what may pass -------------------------------------------------------------------------------------------


def raised(work: Callable[[], object]) -> BaseException:
    try:
        work()
    except BaseException as error:
        return error
    raise AssertionError("it did not fail")


def test_a_refused_connection_may_pass_also_inside_other_errors() -> None:
    refused = raised(lambda: requests.get("http://127.0.0.1:9/", timeout=5))
    assert may_pass(refused)
    wrapped = StepError("the source failed")
    wrapped.__cause__ = refused
    assert may_pass(wrapped)
    assert not may_pass(StepError("the source failed"))
    violation = ChecksFailed("3 records break the contract")
    violation.__cause__ = refused
    assert not may_pass(violation)


@pytest.mark.parametrize(
    ("status", "passes"), [(429, True), (503, True), (500, True), (404, False), (401, False), (501, False)]
)
def test_an_http_status_may_pass_or_not(status: int, passes: bool) -> None:
    response = requests.Response()
    response.status_code = status
    assert may_pass(raised(response.raise_for_status)) is passes


def test_a_lock_may_pass(tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(tmp_path / "x.db")) as holder,
        closing(sqlite3.connect(tmp_path / "x.db", timeout=0)) as other,
    ):
        holder.execute("BEGIN EXCLUSIVE")
        assert may_pass(raised(lambda: other.execute("CREATE TABLE t (x int)")))
    assert may_pass(Busy("the warehouse is held by process 1"))
    with closing(duckdb.connect()) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS x")
        first, second = connection.cursor(), connection.cursor()
        for cursor in (first, second):
            cursor.execute("BEGIN")
        first.execute("UPDATE t SET x = 2")
        assert may_pass(raised(lambda: second.execute("UPDATE t SET x = 3")))
        assert not may_pass(raised(lambda: connection.execute("SELECT y FROM t")))


def test_postgres_refusals_may_pass_or_not(postgres_url: str) -> None:
    with closing(psycopg2.connect(postgres_url)) as one, closing(psycopg2.connect(postgres_url)) as two:
        with one.cursor() as cursor:
            cursor.execute("CREATE TABLE t AS SELECT 1 AS x")
        one.commit()
        for each in (one, two):
            each.set_session(isolation_level="REPEATABLE READ")
            with each.cursor() as cursor:
                cursor.execute("SELECT x FROM t")
        with one.cursor() as cursor:
            cursor.execute("UPDATE t SET x = 2")
        one.commit()
        with two.cursor() as cursor:
            assert may_pass(raised(lambda: cursor.execute("UPDATE t SET x = 3")))
        two.rollback()
        with two.cursor() as cursor:
            assert not may_pass(raised(lambda: cursor.execute("SELECT nothing FROM t")))
        two.rollback()
        with one.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [two.info.backend_pid])
        with two.cursor() as cursor:
            assert may_pass(raised(lambda: cursor.execute("SELECT 1")))
    assert may_pass(raised(lambda: psycopg2.connect("postgresql://u:p@127.0.0.1:9/x", connect_timeout=2)))


@pytest.mark.parametrize(
    ("message", "passes"),
    [
        (SERIALIZATION, True),
        ("deadlock detected", True),
        ("IO Error: Could not set lock on file", True),
        ("FATAL: the database system is starting up", True),
        ("FATAL: password authentication failed for user 'x'; connection refused", False),
        ("SSL: CERTIFICATE_VERIFY_FAILED; connection reset by peer", False),
        ('Binder Error: column "deadlock detected" does not exist', False),
        ("syntax error at or near FROM", False),
        ("canceling statement due to statement timeout", False),
        ("division by zero", False),
    ],
)
def test_what_an_engine_says_may_pass_or_not(message: str, passes: bool) -> None:
    assert words_may_pass(message) is passes
