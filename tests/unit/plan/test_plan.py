"""What a run will do."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline_cli.errors import UsageError
from pipeline_cli.manifest.models import Environment, Manifest, Pipeline
from pipeline_cli.plan import keep_steps, plan_run

MANIFEST = Manifest(
    version=1,
    name="shop",
    default_environment="dev",
    environments={"dev": Environment(destination="duckdb")},
    destinations={},
    pipelines={
        "shop": Pipeline(sources=("api", "files"), transforms=("staging", "marts")),
        "crm": Pipeline(sources=("api",), transforms=("people",)),
    },
)


def names(start: str | None = None, *pipelines: str) -> dict[str, list[str]]:
    plans = plan_run(MANIFEST, pipelines=pipelines, start=start)
    return {plan.name: [step.name for step in plan.steps] for plan in plans}


def test_all_pipelines_in_the_order_of_the_manifest() -> None:
    assert names() == {
        "shop": [
            "ingest:api",
            "ingest:files",
            "transform:staging",
            "test:staging",
            "transform:marts",
            "test:marts",
        ],
        "crm": ["ingest:api", "transform:people", "test:people"],
    }
    assert list(names(None, "crm", "shop")) == ["shop", "crm"]


def test_transform_needs_every_source_and_the_tests_before_it() -> None:
    needs = {step.name: step.needs for step in plan_run(MANIFEST)[0].steps}
    assert needs == {
        "ingest:api": (),
        "ingest:files": (),
        "transform:staging": ("ingest:api", "ingest:files"),
        "test:staging": ("transform:staging",),
        "transform:marts": ("ingest:api", "ingest:files", "test:staging"),
        "test:marts": ("transform:marts",),
    }


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("ingest", ["ingest:api", "transform:people", "test:people"]),
        ("transform", ["transform:people", "test:people"]),
        ("test", ["test:people"]),
        ("transform:people", ["transform:people", "test:people"]),
    ],
)
def test_from_leaves_out_what_comes_before(start: str, expected: list[str]) -> None:
    assert names(start, "crm") == {"crm": expected}


def test_reports_come_last_and_need_every_source_and_test() -> None:
    pipeline = Pipeline(sources=("api",), transforms=("staging", "marts"), reports=("sales", "stock"))
    plan = plan_run(dataclasses.replace(MANIFEST, pipelines={"shop": pipeline}))[0]
    assert [step.name for step in plan.steps][-2:] == ["report:sales", "report:stock"]
    assert {step.needs for step in plan.steps[-2:]} == {("ingest:api", "test:staging", "test:marts")}


def test_from_a_step_leaves_out_the_pipelines_that_do_not_have_it() -> None:
    assert names("test:marts") == {"shop": ["test:marts"]}


def test_steps_need_nothing_that_is_left_out() -> None:
    plans = plan_run(MANIFEST, pipelines=["crm"], start="transform")
    assert plans[0].steps[0].needs == ()


def test_kept_steps_need_only_one_another() -> None:
    kept = keep_steps(plan_run(MANIFEST), {"shop": {"ingest:files", "transform:staging"}})
    assert [(step.name, step.needs) for step in kept[0].steps] == [
        ("ingest:files", ()),
        ("transform:staging", ("ingest:files",)),
    ]
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("pipelines", "start", "message", "hint"),
    [
        (["shp"], None, "there is no pipeline 'shp'", "Did you mean shop?"),
        (["zzz"], None, "there is no pipeline 'zzz'", "There is: shop, crm."),
        ([], "tranform", "there is no step 'tranform'", "Did you mean transform?"),
        (["crm"], "test:peple", "there is no step 'test:peple'", "Did you mean test:people?"),
    ],
)
def test_unknown_name_is_told_with_the_nearest(
    pipelines: list[str], start: str | None, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as raised:
        plan_run(MANIFEST, pipelines=pipelines, start=start)
    assert (raised.value.message, raised.value.hint, raised.value.exit_code) == (message, hint, 2)
