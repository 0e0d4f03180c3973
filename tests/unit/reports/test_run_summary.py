"""The printed summary, to the letter."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pipeline_cli.document import (
    CheckResult,
    CheckStatus,
    ErrorDocument,
    ModelResult,
    PipelineResult,
    ResourceResult,
    RunResult,
    Status,
    StepKind,
    StepResult,
)
from pipeline_cli.reports.run_summary import SummaryStyle, next_command, render_result, render_summary
from pipeline_cli.reports.stored_run import read_result

RUN_ID = "20261121T090000-3f9c2a"
STARTED_AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def resource(name: str, loaded: int = 0, quarantined: int = 0, deduplicated: int = 0) -> ResourceResult:
    extracted = loaded + quarantined + deduplicated
    return ResourceResult(name, "bronze", name, None, extracted, loaded, quarantined, deduplicated)


def step(name: str, status: Status, duration_s: float = 0.0, tries: int = 1) -> StepResult:
    kind: StepKind = name.partition(":")[0]  # type: ignore[assignment]
    return StepResult(name, kind, status, tries, started_at=STARTED_AT, duration_s=duration_s)


def result(status: Status, *pipelines: PipelineResult, duration_s: float = 8.31) -> RunResult:
    return RunResult(RUN_ID, "dev", status, STARTED_AT, duration_s, list(pipelines))


def succeeded_pipeline() -> PipelineResult:
    ingest, transform, test = (
        step("ingest:shop", "succeeded", 1.23),
        step("transform:shop", "succeeded", 3.2),
        step("test:shop", "succeeded", 0.4),
    )
    ingest.resources = [resource("products", 20), resource("carts", 1234, deduplicated=2)]
    transform.models = [
        ModelResult("gold_shop.mart", "succeeded", 14),
        ModelResult("silver_shop.stg", "succeeded"),
    ]
    test.checks = [CheckResult("unique(id)", "passed"), CheckResult("not_null(id)", "passed")]
    return PipelineResult("shop", "succeeded", [ingest, transform, test])


def render(run: RunResult, location: str | None = None, width: int = 80) -> str:
    return "\n".join(render_summary(run, location=location, style=SummaryStyle(width=width)))


def test_summary_of_a_run_that_succeeded() -> None:
    assert render(result("succeeded", succeeded_pipeline()), ".pipeline/dev/warehouse.duckdb") == (
        """\
shop: succeeded
  ingest:shop                 succeeded      1.2 s  1,254 loaded, 2 unchanged
    products                                20 loaded
    carts                                   1,234 loaded, 2 unchanged
  transform:shop              succeeded      3.2 s  2 models built
    gold_shop.mart                          14 rows
  test:shop                   succeeded      0.4 s  2 checks passed

Run 20261121T090000-3f9c2a in 'dev': succeeded in 8.3 s
Data:  .pipeline/dev/warehouse.duckdb
Log:   pipeline-cli logs 20261121T090000-3f9c2a"""
    )


def test_what_came_twice_in_one_load_is_not_called_unchanged() -> None:
    ingest = step("ingest:shop", "succeeded", 1.0)
    ingest.resources = [resource("carts", 5, deduplicated=3), resource("users", 7, deduplicated=1)]
    ingest.resources[0].repeated, ingest.resources[1].repeated = 2, 1
    run = result("succeeded", PipelineResult("shop", "succeeded", [ingest]))
    assert render(run, width=100).splitlines()[1:4] == [
        "  ingest:shop                 succeeded      1.0 s  12 loaded, 1 unchanged, 3 repeated",
        "    carts                                   5 loaded, 1 unchanged, 2 repeated",
        "    users                                   7 loaded, 1 repeated",
    ]


def test_summary_says_nothing_new_when_all_was_unchanged() -> None:
    ingest = step("ingest:shop", "unchanged", 0.3)
    ingest.resources = [resource("products", deduplicated=20)]
    steps = [ingest, step("transform:shop", "unchanged"), step("test:shop", "unchanged")]
    assert render(result("unchanged", PipelineResult("shop", "unchanged", steps), duration_s=0.9)) == (
        """\
shop: nothing new
  ingest:shop                 nothing new    0.3 s  20 unchanged
    products                                20 unchanged
  transform:shop              nothing new    0.0 s
  test:shop                   nothing new    0.0 s

Nothing new: every source and every model is as the last run left it.
Run 20261121T090000-3f9c2a in 'dev': nothing new in 0.9 s
Log:   pipeline-cli logs 20261121T090000-3f9c2a"""
    )


def test_summary_of_a_failure_tells_error_hint_warning_and_what_was_skipped() -> None:
    ingest = step("ingest:crm", "failed", 0.12, tries=2)
    steps = [ingest, step("transform:crm", "skipped"), step("test:crm", "skipped")]
    run = result("failed", PipelineResult("crm", "failed", steps))
    run.warnings = ["plugin 'slow' was stopped after 30 s"]
    run.errors = [
        ErrorDocument(
            "E310",
            "ingest:crm",
            "the source is down: GET https://crm.example.com/api/customers answered 503 six times",
            "Nothing is lost: run again when the API answers.",
        )
    ]
    assert render(run) == (
        """\
crm: failed
  ingest:crm                  failed         0.1 s  (try 2)
  transform:crm               skipped
  test:crm                    skipped

Warning: plugin 'slow' was stopped after 30 s
ingest:crm failed: the source is down: GET https://crm.example.com/api/customers
answered 503 six times [E310]
  Nothing is lost: run again when the API answers.

