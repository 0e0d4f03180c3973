"""What dbt did, as results of ours."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline_cli.destinations.base import quote
from pipeline_cli.document import CheckResult, CheckStatus, ModelResult, Severity, Status
from pipeline_cli.transforms.base import TransformRequest, TransformResult
from pipeline_cli.transforms.process import check_hint, keep_lines, rerun_hint, shorten

_MODELS = ("model", "seed", "snapshot")
_TESTS = ("test", "unit_test")
_ERROR_IN = re.compile(r"[A-Z]\w+ Error in \w+ \S+ \((?P<file>[^)\n]+)\)\n?")
_AT_LINE = re.compile(r"\n\s*line (\d+)")
# The others are failures.
_MODEL_STATUS: Mapping[str, Status] = {"success": "succeeded", "skipped": "skipped"}
_CHECK_STATUS: Mapping[str, CheckStatus] = {
    "pass": "passed",
    "success": "passed",
    "fail": "failed",
    "warn": "warned",
    "skipped": "skipped",
}


# DuckDB refuses whatever comes after an SQL error in a transaction: that is not built, and has not failed.
_NOT_REACHED = "transaction is aborted"


@dataclass(frozen=True, slots=True)
class Failure:
    """What stops a run: in a sentence, the file to look at, and the test that found rows, by its dbt id."""

    message: str
    file: str
    test: str | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """What a dbt command did; `checks` by their dbt id."""

    models: list[ModelResult]
    checks: dict[str, CheckResult]
    failures: list[Failure]
    notes: list[str] = field(default_factory=list)


def read_results(outcome: Any, manifest: Any, request: TransformRequest) -> Results:
    """The models, tests and failures of a dbt command.

    outcome: what dbt's runner gave, or None when nothing was selected.
    """
    found = [result for result in getattr(outcome, "results", None) or [] if result.status != "no-op"]
    models = [_read_model(result, request) for result in found if result.node.resource_type in _MODELS]
    checks = {
        result.node.unique_id: _read_check(result, manifest, request)
        for result in found
        if result.node.resource_type in _TESTS
    }
    failed_models = {model.name: model for model in models if model.status == "failed"}
    failures = []
    for result in found:
        told = (
            failed_models.get(_relation_name(result.node, request))
            if result.node.resource_type in _MODELS
            else None
        )
        check = checks.get(result.node.unique_id)
        if told is not None:
            failures.append(Failure(str(told.message), _file(result.node, request)))
        elif check and (
            check.status == "errored" or (check.status, check.severity) == ("failed", "critical")
        ):
            test = result.node.unique_id if check.failures else None
            failures.append(Failure(str(check.message), _file(result.node, request), test))
    return Results(models, checks, failures)


def undone(found: Results) -> Results:
    """The results of a build that was taken back: a model whose check failed has failed, the others are as before."""
    broken: dict[str, list[str]] = {}
    for check in found.checks.values():
        if check.status == "errored" or (check.status, check.severity) == ("failed", "critical"):
            broken.setdefault(check.name.partition(":")[0], []).append(str(check.message))
    models = [
        model
        if model.status != "succeeded"
        else replace(model, status="failed", message="\n".join(broken[model.name]))
        if model.name in broken
        else replace(model, status="unchanged")
        for model in found.models
    ]
    return replace(found, models=models)


def explain(
    built: TransformResult, failures: Sequence[Failure], request: TransformRequest, rows: str | None = None
) -> TransformResult:
    """The result of a command that failed: each failure on lines of its own, and what to do.

    rows: the file that has the rows which the first failed test found, relative to the project.
    """
    built.status = "failed"
    built.message = "\n".join(failure.message for failure in failures)
    built.hint = check_hint(request, rows) if failures[0].test else rerun_hint(request, built.message)
    files = {failure.file for failure in failures}
    built.file = files.pop() if len(files) == 1 else None
    return built


def locate(text: str, request: TransformRequest) -> tuple[str, str | None, int | None]:
    """dbt's refusal of a project as (sentence, file, line); the file is relative to ours, None if not told."""
    found = _ERROR_IN.search(text)
    if found is None:
        return shorten(text, request), None, None
    line = _AT_LINE.search(text, found.end())
    file = f"{request.transform.path}/{found['file']}"
    rest = _AT_LINE.sub("", text[found.end() :]).strip() or found[0]
    return keep_lines(rest, request), file, int(line[1]) if line else None


