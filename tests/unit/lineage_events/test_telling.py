"""Receivers of OpenLineage events: a file, a server, and those that refuse, hang or are not there."""

from __future__ import annotations

import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.document import RunResult
from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.models import Pipeline
from pipeline_cli.manifest.openlineage import OpenLineage
from pipeline_cli.openlineage.sending import append_line
from pipeline_cli.testing import make_project, run_cli
from tests.openlineage_spec import read_event
from tests.servers.json_api import Answer, JsonApi, Request
from tests.unit.run.world import World, make_world

Json = dict[str, Any]
PATH = "/api/v1/lineage"
KILLED = """\
version: 1
name: killed
default_environment: dev
environments: {dev: {destination: warehouse}}
destinations: {warehouse: {type: duckdb}}
plugins: {openlineage: {file: events.jsonl}}
sources: {shop: {type: filesystem, bucket_url: data, resources: {items: {file_glob: "*.csv"}}}}
pipelines: {one: {sources: [shop]}, two: {sources: [shop]}}
"""


def world_of(root: Path, receiver: OpenLineage, secrets: frozenset[str] = frozenset()) -> World:
    pipelines = {"shop": Pipeline(sources=("api",), description="What the shop sold.")}
    world = make_world(root, pipelines, plugins={"openlineage": receiver}, secrets=secrets)
    world.loader.news["api"] = 3
    return world


def server(url: str, **more: Any) -> OpenLineage:
    return OpenLineage(
        **{"url": url, "timeout": timedelta(seconds=0.3), "deadline": timedelta(seconds=2), **more}
    )


