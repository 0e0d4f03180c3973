"""dbt: build what has changed or is fed new data, each model before its tests, and those before what follows."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline_cli.document import CheckResult, Status
from pipeline_cli.errors import TransformError
from pipeline_cli.transforms import dbt_results as results
from pipeline_cli.transforms.base import TransformRequest, TransformResult
from pipeline_cli.transforms.dbt_copy import own_nodes, place_nodes, publish_views, select_nodes, tests_of
from pipeline_cli.transforms.dbt_nodes import read_built_nodes, read_nodes
from pipeline_cli.transforms.dbt_profile import write_profile
from pipeline_cli.transforms.dbt_rows import write_found_rows
from pipeline_cli.transforms.dbt_transaction import build_transaction
from pipeline_cli.transforms.dependent_views import read_dependent_views
from pipeline_cli.transforms.described import TableName
from pipeline_cli.transforms.process import engine_process, project_folder, shorten

# A build holds what it has replaced until it ends. Of it and a reader that holds what it will replace next and waits
# for what it has, Postgres stops one, after a second: nothing has changed then, and the build begins anew.
_TRIES_AT_DEADLOCKS = 3


@dataclass(slots=True)
class _Build:
    """What a build leaves for the test that follows: the parsed project, the tests that ran, whether it built.

    own: in a copy, the unique ids of what it builds itself.
    """

    identity: tuple[Path, str, str]
    manifest: Any
    own: set[str] | None
    checks: dict[str, CheckResult]
    built: bool


class DbtEngine:
    """The TransformEngine (transforms/base.py) for dbt projects."""

    def __init__(self) -> None:
        self._last: _Build | None = None

    def build(self, request: TransformRequest) -> TransformResult:
        """`dbt build` of what has changed since the last good build, what fresh tables feed, and what follows.

        A model's tests run right after it; where one of severity `error` fails, what follows is skipped, and
        nothing of the build is published: what stood there before stays, in silver as in gold.
        """
        with _session(request):
            manifest, own = _open(request)
            selected = _select(request, manifest) if own is None else select_nodes(manifest, own)
            for _ in range(_TRIES_AT_DEADLOCKS):
                found, rows = _build_whole(request, manifest, selected)
                if not any("deadlock detected" in failure.message for failure in found.failures):
                    break
            self._last = _Build(_identity(request), manifest, own, found.checks, built=bool(found.models))
            status: Status = "succeeded" if found.models else "unchanged"
            built = TransformResult(status, found.models, list(found.checks.values()), notes=found.notes)
            if found.failures:
                return results.explain(built, found.failures, request, rows)
            if own is not None:
                publish_views(request, manifest, own, _gone(request))
            _keep_state(request, manifest)
        return built

    def test(self, request: TransformRequest) -> TransformResult:
        """Every test of the project: the results of those that the build before has run, and the others now."""
        with _session(request):
            last, self._last = self._last, None
            if last is None or last.identity != _identity(request):
                last = _Build(_identity(request), *_open(request), {}, built=False)
            checks, failures = dict(last.checks), list[results.Failure]()
            wanted = None if last.own is None else set(tests_of(last.manifest, last.own))
            names = results.tests_to_run(last.manifest, checks, wanted)
            if names:
                outcome = _invoke(request, last.manifest, "test", "--select", *names)
                found = results.read_results(outcome, last.manifest, request)
                checks, failures = checks | found.checks, found.failures
            notes = [_write_docs(request, last.manifest)] if last.built else []
        tested = TransformResult("succeeded", checks=list(checks.values()), notes=notes)
        return results.explain(tested, failures, request) if failures else tested


def _open(request: TransformRequest) -> tuple[Any, set[str] | None]:
    """dbt's manifest of the project, and in a copy what is to be built there. Raises TransformError."""
    folder = project_folder(request, "dbt_project.yml")
    write_profile(folder, request)
    manifest = _invoke(request, None, "parse")
    if not request.project.is_copy:
        return manifest, None
    own = own_nodes(request.original, read_nodes(_state_dir(request) / "target" / "manifest.json"))
    place_nodes(manifest, own, request.project)
    return manifest, own


def _gone(request: TransformRequest) -> list[TableName]:
    """The tables of the last build whose models are no more."""
    before = read_built_nodes(request.project, request.name).get("models", {})
    now = read_nodes(_state_dir(request) / "target" / "manifest.json").get("models", {})
    return [(model["schema"], model["name"]) for name, model in before.items() if name not in now]


def parse_aside(request: TransformRequest) -> Path:
    """Parse the project as it is now, for comparing; what the last build left stays. The path of its manifest.json.

    Raises TransformError when it cannot be parsed.
    """
    target = _state_dir(request) / "planned"
    with _session(request):
        folder = project_folder(request, "dbt_project.yml")
        write_profile(folder, request)
        _invoke(request, None, "parse", target=target)
    return target / "manifest.json"


def _select(request: TransformRequest, manifest: Any) -> list[str] | None:
    """Selectors of what is to be built; None is everything."""
    state = _state_dir(request) / "state"
    if request.full_refresh or request.fresh is None or not (state / "manifest.json").exists():
        return None
    if _read(state / "variables") != _hash_variables(request, manifest):
        return None
    known = {(table.dataset, table.name) for table in request.bronze}
    tables = {(source.schema, source.identifier): source for source in manifest.sources.values()}
    fresh = request.fresh or frozenset()
    # Tables that are not ours to know count as fresh.
    stale = [source for table, source in tables.items() if table in fresh or table not in known]
    return [*(f"source:{source.source_name}.{source.name}+" for source in stale), "state:modified+"]


