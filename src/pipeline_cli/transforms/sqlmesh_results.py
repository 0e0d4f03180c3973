"""What SQLMesh did, as results of ours."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from pipeline_cli.destinations.base import quote
from pipeline_cli.document import CheckResult, CheckStatus, ModelResult, Severity
from pipeline_cli.errors import TransformError
from pipeline_cli.manifest.environments import SQLMESH_DEFAULT
from pipeline_cli.transforms.base import TransformRequest, TransformResult
from pipeline_cli.transforms.process import check_hint, keep_lines, rerun_hint, shorten

_LOADING = re.compile(r"Failed to load model from file '(?P<file>[^']+)':\s*(?P<reason>.*)", re.DOTALL)
_TOKEN = re.compile(r"<Token token_type: [^,]*, text: (.*?), line: [^>]*>")
_PLACE = re.compile(r"\.?\s*Line (?P<line>\d+), Col: (?P<column>\d+)")


def finished_build(
    context: Any, request: TransformRequest, console: Any, adopted: Collection[str]
) -> TransformResult:
    """The result of a build without errors: unchanged when nothing of what is published was touched.

    adopted: models that were taken over as they were built before, in another environment or by older code.
    """
    models = _evaluated(context, request, console)
    taken = sorted(_show_name(context, name) for name in set(adopted) - console.durations_s.keys())
    notes = [f"taken over as built before, not built again: {', '.join(taken)}"] if taken else []
    return TransformResult("succeeded" if models or taken else "unchanged", models=models, notes=notes)


def failed_build(
    request: TransformRequest, context: Any, console: Any, error: Exception | None = None
) -> TransformResult:
    """The result of a build that stopped: what failed and why, and what was skipped after it.

    error: what SQLMesh raised, told when no model's own error is known.
    """
    models: dict[str, ModelResult] = {}
    checks: list[CheckResult] = []
    messages: list[str] = []
    files: set[str | None] = set()
    for failure in console.errors or _node_failures(error):
        name = _node_name(failure)
        # In a transaction each later statement fails because of the first error.
        if "transaction is aborted" in str(failure.__cause__).lower():
            console.skipped.add(name)
            continue
        shown = _show_name(context, name)
        failed_checks = [_audit_error(shown, audit) for audit in getattr(failure.__cause__, "errors", ())]
        found = [str(check.message) for check in failed_checks] or [
            _sql_error(context, request, name, failure)
        ]
        checks += failed_checks
        files.add(_file(context, request, name))
        messages += found
        models[name] = ModelResult(shown, "failed", message="\n".join(found))
    for name in sorted(console.skipped - set(models)):
        models[name] = ModelResult(_show_name(context, name), "skipped")
    if not messages:
        messages = [keep_lines(error or "\n".join(console.messages) or "SQLMesh gave no reason", request)]
    message = "\n".join(messages)
    hint = check_hint(request) if checks else rerun_hint(request, message)
    built = TransformResult("failed", list(models.values()), checks, message, hint)
    built.file = files.pop() if len(files) == 1 else None
    return built


def explain_refusal(error: Exception, request: TransformRequest) -> TransformError:
    """The error of a project that SQLMesh cannot load: a sentence, and the file, line and column it tells."""
    hint = f"Correct it; `sqlmesh info` in {request.transform.path} says more."
    found = _LOADING.search(str(error))
    if found is None:
        message = f"the SQLMesh project {request.transform.path} cannot be loaded: {shorten(error, request)}"
        return TransformError(message, code="E332", hint=hint)
    file = shorten(found["file"], request)
    place = _PLACE.search(found["reason"])
    if place is None:
        return TransformError(keep_lines(found["reason"].strip(), request), code="E332", hint=hint, file=file)
    # What follows the place is the text around it, which the file shows better.
    sentence = shorten(_TOKEN.sub(r"'\1'", found["reason"][: place.start()]), request)
    line, column = int(place["line"]), int(place["column"])
    return TransformError(sentence, code="E332", hint=hint, file=file, line=line, column=column)


def _node_failures(error: BaseException | None) -> list[Any]:
    """The failed node that SQLMesh turned into a PlanError without its name."""
    from sqlmesh.utils.concurrency import NodeExecutionFailedError

    seen: list[BaseException] = []
    while error is not None and error not in seen:
        if isinstance(error, NodeExecutionFailedError):
            return [error]
        seen.append(error)
        error = error.__cause__ or error.__context__
    return []


def run_unit_tests(context: Any, request: TransformRequest) -> TransformResult | None:
    """Run the project's unit tests; None when they pass or there are none."""
    tested = context.test(stream=io.StringIO())
    if tested.wasSuccessful():
        return None
    broken = [*tested.failures, *tested.errors]
    names = [str(getattr(test, "test_name", None) or test) for test, _ in broken]
    reason = shorten(broken[0][1], request, 300)
    return TransformResult(
        "failed",
        message=f"unit test {', '.join(names)} failed: {reason}",
        hint=f"Nothing was built. `sqlmesh test` in {request.transform.path} shows the rows.",
    )


