"""SQLMesh: plan what has changed, then run what is fed new data."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline_cli.errors import TransformError
from pipeline_cli.transforms import sqlmesh_results as results
from pipeline_cli.transforms.base import TransformRequest, TransformResult
from pipeline_cli.transforms.external_models import write_external_models
from pipeline_cli.transforms.process import check_hint, engine_process, project_folder, shorten
from pipeline_cli.transforms.sqlmesh_config import DEFAULT_START, build_config, use_config
from pipeline_cli.transforms.sqlmesh_late import late_since
from pipeline_cli.transforms.sqlmesh_seen import adopted_models, keep_seen, lacking_models
from pipeline_cli.transforms.sqlmesh_stale import (
    by_time,
    is_external,
    left_stale,
    own_models,
    sqlmesh_environment,
    stale_models,
)

_CONFIG_FILES = ("config.py", "config.yaml", "config.yml")


@dataclass(slots=True)
class _Build:
    """What a build leaves for the test that follows: the loaded project, and the models whose audits passed."""

    identity: tuple[Path, str, str]
    context: Any
    audited: frozenset[str] = frozenset()


class SQLMeshEngine:
    """The TransformEngine (transforms/base.py) for SQLMesh projects."""

    def __init__(self) -> None:
        self._last: _Build | None = None

    def build(self, request: TransformRequest) -> TransformResult:
        """Plan and apply what has changed, then run the models downstream of fresh tables.

        All in one transaction: what is published changes whole, when every blocking audit has passed, or not at all.
        """
        with _session(request) as console:
            context = _load(request)
            try:
                built = _build(request, context, console)
            except _sqlmesh_errors() as error:
                built = results.failed_build(request, context, console, error)
            finally:
                context.close()
            audited = frozenset() if built.status == "failed" else _audited_whole(context, console)
            self._last = _Build(_identity(request), context, audited)
        return built

    def test(self, request: TransformRequest) -> TransformResult:
        """Every audit of every model: those that the build before has run on all rows, and the others now."""
        with _session(request):
            last, self._last = self._last, None
            if last is None or last.identity != _identity(request):
                last = _Build(_identity(request), _load(request))
            try:
                own = own_models(last.context, request.project)
                checks = results.run_audits(last.context, own, last.audited)
            except _sqlmesh_errors() as error:
                raise TransformError(f"the audits cannot run: {shorten(error, request)}") from error
            finally:
                last.context.close()
        failed = [check for check in checks if check.status == "failed" and check.severity == "critical"]
        message = "\n".join(str(check.message) for check in failed) or None
        hint = check_hint(request) if failed else None
        return TransformResult("failed" if failed else "succeeded", checks=checks, message=message, hint=hint)


@contextmanager
def open_plan(request: TransformRequest) -> Iterator[tuple[Any, Any]]:
    """SQLMesh's context and its plan of what has changed, to be read and not applied. Raises TransformError."""
    with _session(request):
        context = _load(request)
        try:
            yield context, _make_plan(replace(request, allow_destructive=True), context)
        except _sqlmesh_errors() as error:
            raise TransformError(
                f"{request.transform.path} cannot be planned: {shorten(error, request)}", code="E332"
            ) from error
        finally:
            context.close()


def drop_environment(request: TransformRequest) -> None:
    """Drop a copy's views and SQLMesh's record of it, and tables that nothing has used for a week.

    Raises TransformError.
    """
    with _session(request):
        context = _load(request)
        try:
            with request.warehouse.writing():
                context.invalidate_environment(sqlmesh_environment(request.project), sync=True)
                context.run_janitor(ignore_ttl=False)
        except _sqlmesh_errors() as error:
            raise TransformError(
                f"{request.transform.path}: SQLMesh cannot drop {request.project.environment_name}:"
                f" {shorten(error, request)}",
                code="E332",
            ) from error
        finally:
            context.close()


def _load(request: TransformRequest) -> Any:
    """A SQLMesh Context. Raises TransformError when the project cannot be loaded."""
    from sqlmesh import Context

    folder = project_folder(request, *_CONFIG_FILES, "models")
    write_external_models(folder, request.bronze)
    config = build_config(request.project, request.name, request.transform, request.warehouse)
    own_config = any((folder / name).exists() for name in _CONFIG_FILES)
    try:
        with use_config(config):
            return Context(paths=[folder], config=None if own_config else config)
    except Exception as error:  # models may hold any Python
        raise results.explain_refusal(error, request) from error


def _audited_whole(context: Any, console: Any) -> frozenset[str]:
    """The models whose audits have just passed on all their rows; by time range only the new ones are audited."""
    return frozenset(name for name in console.audited if not by_time(context, name))


def _build(request: TransformRequest, context: Any, console: Any) -> TransformResult:
    plan = _make_plan(request, context)
    if plan.context_diff.has_changes:
        failure = results.run_unit_tests(context, request)
        if failure:
            return failure
    adopted = adopted_models(plan)
    with _whole_or_nothing(context, request.warehouse) as transaction:
        if not _apply_and_run(request, context, console, plan, adopted):
            return results.failed_build(request, context, console)
        keep_seen(transaction.get_cursor().execute, context, request)
        transaction.commit()
    if plan.context_diff.has_changes and not plan.context_diff.is_new_environment:
        context.run_janitor(ignore_ttl=False)
    return results.finished_build(context, request, console, adopted)


