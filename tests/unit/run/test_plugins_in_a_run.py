"""What plugins hear of a run, and that none can harm it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_cli.drift import Field, SchemaChange, TableFields
from pipeline_cli.errors import SourceError
from pipeline_cli.gate.rules import Violation
from pipeline_cli.load import IngestRequest, IngestResult
from pipeline_cli.manifest.models import Plugin
from pipeline_cli.run import exit_code
from tests.unit.run.world import World, make_world

DIARY = """
import json, pathlib

def write(*words):
    with pathlib.Path(__file__).with_name("diary.txt").open("a") as file:
        file.write(json.dumps(words) + "\\n")

@hookimpl
def run_started(run): write("run_started", run.project, run.environment, list(run.pipelines))
@hookimpl
def step_started(step): write("step_started", step.pipeline, step.name, step.kind)
@hookimpl
def contract_violated(violation): write("contract_violated", violation.resource, violation.rejected, violation.reasons)
@hookimpl
def schema_drifted(changes): write("schema_drifted", changes)
@hookimpl
def step_failed(step, result): write("step_failed", step.name, result["errors"][0]["message"])
@hookimpl
def step_finished(step, result): write("step_finished", step.name, result["status"])
@hookimpl
def run_finished(result, options): write("run_finished", result["status"], options)
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = make_world(tmp_path, plugins={"diary": Plugin(options={"to": ["a"]})})
    world.loader.news["api"] = 3
    return world


def diary_of(world: World) -> list[list[object]]:
    text = (world.project.root / "plugins" / "diary.txt").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_plugin_hears_of_every_moment_in_order(world: World) -> None:
    world.plugin("diary", DIARY)
    world.run()
    assert diary_of(world) == [
        ["run_started", "shop", "dev", ["shop"]],
        ["step_started", "shop", "ingest:api", "ingest"],
        ["step_finished", "ingest:api", "succeeded"],
        ["step_started", "shop", "transform:marts", "transform"],
        ["step_finished", "transform:marts", "succeeded"],
        ["step_started", "shop", "test:marts", "test"],
        ["step_finished", "test:marts", "succeeded"],
        ["run_finished", "succeeded", {"to": ["a"]}],
    ]


def test_plugin_hears_of_failures_violations_and_drift(world: World) -> None:
    world.plugin("diary", DIARY)

    def load(request: IngestRequest) -> IngestResult:
        violations = [Violation("items", [{"path": "/price", "rule": "type"}], "{}") for _ in range(7)]
        return IngestResult(
            "succeeded",
            violations=violations,
            schema_changes=[SchemaChange("new", "items", "colour", "text")],
        )

    def refuse(_request: object) -> None:
        raise SourceError("no grant")

    world.loader.__class__ = type(
        "Loader", (world.loader.__class__,), {"__call__": lambda self, request: load(request)}
    )
    world.engine.during["transform:marts"] = refuse
    world.run()
    heard = diary_of(world)
    assert ["contract_violated", "items", 7, [{"path": "/price", "rule": "type"}] * 5] in heard
    assert ["schema_drifted", ["items.colour text"]] in heard
    assert ["step_failed", "transform:marts", "no grant"] in heard
    assert ["step_finished", "test:marts", "skipped"] in heard


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        ("raise ValueError('no route')", "plugin bad failed in run_finished: ValueError: no route"),
        ("raise SystemExit(3)", "plugin bad failed in run_finished: it called sys.exit(3)"),
        ("raise KeyboardInterrupt", "plugin bad failed in run_finished: KeyboardInterrupt: "),
    ],
)
def test_plugin_that_raises_harms_neither_the_run_nor_the_next_plugin(
    world: World, body: str, warning: str
) -> None:
    world.plugin("bad", f"@hookimpl\ndef run_finished(): {body}\n")
    world.plugin("diary", DIARY)
    result = world.run()
    assert (result.status, exit_code(result)) == ("succeeded", 0)
    assert result.warnings == [warning]
    assert diary_of(world)[-1][0] == "run_finished"


def test_plugin_that_hangs_is_left_alone_after_its_deadline(tmp_path: Path) -> None:
    world = make_world(tmp_path, plugins={"slow": Plugin(timeout=timedelta(seconds=0.3))})
    world.plugin("slow", "import time\n@hookimpl\ndef step_started(): time.sleep(60)\n")
    world.plugin("diary", DIARY)
    begun = time.monotonic()
    result = world.run()
    assert time.monotonic() - begun < 20
    assert result.status == "succeeded"
    assert result.warnings == [
        "plugin slow did not return in step_started within 0.3 s; it is not called again"
    ]
    assert len([entry for entry in diary_of(world) if entry[0] == "step_started"]) == 3


def test_plugin_that_hangs_does_not_keep_the_program_from_ending(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from datetime import timedelta
from pipeline_cli.manifest.models import Plugin
from tests.unit.run.world import make_world
world = make_world(Path({str(tmp_path)!r}), plugins={{"slow": Plugin(timeout=timedelta(seconds=0.2))}})
world.plugin("slow", "import time\\n@hookimpl\\ndef run_started(): time.sleep(60)\\n")
print(world.run().status)
"""
    root = Path(__file__).parents[3]
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=root, timeout=30
    )
    assert (child.stdout, child.returncode) == ("unchanged\n", 0) or child.stdout == "succeeded\n"


def test_plugin_cannot_change_what_the_next_one_is_given(world: World) -> None:
    world.plugin("a_meddler", "@hookimpl\ndef run_finished(result): result['status'] = 'hacked'\n")
    world.plugin("diary", DIARY)
    result = world.run()
    assert diary_of(world)[-1][1] == "succeeded"
    assert result.status == "succeeded"


def test_a_warning_is_told_when_it_happens(tmp_path: Path) -> None:
    world = make_world(tmp_path, plugins={"slow": Plugin(timeout=timedelta(seconds=0.2))})
    world.plugin("slow", "import time\n@hookimpl\ndef step_started(): time.sleep(60)\n")
    world.run()
    names = [heard[0] for heard in world.watcher.heard]
    assert names.index("step_started") < names.index("warned") < names.index("step_finished")


def test_what_a_source_changed_is_told_recorded_and_shown_once(world: World) -> None:
    world.plugin("diary", DIARY)
    loads = [("price",), ("cost",), ("cost",)]

    def load(self: object, request: IngestRequest) -> IngestResult:
        columns = loads.pop(0)
        table = TableFields(3, {name: Field("double", 0, 3) for name in ("id", *columns)})
        new = [SchemaChange("new", "items", "cost", "double")] if len(loads) == 1 else []
        return IngestResult("succeeded", fields={"items": table}, schema_changes=new)

    world.loader.__class__ = type("Loader", (world.loader.__class__,), {"__call__": load})
    world.run()
    step = world.run().pipelines[0].steps[0]
    text = "items.price is missing, items.cost is new: renamed?"
    assert [each[1] for each in diary_of(world) if each[0] == "schema_drifted"] == [[text]]
    assert step.notes == [f"{text}."]
    assert step.to_dict()["schema_changes"] == [
        {"kind": "renamed", "table": "items", "column": "cost", "data_type": "double", "before": "price"}
    ]
    assert "schema_changes" not in world.run().pipelines[0].steps[0].to_dict()
