"""What dbt did, as results of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_cli.destinations.base import quote
from pipeline_cli.document import CheckResult, CheckStatus, ModelResult, Severity, Status
from pipeline_cli.transforms.base import TransformRequest
from pipeline_cli.transforms.process import shorten

_MODELS = ("model", "seed", "snapshot")
_TESTS = ("test", "unit_test")
_MODEL_STATUS: Mapping[str, Status] = {
    "success": "succeeded",
    "skipped": "skipped",
}  # the others are failures
_CHECK_STATUS: Mapping[str, CheckStatus] = {
    "pass": "passed",
    "success": "passed",
    "fail": "failed",
    "warn": "warned",
    "skipped": "skipped",
}


def read_results(
    outcome: Any, manifest: Any, request: TransformRequest
) -> tuple[list[ModelResult], dict[str, CheckResult]]:
    """The models of a dbt command, and its tests by their dbt id.

    outcome: what dbt's runner gave, or None when nothing was selected.
    """
    found = [result for result in getattr(outcome, "results", None) or [] if result.status != "no-op"]
    models = [_read_model(result, request) for result in found if result.node.resource_type in _MODELS]
    checks = {
        result.node.unique_id: _read_check(result, manifest, request)
        for result in found
        if result.node.resource_type in _TESTS
    }
    _count_rows([result.node for result in found if result.status == "success"], models, request)
    return models, checks


def explain(models: Sequence[ModelResult], checks: Mapping[str, CheckResult]) -> str | None:
    """What failed, in one line; None when nothing did."""
    broken = [model.message for model in models if model.status == "failed"]
    broken += [
        check.message
        for check in checks.values()
        if check.status == "errored" or (check.status == "failed" and check.severity == "critical")
    ]
    return "; ".join(str(message) for message in broken) or None


def tests_to_run(manifest: Any, done: Mapping[str, CheckResult]) -> list[str]:
    """The names of the project's tests that are not in `done`."""
    nodes = [*manifest.nodes.values(), *manifest.unit_tests.values()]
    tests = [node for node in nodes if node.resource_type in _TESTS]
    return sorted({node.name for node in tests if node.unique_id not in done})


def _read_model(result: Any, request: TransformRequest) -> ModelResult:
    node = result.node
    name = _relation_name(node)
    status = _MODEL_STATUS.get(str(result.status), "failed")
    message = f"{name}: {_reason(result.message, request)}" if status == "failed" else None
    return ModelResult(name, status, None, round(result.execution_time, 3), message)


def _read_check(result: Any, manifest: Any, request: TransformRequest) -> CheckResult:
    node = result.node
    status = _CHECK_STATUS.get(str(result.status), "errored")
    model, test = _tested_model(node, manifest), _test_name(node)
    name = f"{model}:{test}" if model else test
    failures = int(result.failures or 0) if status in ("failed", "warned") else 0
    message = None
    if status == "errored" or (status == "failed" and node.resource_type == "unit_test"):
        kind = "unit test" if node.resource_type == "unit_test" else "test"
        message = f"{kind} {name} failed: {_reason(result.message, request)}"
    elif status in ("failed", "warned"):
        place = f" in {model}" if model else ""
        message = f"test {test} found {failures} row{'' if failures == 1 else 's'}{place}"
    return CheckResult(name, status, _severity(node), failures, message)


def _severity(node: Any) -> Severity:
    """What stops dbt is critical: a unit test, or a test of severity error; or what its tags call so."""
    if node.resource_type == "unit_test" or "critical" in node.tags:
        return "critical"
    return "critical" if str(node.config.severity).lower() == "error" else "warning"


def _tested_model(node: Any, manifest: Any) -> str | None:
    if node.resource_type == "unit_test":
        tested = manifest.unit_tests[node.unique_id]  # a skipped one comes as its definition, another class
        return _relation_name(manifest.nodes[tested.depends_on.nodes[0]])
    attached = getattr(node, "attached_node", None)
    if attached in manifest.nodes:
        return _relation_name(manifest.nodes[attached])
    sources = [manifest.sources[name] for name in node.depends_on.nodes if name in manifest.sources]
    return f"{sources[0].schema}.{sources[0].identifier}" if len(sources) == 1 and not attached else None


def _test_name(node: Any) -> str:
    """`unique(customer_id)` for a generic test, else the test's own name."""
    metadata = getattr(node, "test_metadata", None)
    if metadata is None:
        return str(node.name)
    column = getattr(node, "column_name", None)
    return f"{metadata.name}({column})" if column else str(metadata.name)


def _relation_name(node: Any) -> str:
    return f"{node.schema}.{getattr(node, 'alias', None) or node.name}"


def _reason(message: object, request: TransformRequest) -> str:
    """dbt's message without the address of the compiled file."""
    return shorten(re.sub(r"\n\s*compiled code at \S+", "", str(message or "dbt gave no reason")), request)


def _count_rows(nodes: Sequence[Any], models: Sequence[ModelResult], request: TransformRequest) -> None:
    relations = {
        _relation_name(node): quote(node.schema, node.alias)
        for node in nodes
        if node.resource_type in _MODELS
    }
    if not relations:
        return
    connection = request.warehouse.connect()
    try:
        for model in models:
            if model.name in relations:
                model.rows = connection.query(f"SELECT count(*) FROM {relations[model.name]}")[0][0]
    finally:
        connection.close()