def _build_whole(
    request: TransformRequest, manifest: Any, selected: Sequence[str] | None
) -> tuple[results.Results, str | None]:
    """Build and test in one transaction, which is committed when nothing has failed.

    Returns what was done, and the file that has the rows of the first failed test, if one found any.
    """
    if selected == []:  # a copy that is like its original
        return results.Results([], {}, []), None
    arguments = _build_arguments(request, selected)
    views = read_dependent_views(request.warehouse)
    with build_transaction(request.warehouse) as transaction:
        if transaction is not None:
            arguments += ["--threads", "1"]  # a transaction has one connection
        outcome = _invoke(request, manifest, "build", *arguments)
        found = results.read_results(outcome, manifest, request)
        if transaction is None or not found.failures:
            if transaction is not None and transaction.has_begun:
                lost = views.put_back(transaction.connection) if views else []
                found.notes.extend(
                    f"view {name} cannot stand on the new tables, and is gone" for name in lost
                )
                transaction.commit()
            results.count_rows(outcome, found.models, request)
            return found, None
        rows = write_found_rows(transaction.connection, outcome, found.failures[0].test, request)
    return results.undone(found), rows


def _build_arguments(request: TransformRequest, selected: Sequence[str] | None) -> list[str]:
    arguments = ["--full-refresh"] if request.full_refresh else []
    if selected is not None and request.project.is_copy:
        arguments += ["--select", *selected]
    elif selected is not None:
        arguments += ["--select", *selected, "--state", str(_state_dir(request) / "state")]
    return arguments


def _invoke(
    request: TransformRequest, manifest: Any, command: str, *arguments: str, target: Path | None = None
) -> Any:
    """Run a dbt command; returns its result. Raises TransformError when dbt could not get to its nodes.

    target: where dbt puts its artifacts; by default where those of builds are.
    """
    from dbt.cli.main import dbtRunner

    folder, state_dir = project_folder(request, "dbt_project.yml").absolute(), _state_dir(request)
    flags = ["--quiet", "--no-version-check", "--no-send-anonymous-usage-stats", "--no-use-colors"]
    flags += ["--log-level-file", "info", "--log-path", str(state_dir / "logs")]
    places = [
        "--project-dir",
        str(folder),
        "--profiles-dir",
        str(folder),
        "--target-path",
        str(target or state_dir / "target"),
    ]
    values = [
        "--target",
        request.project.loads_environment,
        "--vars",
        json.dumps(dict(request.transform.variables)),
    ]
    done = dbtRunner(manifest=manifest).invoke([*flags, command, *arguments, *places, *values])
    if done.exception is not None:
        raise _explain_refusal(done.exception, request) from done.exception
    return done.result


def _explain_refusal(error: BaseException, request: TransformRequest) -> TransformError:
    text = str(error)
    if "dbt deps" in text:
        message = f"the dbt project {request.transform.path} has packages that are not installed"
        return TransformError(message, code="E332", hint=f"Run `dbt deps` in {request.transform.path}.")
    reason, file, line = results.locate(text, request)
    place = "" if file else f"the dbt project {request.transform.path} cannot be built: "
    hint = f"Correct it; `dbt parse` in {request.transform.path} says more."
    return TransformError(f"{place}{reason}", code="E332", hint=hint, file=file, line=line)


def _write_docs(request: TransformRequest, manifest: Any) -> str:
    """One self-contained page with every model and column; returns a note that says where."""
    state_dir = _state_dir(request)
    _invoke(request, manifest, "docs", "generate", "--static", "--no-compile")
    page = state_dir / "docs.html"
    (state_dir / "target" / "static_index.html").replace(page)
    return f"documentation: {shorten(page, request)}"


def _keep_state(request: TransformRequest, manifest: Any) -> None:
    """Keep what was built, for the next build to compare with."""
    state_dir = _state_dir(request)
    state = state_dir / "state"
    state.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(state_dir / "target" / "manifest.json", state / "manifest.tmp")
    (state / "manifest.tmp").replace(state / "manifest.json")
    (state / "variables").write_text(_hash_variables(request, manifest), encoding="utf-8")


def _hash_variables(request: TransformRequest, manifest: Any) -> str:
    """The variables that models read, of dbt and of the environment: dbt's state:modified does not see them."""
    own = request.warehouse.dbt_environment()
    environ = {name: value for name, value in manifest.env_vars.items() if name not in own}
    text = json.dumps([dict(request.transform.variables), environ], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _session(request: TransformRequest) -> Iterator[None]:
    """dbt's process-wide state set for one call: variables that the profile names, and no telemetry."""
    with engine_process(request), _environment(request.warehouse.dbt_environment() | {"DO_NOT_TRACK": "1"}):
        yield


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _state_dir(request: TransformRequest) -> Path:
    return request.project.state_dir.absolute() / "dbt" / request.name


def _identity(request: TransformRequest) -> tuple[Path, str, str]:
    return (request.project.root, request.project.environment_name, request.name)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
