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
