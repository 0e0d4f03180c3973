"""Whatever fails, every step has a final status, and nothing is done whose need was not."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline_cli.errors import StepError
from pipeline_cli.manifest.models import Pipeline
from pipeline_cli.plan import plan_run
from pipeline_cli.run import exit_code, open_ledger
from tests.unit.run.world import make_world

PIPELINES = {
    "left": Pipeline(sources=("a", "shared"), transforms=("one", "two")),
    "right": Pipeline(sources=("shared",), transforms=("three",)),
    "only_ingest": Pipeline(sources=("b",)),
}
STEPS = [
    *(f"ingest:{name}" for name in ("a", "shared", "b")),
    *(f"{kind}:{name}" for kind in ("transform", "test") for name in ("one", "two", "three")),
]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.frozensets(st.sampled_from(STEPS)))
def test_dependents_of_failed_steps_are_skipped_and_every_step_ends(failing: frozenset[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder), PIPELINES)
        world.loader.news = {"a": 1, "shared": 1, "b": 1}

        def fail(_request: object) -> None:
            raise StepError("no")

        for name in failing:
            world.loader.during[name.partition(":")[2]] = fail
            world.engine.during[name] = fail
        result = world.run()

        found = {(each.name, step.name): step.status for each in result.pipelines for step in each.steps}
        for plan in plan_run(world.project.manifest):
            for step in plan.steps:
                blocked = any(found[plan.name, need] != "succeeded" for need in step.needs)
                expected = "skipped" if blocked else "failed" if step.name in failing else "succeeded"
                assert found[plan.name, step.name] == expected
        assert exit_code(result) == (1 if "failed" in found.values() else 0)
        with open_ledger(world.project) as ledger:
            assert ledger.recent()[0].status == result.status
            assert ledger.document(result.run_id) == result.to_dict()