def _apply_and_run(
    request: TransformRequest, context: Any, console: Any, plan: Any, adopted: set[str]
) -> bool:
    """Apply the plan, where it has changes, and run what is stale then; False when a model failed.

    adopted: the models that it takes over as they were built before.
    """
    if plan.context_diff.has_changes:
        context.apply(plan)
    if request.full_refresh and not plan.context_diff.is_new_environment:
        restated = [context.models[name].name for name in own_models(context, request.project)]
        if restated:
            context.apply(_make_plan(request, context, restated=restated))
        return True
    planned = set(console.durations_s)
    lacking = lacking_models(context, request, adopted)
    stale = stale_models(context, request)
    late = late_since(context, request.new_loads, request, stale - planned - lacking.keys())
    for name, loads in lacking.items():
        late |= late_since(context, loads, request, {name})
    left = left_stale(context, stale | lacking.keys(), planned)
    if left and not _run(request, context, left):
        return False
    if late:
        context.apply(_make_plan(request, context, restated=sorted(late), start=min(late.values())))
    return True


def _make_plan(
    request: TransformRequest,
    context: Any,
    *,
    restated: Sequence[str] | None = None,
    start: datetime | None = None,
) -> Any:
    """restated: models to build again, from `start` on, with what follows from them."""
    # In a copy, one change that only goes forward (below a dimension with versions, say) would let SQLMesh build a
    # preview of everything that has changed, of yesterday alone, that can never be promoted.
    whole = _first_start(context) if request.project.is_copy else None
    builder = context.plan_builder(
        sqlmesh_environment(request.project),
        skip_tests=True,
        restate_models=restated,
        start=whole or start,
        preview_start=whole,
        allow_destructive_models=[model.name for model in context.models.values() if not is_external(model)]
        if request.allow_destructive or request.project.is_copy
        else None,
        include_unmodified=True,
    )
    return builder.build()


def _first_start(context: Any) -> datetime:
    """The day from which every model is built whole."""
    from sqlmesh.utils.date import to_datetime

    starts = [model.start or DEFAULT_START for model in context.models.values()]
    first: datetime = min(to_datetime(each) for each in [DEFAULT_START, *starts])
    return first


def _run(request: TransformRequest, context: Any, models: set[str]) -> bool:
    """Bring these models up to date; False when one of them failed."""
    status = context.run(
        sqlmesh_environment(request.project),
        ignore_cron=True,
        select_models=sorted(models),
        no_auto_upstream=True,
        skip_janitor=True,
    )
    return not status.is_failure


@contextmanager
def _whole_or_nothing(context: Any, warehouse: Any) -> Iterator[Any]:
    """One transaction for the models and SQLMesh's own state: what is not committed (`.commit()`) is undone.

    SQLMesh rebuilds in place and audits afterwards: in `run`, in a restatement, and in a plan for models that have
    not changed. Without the transaction a failed audit would have changed what is published.
    """
    state, pool = _state_adapter(context), context.engine_adapter._connection_pool
    # A transaction has one connection, and SQLMesh one connection a thread and an adapter.
    context._concurrent_tasks = context.snapshot_evaluator.ddl_concurrent_tasks = 1
    states_own, state._connection_pool = state._connection_pool, pool
    pool.begin()
    try:
        for statement in warehouse.build_settings:
            pool.get_cursor().execute(statement)
        yield pool
    finally:
        if pool.is_transaction_active:
            pool.rollback()
        state._connection_pool = states_own


def _state_adapter(context: Any) -> Any:
    state = context.state_sync
    while hasattr(state, "state_sync"):
        state = state.state_sync
    return state.engine_adapter


@contextmanager
def _session(request: TransformRequest) -> Iterator[Any]:
    """SQLMesh's process-wide state set for one call: no telemetry, our console, its home in the state folder."""
    state_dir = request.project.state_dir.absolute() / "sqlmesh"
    os.environ["SQLMESH__DISABLE_ANONYMIZED_ANALYTICS"] = "true"
    os.environ.setdefault("SQLMESH_HOME", str(state_dir))
    from sqlmesh.core.console import get_console, set_console

    from pipeline_cli.transforms.sqlmesh_console import RecordingConsole

    with engine_process(request):
        before, console = get_console(), RecordingConsole()
        set_console(console)
        try:
            yield console
        finally:
            set_console(before)


def _identity(request: TransformRequest) -> tuple[Path, str, str]:
    return (request.project.root, request.project.environment_name, request.name)


def _sqlmesh_errors() -> tuple[type[Exception], ...]:
    """What a user's project or database may make SQLMesh raise; the rest is a bug."""
    import duckdb
    from sqlglot.errors import SqlglotError
    from sqlmesh.utils.errors import SQLMeshError

    driver = sys.modules.get("psycopg2")
    return (SQLMeshError, SqlglotError, duckdb.Error, *([driver.Error] if driver else []))
