"""The report step: after the tests, only when something changed, and never at the cost of the page before."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pipeline_cli.document import CheckResult, StepResult
from pipeline_cli.manifest.models import Pipeline, Report
from pipeline_cli.manifest.reports import ReportTable
from pipeline_cli.reports.run_summary import render_summary
from pipeline_cli.reports.stored_run import read_result
from pipeline_cli.running.holding import open_ledger
from pipeline_cli.steps.report import ReportPlace, write_anew
from tests.unit.run.world import World, make_world

TABLE = ReportTable(type="table", sql="SELECT x FROM gold_shop.marts")
SHOP = Pipeline(sources=("api",), transforms=("marts",), reports=("sales",))


def with_report(world: World, table: ReportTable = TABLE) -> World:
    """The world with the report `sales`, exported, in its pipelines."""
    report = Report(title="Sales", blocks={"rows": table}, exports=("rows",))
    manifest = dataclasses.replace(world.project.manifest, reports={"sales": report})
    world.project = dataclasses.replace(world.project, manifest=manifest)
    return world


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = with_report(make_world(tmp_path, {"shop": SHOP}))
    world.loader.news["api"] = 3
    return world


def report_step(world: World, *pipelines: str, **options: object) -> StepResult:
    result = world.run(*pipelines, **options)
    return next(step for step in result.pipelines[0].steps if step.kind == "report")


def home(world: World) -> Path:
    return world.project.state_dir / "reports" / "sales"


def test_a_report_is_written_after_the_tests(world: World) -> None:
    result = world.run()
    assert result.status == "succeeded"
    assert [step.name for step in result.pipelines[0].steps][-2:] == ["test:marts", "report:sales"]
    (report,) = result.pipelines[0].steps[-1].reports
    assert report.name == "sales"
    assert report.page == ".pipeline/dev/reports/sales/latest/sales.html"
    folder = f".pipeline/dev/reports/sales/{result.run_id}"
    assert report.files == [f"{folder}/sales.html", f"{folder}/sales.rows.csv"]
    assert all((world.project.root / file).is_file() for file in [report.page, *report.files])
    assert result.run_id in (world.project.root / report.page).read_text(encoding="utf-8")


def test_the_runs_document_and_summary_have_the_page(world: World) -> None:
    result = world.run()
    document = result.to_dict()
    step = document["pipelines"][0]["steps"][-1]
    assert (step["kind"], step["reports"][0]["name"]) == ("report", "sales")
    assert read_result(document).to_dict() == document
    text = "\n".join(render_summary(result, location=None))
    assert "a page and 1 CSV file" in text
    assert "    .pipeline/dev/reports/sales/latest/sales.html" in text


def test_a_report_of_what_is_unchanged_is_not_written_again(world: World) -> None:
    first = world.run()
    again = world.run()
    assert again.status == "unchanged"
    step = again.pipelines[0].steps[-1]
    assert (step.name, step.status) == ("report:sales", "unchanged")
    assert step.reports[0].files[0].split("/")[-2] == first.run_id
    assert sorted(path.name for path in home(world).iterdir()) == [first.run_id, "latest"]


def test_new_rows_make_a_new_page_even_where_the_figures_are_the_same(world: World) -> None:
    world.run()
    world.loader.news["api"] = 1
    assert report_step(world).status == "succeeded"
    assert len(list(home(world).glob("2*"))) == 2


def test_a_report_is_skipped_where_a_test_failed(world: World) -> None:
    world.engine.checks = [CheckResult("unique", "failed", failures=1)]
    step = report_step(world)
    assert (step.status, step.notes) == ("skipped", ["skipped: test:marts failed"])
    assert not home(world).exists()


def test_a_report_that_fails_is_a_failed_step_and_the_page_before_stays(world: World) -> None:
    first = world.run()
    with_report(world, ReportTable(type="table", sql="SELECT gone FROM gold_shop.marts"))
    result = world.run()
    assert result.status == "failed"
    (error,) = result.errors
    assert (error.code, error.step) == ("E350", "report:sales")
    assert error.message.startswith("report sales, block rows: ")
    assert "gone" in error.message
    assert sorted(path.name for path in home(world).iterdir()) == [first.run_id, "latest"]
    assert (home(world) / "latest" / "sales.html").is_file()


def test_a_failed_report_is_all_that_a_retry_does(world: World) -> None:
    with_report(world, ReportTable(type="table", sql="SELECT gone FROM gold_shop.marts"))
    failed = world.run()
    with_report(world)
    result = world.run(retry_of=failed.run_id)
    assert [(step.name, step.status, step.tries) for step in result.pipelines[0].steps] == [
        ("report:sales", "succeeded", 2)
    ]


def test_from_report_writes_reports_alone(world: World) -> None:
    world.run()
    assert [step.name for step in world.run(start="report").pipelines[0].steps] == ["report:sales"]


def test_two_pipelines_may_share_a_report(tmp_path: Path) -> None:
    other = Pipeline(sources=("api",), transforms=("other",), reports=("sales",))
    world = with_report(make_world(tmp_path, {"shop": SHOP, "other": other}))
    world.loader.news["api"] = 3
    result = world.run()
    steps = [step for pipeline in result.pipelines for step in pipeline.steps if step.kind == "report"]
    assert [step.status for step in steps] == ["succeeded", "succeeded"]
    assert sorted(path.name for path in home(world).iterdir()) == [
        result.run_id,
        f"{result.run_id}-2",
        "latest",
    ]


def test_full_refresh_writes_the_page_anew(world: World) -> None:
    world.run()
    assert report_step(world, full_refresh=True).status == "succeeded"


def test_outside_a_run_the_page_names_the_newest_run(world: World) -> None:
    run = world.run()
    warehouse = world.backends.open_warehouse(world.project)
    with open_ledger(world.project) as ledger:
        written = write_anew(ReportPlace(world.project, warehouse, ledger), "sales")
    warehouse.release()
    page = (world.project.root / written.files[0]).read_text(encoding="utf-8")
    assert run.run_id in page
    assert written.files[0].split("/")[-2] != run.run_id
