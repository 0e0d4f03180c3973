"""SQLMesh: plan what has changed, then run what is fed new data."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline_cli.errors import TransformError
from pipeline_cli.transforms import sqlmesh_results as results
from pipeline_cli.transforms.base import TransformRequest, TransformResult
from pipeline_cli.transforms.external_models import write_external_models
from pipeline_cli.transforms.process import check_hint, engine_process, project_folder, shorten
from pipeline_cli.transforms.sqlmesh_config import build_config, use_config
from pipeline_cli.transforms.sqlmesh_stale import ENVIRONMENT, by_time, is_external, stale_models

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

        Changed models are built beside the published ones, and published when their audits have passed. Models
        that are only fed new data are rebuilt in place, in one transaction: all of them, or none.
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
                checks = results.run_audits(last.context, last.audited)
            except _sqlmesh_errors() as error:
                raise TransformError(f"the audits cannot run: {shorten(error, request)}") from error
            finally:
                last.context.close()
        failed = [check for check in checks if check.status == "failed" and check.severity == "critical"]
        message = "\n".join(str(check.message) for check in failed) or None
        hint = check_hint(request) if failed else None
        return TransformResult("failed" if failed else "succeeded", checks=checks, message=message, hint=hint)


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
    plan = _make_plan(context, full_refresh=False)
    if plan.context_diff.has_changes:
        failure = results.run_unit_tests(context, request)
        if failure:
            return failure
        context.apply(plan)
        if not plan.context_diff.is_new_environment:
            context.run_janitor(ignore_ttl=False)
    built = set(console.durations_s)
    if request.full_refresh and not plan.context_diff.is_new_environment:
        context.apply(_make_plan(context, full_refresh=True))
        return results.finished_build(context, request, console)
    stale = stale_models(context, request) - {name for name in built if not by_time(context, name)}
    if stale and not _run_atomically(context, stale):
        return results.failed_build(request, context, console)
    return results.finished_build(context, request, console)


def _make_plan(context: Any, *, full_refresh: bool) -> Any:
    restate = (
        [model.name for model in context.models.values() if not is_external(model)] if full_refresh else None
    )
    builder = context.plan_builder(ENVIRONMENT, skip_tests=True, restate_models=restate)
    return builder.build()


def _run_atomically(context: Any, models: set[str]) -> bool:
    """Run these models in one transaction, SQLMesh's own state included; False when one of them failed.

    SQLMesh rebuilds in place and audits afterwards: without the transaction a failed audit would have changed
    what is published.
    """
    adapters = {
        id(adapter): adapter for adapter in (context.engine_adapter, _state_adapter(context))
    }.values()
    pools = [adapter._connection_pool for adapter in adapters]
    context._concurrent_tasks = 1  # a transaction has one connection, and SQLMesh one connection a thread
    for pool in pools:
        pool.begin()
    try:
        status = context.run(
            ENVIRONMENT,
            ignore_cron=True,
            select_models=sorted(models),
            no_auto_upstream=True,
            skip_janitor=True,
        )
    except BaseException:
        for pool in pools:
            pool.rollback()
        raise
    for pool in pools:
        pool.rollback() if status.is_failure else pool.commit()
    return not status.is_failure


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