def tests_to_run(
    manifest: Any, done: Mapping[str, CheckResult], wanted: Collection[str] | None = None
) -> list[str]:
    """The names of the project's tests, or of those `wanted`, that are not in `done`."""
    nodes = [*manifest.nodes.values(), *manifest.unit_tests.values()]
    tests = [node for node in nodes if node.resource_type in _TESTS]
    return sorted(
        {
            node.name
            for node in tests
            if node.unique_id not in done and (wanted is None or node.unique_id in wanted)
        }
    )


def _read_model(result: Any, request: TransformRequest) -> ModelResult:
    node = result.node
    name = _relation_name(node, request)
    status = _MODEL_STATUS.get(str(result.status), "failed")
    if status == "failed" and _NOT_REACHED in str(result.message):
        status = "skipped"
    place = f"{name} ({_file(node, request)})"
    message = f"{place}: {_reason(result.message, request)}" if status == "failed" else None
    return ModelResult(name, status, None, round(result.execution_time, 3), message)


def _read_check(result: Any, manifest: Any, request: TransformRequest) -> CheckResult:
    node = result.node
    status = _CHECK_STATUS.get(str(result.status), "errored")
    if status == "errored" and _NOT_REACHED in str(result.message):
        status = "skipped"
    model, test = _tested_model(node, manifest, request), _test_name(node)
    name = f"{model}:{test}" if model else test
    failures = int(result.failures or 0) if status in ("failed", "warned") else 0
    message = None
    if status == "errored" or (status == "failed" and node.resource_type == "unit_test"):
        kind = "unit test" if node.resource_type == "unit_test" else "test"
        message = f"{kind} {name} ({_file(node, request)}) failed: {_reason(result.message, request)}"
    elif status in ("failed", "warned"):
        place = f" in {model}" if model else ""
        rows = f"{failures} row{'' if failures == 1 else 's'}"
        message = f"test {test} ({_file(node, request)}) found {rows}{place}"
    return CheckResult(name, status, _severity(node), failures, message)


def _severity(node: Any) -> Severity:
    """What stops dbt is critical: a unit test, or a test of severity error; or what its tags call so."""
    if node.resource_type == "unit_test" or "critical" in node.tags:
        return "critical"
    return "critical" if str(node.config.severity).lower() == "error" else "warning"


def _tested_model(node: Any, manifest: Any, request: TransformRequest) -> str | None:
    if node.resource_type == "unit_test":
        tested = manifest.unit_tests[node.unique_id]  # a skipped one comes as its definition, another class
        return _relation_name(manifest.nodes[tested.depends_on.nodes[0]], request)
    attached = getattr(node, "attached_node", None)
    if attached in manifest.nodes:
        return _relation_name(manifest.nodes[attached], request)
    sources = [manifest.sources[name] for name in node.depends_on.nodes if name in manifest.sources]
    return f"{sources[0].schema}.{sources[0].identifier}" if len(sources) == 1 and not attached else None


def _test_name(node: Any) -> str:
    """`unique(customer_id)` for a generic test, else the test's own name."""
    metadata = getattr(node, "test_metadata", None)
    if metadata is None:
        return str(node.name)
    column = getattr(node, "column_name", None)
    return f"{metadata.name}({column})" if column else str(metadata.name)


def _relation_name(node: Any, request: TransformRequest) -> str:
    """`schema.model` as the project has it, without what a copy has behind its schemas."""
    schema = request.project.plain_schema(node.schema)
    return f"{schema}.{getattr(node, 'alias', None) or node.name}"


def _reason(message: object, request: TransformRequest) -> str:
    """dbt's message without the address of the compiled file and without the model's, which we tell."""
    text = re.sub(r"\n\s*compiled code at \S+", "", str(message or "dbt gave no reason"))
    return keep_lines(_ERROR_IN.sub("", text, count=1).strip(), request)


def _file(node: Any, request: TransformRequest) -> str:
    """Where the node is written, relative to the project."""
    return f"{request.transform.path}/{node.original_file_path}"


def count_rows(outcome: Any, models: Sequence[ModelResult], request: TransformRequest) -> None:
    """Fill in how many rows the built models have. outcome: as in `read_results`."""
    relations = {
        _relation_name(result.node, request): quote(result.node.schema, result.node.alias)
        for result in getattr(outcome, "results", None) or []
        if result.status == "success" and result.node.resource_type in _MODELS
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
