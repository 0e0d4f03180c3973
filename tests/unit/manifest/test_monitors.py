"""`monitor:` and `service_level:` of a pipeline: what they may be, and what is told where they cannot be."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_cli.manifest.models import Limit, Monitor, Pipeline
from pipeline_cli.manifest.reader import read_manifest
from tests.unit.manifest.helpers import HEAD, mistakes_of, only, write

SOURCES = "sources: {api: {type: rest_api, client: {base_url: 'https://a.b'}, resources: {x: {}}}}\n"


def read_pipeline(root: Path, written: str) -> Pipeline:
    write(root, f"{HEAD}{SOURCES}pipelines:\n  all: {{sources: [api], {written}}}\n")
    return read_manifest(root, {}).manifest.pipelines["all"]


def test_thresholds_are_read_and_the_others_have_their_defaults(tmp_path: Path) -> None:
    written = "service_level: 30m, monitor: {every: 1d, rows: 3, quarantine: 5%, new_rows: 12h}"
    pipeline = read_pipeline(tmp_path, written)
    assert pipeline.service_level == timedelta(minutes=30)
    wanted = Monitor(
        every=timedelta(days=1), rows=3.0, quarantine=Limit(share=0.05), new_rows=timedelta(hours=12)
    )
    assert pipeline.monitor == wanted
    assert (wanted.duration, wanted.min_runs, wanted.grace) == (2.0, 5, timedelta(hours=1))


@pytest.mark.parametrize(
    ("written", "code", "column", "told"),
    [
        ("sources: [api], monitor: {every: 0s}", "E113", 42, "every must be at least 1 seconds"),
        ("sources: [api], monitor: {duration: 0.5}", "E113", 45, "duration must be at least 1"),
        ("sources: [api], monitor: {rows: many}", "E113", 41, "rows must be a number"),
        ("sources: [api], monitor: {quarantine: 120%}", "E113", 47, "quarantine must be a count or a share"),
        ("sources: [api], monitor: {fresh: 1d}", "E111", 35, "fresh"),
        ("sources: [api], service_level: 30", "E113", 40, "service_level must be a duration"),
        ("sources: [api], monitor: {grace: 1h}", "E134", 35, "grace is for a pipeline with a schedule"),
        ("schedule: '@daily', monitor: {every: 1h}", "E134", 39, "the schedule says when"),
        ("monitor: {new_rows: 1d}", "E134", 19, "new_rows is for a pipeline with sources"),
    ],
)
def test_a_wrong_threshold_is_told_with_its_place(
    tmp_path: Path, written: str, code: str, column: int, told: str
) -> None:
    write(tmp_path, f"{HEAD}{SOURCES}pipelines:\n  all: {{{written}}}\n")
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.line, mistake.column) == (code, 13, column)
    assert told in mistake.message
    assert mistake.hint or code == "E113"


def test_the_manifest_s_thresholds_are_every_pipeline_s_key_by_key(tmp_path: Path) -> None:
    write(
        tmp_path,
        f"""{HEAD}{SOURCES}monitor: {{every: 6h, grace: 15m, rows: 4}}
pipelines:
  plain: {{sources: [api]}}
  own: {{sources: [api], monitor: {{rows: 3}}}}
  timed: {{sources: [api], schedule: "@daily", monitor: {{grace: 5m}}}}
  blank: {{sources: [api], monitor: }}
  empty:
""",
    )
    pipelines = read_manifest(tmp_path, {}).manifest.pipelines
    found = {name: each.monitor for name, each in pipelines.items()}
    hours, minutes = timedelta(hours=6), timedelta(minutes=15)
    assert found == {
        "plain": Monitor(every=hours, grace=minutes, rows=4.0),
        "own": Monitor(every=hours, grace=minutes, rows=3.0),
        "timed": Monitor(every=hours, grace=timedelta(minutes=5), rows=4.0),
        "blank": Monitor(every=hours, grace=minutes, rows=4.0),
        "empty": Monitor(every=hours, grace=minutes, rows=4.0),
    }


@pytest.mark.parametrize(
    ("written", "code", "column"),
    [("{rows: many}", "E113", 17), ("{fresh: 1d}", "E111", 11), ("[1]", "E110", 10)],
)
def test_a_mistake_in_the_manifest_s_thresholds_is_told_once(
    tmp_path: Path, written: str, code: str, column: int
) -> None:
    pipelines = "pipelines:\n  one: {sources: [api]}\n  two: {sources: [api], monitor: {rows: 3}}\n"
    write(tmp_path, f"{HEAD}{SOURCES}monitor: {written}\n{pipelines}")
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.line, mistake.column) == (code, 12, column)


def test_how_long_the_ledger_keeps_what_is_over(tmp_path: Path) -> None:
    write(tmp_path, f"{HEAD}retention: {{alerts: 30d}}\npipelines: {{}}\n")
    retention = read_manifest(tmp_path, {}).manifest.retention
    assert (retention.alerts, retention.slots) == (timedelta(days=30), timedelta(days=365))
    write(tmp_path, f"{HEAD}retention: {{slots: 1h}}\npipelines: {{}}\n")
    assert only(mistakes_of(tmp_path)).message == "slots must be at least 86400 seconds, not '1h'."