Run 20261121T090000-3f9c2a in 'dev': failed in 8.3 s
Log:   pipeline-cli logs 20261121T090000-3f9c2a
Next:  pipeline-cli retry 20261121T090000-3f9c2a"""
    )


def test_summary_names_failed_models_and_checks_and_not_those_that_passed() -> None:
    pipeline = succeeded_pipeline()
    pipeline.steps[1].models = [
        ModelResult("gold_shop.mart", "failed", message="no column x"),
        ModelResult("g.y", "skipped"),
    ]
    pipeline.steps[2].checks = [
        CheckResult("unique(id)", "passed"),
        CheckResult("positive(amount)", "failed", "critical", 3),
        CheckResult("fresh", "warned", "warning", 0, "older than a day"),
    ]
    shown = render(result("failed", pipeline)).splitlines()
    assert "    gold_shop.mart                          failed: no column x" in shown
    assert "    g.y                                     skipped" in shown
    assert "    positive(amount)                        failed (critical): 3 rows" in shown
    assert "    fresh                                   warned (warning): older than a day" in shown
    assert not any("unique(id)" in line for line in shown)


def test_an_engines_message_is_told_once_with_its_caret_where_it_belongs() -> None:
    pipeline = succeeded_pipeline()
    message = "gold_shop.mart: Binder Error: no column x\nLINE 2: SELECT x\n               ^"
    pipeline.steps[1].models = [ModelResult("gold_shop.mart", "failed", message=message)]
    run = result("failed", pipeline)
    run.errors = [ErrorDocument("E330", "transform:shop", message, None, "transforms/shop/mart.sql", 7)]
    shown = render(run)
    assert shown.count("Binder Error") == 1
    assert "transform:shop failed: transforms/shop/mart.sql:7: gold_shop.mart: Binder" in shown
    assert "  LINE 2: SELECT x\n                 ^\n" in shown


@pytest.mark.parametrize("length", [5, 39, 63, 70])
def test_summary_keeps_to_80_columns_whatever_the_names(length: int) -> None:
    pipeline = succeeded_pipeline()
    name = "n" * length
    pipeline.name = name
    pipeline.steps[0].name = f"ingest:{name}"
    pipeline.steps[0].notes = ["a note of many words " * 10]
    pipeline.steps[0].resources[0].name = name
    pipeline.steps[1].models[0].name = f"gold.{name}"
    pipeline.steps[2].checks = [CheckResult(name, "failed", "critical", 1_000_000, None)]
    lines = render_summary(result("failed", pipeline), location="x", style=SummaryStyle())
    assert max(map(len, lines)) <= 84  # indent and a single word of 77


def test_colour_only_repeats_what_words_say() -> None:
    run = result("succeeded", succeeded_pipeline())
    colored = "\n".join(render_summary(run, location=None, style=SummaryStyle(color=True)))
    assert "\x1b[32msucceeded  \x1b[0m" in colored
    assert colored.replace("\x1b[32m", "").replace("\x1b[0m", "") == render(run)


@pytest.mark.parametrize(
    ("status", "quarantined", "expected"),
    [
        ("succeeded", 0, None),
        ("succeeded", 1, "pipeline-cli quarantine list --source shop"),
        ("failed", 1, f"pipeline-cli retry {RUN_ID}"),
        ("interrupted", 0, f"pipeline-cli retry {RUN_ID}"),
    ],
)
def test_next_command_fits_what_happened(status: Status, quarantined: int, expected: str | None) -> None:
    pipeline = succeeded_pipeline()
    pipeline.steps[0].resources[0].quarantined = quarantined
    assert next_command(result(status, pipeline)) == expected


def test_quiet_leaves_the_warnings_and_the_result() -> None:
    run = result("unchanged", succeeded_pipeline(), duration_s=0.9)
    run.warnings = ["plugin slow failed"]
    assert render_result(run, SummaryStyle()) == [
        "Warning: plugin slow failed",
        f"Run {RUN_ID} in 'dev': nothing new in 0.9 s",
    ]


def test_commands_name_the_environment_when_it_is_not_the_default() -> None:
    lines = render_summary(result("failed"), location=None, style=SummaryStyle(command_suffix=" --env prod"))
    assert lines[-2:] == [
        f"Log:   pipeline-cli logs {RUN_ID} --env prod",
        f"Next:  pipeline-cli retry {RUN_ID} --env prod",
    ]


@pytest.mark.parametrize("check_status", ["passed", "failed", "warned", "skipped", "errored"])
def test_a_stored_document_prints_the_same_summary(check_status: CheckStatus) -> None:
    pipeline = succeeded_pipeline()
    pipeline.steps[2].checks = [CheckResult("c", check_status, "warning", 2, "why")]
    run = result("failed", pipeline)
    run.errors = [ErrorDocument("E1", "ingest:shop", "message", "hint", "pipelines.yaml", 3, 4)]
    stored = json.loads(json.dumps(run.to_dict()))
    assert render(read_result(stored)) == render(run)


def test_a_stored_document_of_a_newer_version_is_read_without_what_it_added() -> None:
    stored = result("succeeded", succeeded_pipeline()).to_dict()
    stored["pipelines"][0]["steps"][0]["resources"][0]["bytes"] = 7
    assert read_result(stored).pipelines[0].steps[0].resources[0].loaded == 20