def lines_of(world: World) -> list[Json]:
    text = (world.project.state_dir / "events.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_file_gets_a_line_an_event_of_each_run(tmp_path: Path) -> None:
    world = world_of(tmp_path, OpenLineage(file="events.jsonl", namespace="acme"))
    assert world.run().warnings == []
    world.run()
    events = lines_of(world)
    for event in events:
        read_event(event)
    told = [(event["job"]["name"], event["eventType"]) for event in events]
    once = [
        ("shop", "START"),
        ("shop.ingest:api", "START"),
        ("shop.ingest:api", "COMPLETE"),
        ("shop", "COMPLETE"),
    ]
    assert told == [*once, *once]
    assert {event["job"]["namespace"] for event in events} == {"acme"}
    assert events[0]["job"]["facets"]["documentation"]["description"] == "What the shop sold."
    (first,), (second,) = events[2]["outputs"], events[6]["outputs"]
    assert first["name"] == second["name"] == "warehouse.bronze_api.items"
    counts = [one["outputFacets"]["outputStatistics"]["rowCount"] for one in (first, second)]
    assert counts == [3, 0]  # the second run had nothing new
    assert {event["run"]["runId"] for event in events[:4]}.isdisjoint(e["run"]["runId"] for e in events[4:])


def test_the_end_of_a_run_that_was_killed_is_told_once_by_the_next(tmp_path: Path) -> None:
    root = make_project(tmp_path, KILLED, {"data/items.csv": "id\n1\n"})
    killed = run_cli(["run"], cwd=root, env={"PIPELINE_CLI_FAILPOINT": "columns.commit_after"})
    assert killed.exit_code == -signal.SIGKILL
    for _ in range(2):
        assert run_cli(["run"], cwd=root).exit_code == 0
    lines = (root / ".pipeline" / "dev" / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    for event in events:
        read_event(event)
    told = [(event["job"]["name"], event["eventType"]) for event in events]
    begun = [("one", "START"), ("two", "START"), ("one.ingest:shop", "START")]
    died = [("one.ingest:shop", "ABORT"), ("one", "ABORT"), ("two", "ABORT")]
    ended = [("one.ingest:shop", "COMPLETE"), ("one", "COMPLETE"), ("two", "COMPLETE")]
    assert told == [*begun, *died, *begun, *ended, *begun, *ended]
    began = {event["job"]["name"]: event["run"]["runId"] for event in events[:3]}
    assert {event["job"]["name"]: event["run"]["runId"] for event in events[3:6]} == began
    assert "ended without closing the run" in events[4]["run"]["facets"]["errorMessage"]["message"]


def test_a_server_gets_them_in_order_with_the_token(tmp_path: Path) -> None:
    with JsonApi({PATH: lambda _: Answer({}, status=201)}, token="t0ken-of-marquez") as api:
        world = world_of(tmp_path, server(f"{api.url}/", token="t0ken-of-marquez"))
        assert world.run().warnings == []
    bodies = [json.loads(request.body) for request in api.requests]
    assert [body["eventType"] for body in bodies] == ["START", "START", "COMPLETE", "COMPLETE"]
    assert {request.headers["content-type"] for request in api.requests} == {
        "application/json; charset=utf-8"
    }


def test_a_failure_is_told_in_words_and_secrets_are_not(tmp_path: Path) -> None:
    world = world_of(tmp_path, OpenLineage(file="events.jsonl"), frozenset({"hunter2-of-the-shop"}))

    def refuse(_request: object) -> None:
        raise SourceError("the shop refuses hunter2-of-the-shop", code="E371")

    world.loader.during["api"] = refuse
    world.run()
    events = lines_of(world)
    assert [event["eventType"] for event in events] == ["START", "START", "FAIL", "FAIL"]
    for event in events[2:]:
        read_event(event)
        assert event["run"]["facets"]["errorMessage"]["message"] == "E371 the shop refuses ***"
        assert event["outputs"] == []


@pytest.mark.parametrize(
    ("answer", "reason", "requests"),
    [
        # The first is tried three times, the next two once, and the fourth not at all.
        (Answer({"message": "down"}, status=500), '127.0.0.1 answered 500 {"message": "down"}', 5),
        (Answer({"message": "who?"}, status=401), '127.0.0.1 answered 401 {"message": "who?"}', 3),
        (Answer(location="http://127.0.0.1:9/x"), "127.0.0.1 answered 302 null", 3),
    ],
)
def test_a_server_that_refuses_is_a_warning_of_the_run(
    tmp_path: Path, answer: Answer, reason: str, requests: int
) -> None:
    with JsonApi({PATH: lambda _: answer}) as api:
        result = world_of(tmp_path, server(api.url)).run()
    assert result.status == "succeeded"
    assert result.warnings == [f"4 of 4 OpenLineage events did not arrive at openlineage: {reason}"]
    assert api.count() == requests


def test_a_server_that_is_back_gets_the_event_it_refused(tmp_path: Path) -> None:
    down = iter([True, False])
    with JsonApi({PATH: lambda _: Answer({}, status=201)}) as api:
        api.fault = lambda _: Answer(status=503) if next(down, False) else None
        assert world_of(tmp_path, server(api.url)).run().warnings == []
    assert len({request.body for request in api.requests}) == 4 < api.count()


def test_a_server_that_hangs_holds_up_the_end_for_the_deadline_alone(tmp_path: Path) -> None:
    over = threading.Event()

    def hang(_request: Request) -> Answer:
        over.wait(30)
        return Answer(drop=True)

    with JsonApi({PATH: hang}) as api:
        receiver = server(api.url, timeout=timedelta(seconds=20), deadline=timedelta(seconds=0.3))
        begun = time.monotonic()
        result = world_of(tmp_path, receiver).run()
        assert time.monotonic() - begun < 15
        over.set()
    assert result.status == "succeeded"
    assert result.warnings == [
        "4 of 4 OpenLineage events did not arrive at openlineage: the receiver did not take them within 0.3 s"
    ]


def test_what_cannot_be_reached_or_written_harms_nothing(tmp_path: Path) -> None:
    result = world_of(tmp_path / "a", server("http://127.0.0.1:9")).run()
    assert (result.status, len(result.warnings)) == ("succeeded", 1)
    assert "127.0.0.1 cannot be reached" in result.warnings[0]
    (tmp_path / "b" / "folder.jsonl").mkdir(parents=True)
    receiver = OpenLineage(file=str(tmp_path / "b" / "folder.jsonl"))
    result = world_of(tmp_path / "b", receiver).run()
    assert (result.status, len(result.warnings)) == ("succeeded", 1)
    assert "IsADirectoryError" in result.warnings[0]


def test_a_warning_stands_in_the_run_s_stored_document(tmp_path: Path) -> None:
    from pipeline_cli.run import open_ledger

    world = world_of(tmp_path, server("http://127.0.0.1:9"))
    result: RunResult = world.run()
    with open_ledger(world.project) as ledger:
        assert ledger.document(result.run_id)["warnings"] == result.warnings != []


def test_lineage_that_cannot_be_read_leaves_the_events(tmp_path: Path) -> None:
    world = make_world(tmp_path, plugins={"openlineage": OpenLineage(file="events.jsonl")})
    world.loader.news["api"] = 3
    (tmp_path / "transforms/marts/config.yaml").write_text("gateways: [what?]")
    result = world.run()
    assert result.status == "succeeded"
    assert [text.partition(":")[0] for text in result.warnings] == [
        "OpenLineage events lack the lineage of transform"
    ]
    ends = [event["job"]["name"] for event in lines_of(world) if event["eventType"] == "COMPLETE"]
    assert ends == ["shop.ingest:api", "shop.transform:marts", "shop.test:marts", "shop"]


def test_runs_that_write_at_once_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events = [{"number": number, "text": "x" * 20_000} for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda event: append_line(path, event), events))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(line["number"] for line in lines) == list(range(64))