def run_audits(context: Any, models: Collection[str], audited: Collection[str] = ()) -> list[CheckResult]:
    """Every audit of these models over all their rows, in the order of the project.

    audited: the models whose audits are known to pass; they do not run again.
    """
    return [
        check
        for snapshot in context.snapshots.values()
        if snapshot.name in models and not snapshot.model.kind.is_symbolic and snapshot.version
        for check in _audit(context, snapshot, snapshot.name in audited)
    ]


def _audit(context: Any, snapshot: Any, passed: bool) -> Iterator[CheckResult]:
    from sqlmesh.core.snapshot import DeployabilityIndex
    from sqlmesh.utils.date import now

    is_copy = context.config.default_target_environment != SQLMESH_DEFAULT
    model = _show_name(context, snapshot.name)
    if passed:
        for audit, arguments in snapshot.node.audits_with_args:
            blocking = arguments.get("blocking", audit.blocking)
            severity: Severity = "critical" if _is_true(blocking) else "warning"
            yield CheckResult(f"{model}:{audit_name(audit.name, arguments)}", "passed", severity)
        return
    start = snapshot.model.start or "1970-01-01"
    # A change that only goes forward has a table of its own until it is promoted.
    index = (
        DeployabilityIndex.create(context.snapshots.values())
        if is_copy
        else DeployabilityIndex.all_deployable()
    )
    for result in context.snapshot_evaluator.audit(
        snapshot, snapshots=context.snapshots, start=start, end=now(), deployability_index=index
    ):
        yield _check(f"{model}:{audit_name(result.audit.name, result.audit_args)}", result)


def _is_true(value: Any) -> bool:
    """Whether an audit's argument, a Python value or an SQL literal, is true."""
    return bool(value.this if hasattr(value, "this") else value)


def _evaluated(context: Any, request: TransformRequest, console: Any) -> list[ModelResult]:
    found = {
        name: seconds
        for name, seconds in console.durations_s.items()
        if name in context.models and not context.models[name].kind.is_symbolic
    }
    counts = _count_rows(context, request, found)
    return [
        ModelResult(_show_name(context, name), "succeeded", counts[name], round(seconds, 3))
        for name, seconds in found.items()
    ]


def _count_rows(context: Any, request: TransformRequest, names: Iterable[str]) -> dict[str, int]:
    connection = request.warehouse.connect()
    try:
        return {
            name: connection.query(f"SELECT count(*) FROM {_relation(context, request, name)}")[0][0]
            for name in names
        }
    finally:
        connection.close()


def _relation(context: Any, request: TransformRequest, name: str) -> str:
    model = context.models[name]
    return quote(request.project.model_schema(model.schema_name), model.view_name)


def _show_name(context: Any, name: str) -> str:
    """`schema.model`, as people and the manifest say it."""
    model = context.models.get(name)
    return f"{model.schema_name}.{model.view_name}" if model is not None else name.replace('"', "")


def _node_name(failure: Any) -> str:
    node = failure.node
    return str(getattr(node, "snapshot_name", None) or getattr(node, "name", node))


def _sql_error(context: Any, request: TransformRequest, name: str, failure: Any) -> str:
    file = _file(context, request, name)
    place = f" ({file})" if file else ""
    return keep_lines(f"{_show_name(context, name)}{place}: {failure.__cause__ or failure}", request)


def _file(context: Any, request: TransformRequest, name: str) -> str | None:
    """Where the model is written, relative to the project."""
    path = getattr(context.models.get(name), "_path", None)
    return shorten(path, request) if path else None


def _audit_error(model: str, error: Any) -> CheckResult:
    audit = audit_name(error.audit_name, error.audit_args)
    return CheckResult(
        f"{model}:{audit}", "failed", "critical", error.count, _found_rows(audit, model, error.count)
    )


def _check(name: str, result: Any) -> CheckResult:
    severity: Severity = "critical" if result.blocking else "warning"
    if result.skipped:
        return CheckResult(name, "skipped", severity)
    count = int(result.count or 0)
    if not count:
        return CheckResult(name, "passed", severity)
    model, _, audit = name.partition(":")
    status: CheckStatus = "failed" if result.blocking else "warned"
    return CheckResult(name, status, severity, count, _found_rows(audit, model, count))


def _found_rows(audit: str, model: str, count: int) -> str:
    return f"audit {audit} found {count} row{'' if count == 1 else 's'} in {model}"


def audit_name(name: str, arguments: dict[str, Any]) -> str:
    """`unique_values(cart_item_id)`: the audit and what it looks at, at most 120 characters."""
    shown = [_argument(value) for key, value in arguments.items() if key != "blocking"]
    text = ", ".join(part for part in shown if part)
    return (f"{name}({text})" if text else name) if len(text) <= 120 else f"{name}({text[:119]}…)"


def _argument(value: Any) -> str:
    if not hasattr(value, "sql"):
        return str(value)
    columns = getattr(value, "expressions", None)
    if columns:
        return ", ".join(part.sql(dialect="duckdb").replace('"', "") for part in columns)
    return str(value.unnest().sql(dialect="duckdb")).replace('"', "")
