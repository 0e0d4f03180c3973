"""The moments of a run at which plugins are told.

A plugin is a file in the project's `plugins/`, or an installed package with an entry point in the group
`pipeline_cli`. Each function that is marked with `hookimpl` and named like a moment below is called at it,
with those of the arguments that it names. `options` is the plugin's entry in the manifest
(`plugins: {<name>: {…}}`), a copy for each call. What a hook returns is not looked at; one that
raises or hangs harms nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pluggy import HookimplMarker, HookspecMarker

from pipeline_cli.document import StepKind

GROUP = "pipeline_cli"
hookspec = HookspecMarker(GROUP)
hookimpl = HookimplMarker(GROUP)

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """The run that is told about. `started_at` is UTC."""

    run_id: str
    project: str
    environment: str
    command: str
    pipelines: tuple[str, ...]
    started_at: datetime


@dataclass(frozen=True, slots=True)
class StepInfo:
    """A step of a run: `name` is `kind:target` ("ingest:shop"); of a shared source, its first pipeline."""

    pipeline: str
    name: str
    kind: StepKind


@dataclass(frozen=True, slots=True)
class ContractViolation:
    """Records of one resource that broke their contract in this run. `reasons`: of the first few of them."""

    source: str
    resource: str
    rejected: int
    reasons: tuple[Mapping[str, Any], ...]


class Hooks:
    """The hooks, in the order in which a run calls them."""

    @hookspec
    def run_started(self, run: Run, options: Options) -> None:
        """A run has begun: `@hookimpl def run_started(run): log.info("run %s", run.run_id)`."""

    @hookspec
    def step_started(self, run: Run, step: StepInfo, options: Options) -> None:
        """A step has begun: `@hookimpl def step_started(step): log.info("begin %s", step.name)`."""

    @hookspec
    def contract_violated(
        self, run: Run, step: StepInfo, violation: ContractViolation, options: Options
    ) -> None:
        """A contract was broken: `@hookimpl def contract_violated(violation): tell(violation.resource)`."""

    @hookspec
    def schema_drifted(self, run: Run, step: StepInfo, changes: tuple[str, ...], options: Options) -> None:
        """A source's tables or columns changed: `@hookimpl def schema_drifted(changes): tell(changes)`."""

    @hookspec
    def step_failed(self, run: Run, step: StepInfo, result: Mapping[str, Any], options: Options) -> None:
        """A step failed, `result` says why: `@hookimpl def step_failed(step, result): page(step.name)`."""

    @hookspec
    def step_finished(self, run: Run, step: StepInfo, result: Mapping[str, Any], options: Options) -> None:
        """A step has its status: `@hookimpl def step_finished(result): count(result["status"])`."""

    @hookspec
    def incident_opened(self, incident: Mapping[str, Any], options: Options) -> None:
        """Trouble that was not there before: `@hookimpl def incident_opened(incident): page(incident["summary"])`."""

    @hookspec
    def incident_closed(self, incident: Mapping[str, Any], options: Options) -> None:
        """It is over: `@hookimpl def incident_closed(incident): calm(incident["pipeline"])`."""

    @hookspec
    def service_level_missed(self, incident: Mapping[str, Any], options: Options) -> None:
        """A pipeline is later than it promised: `@hookimpl def service_level_missed(incident): tell(incident)`."""

    @hookspec
    def send_alert(self, alert: Mapping[str, Any], options: Options) -> None:
        """Bring an alert to people, or raise: `@hookimpl def send_alert(alert): post(alert["title"])`."""

    @hookspec
    def run_finished(self, run: Run, result: Mapping[str, Any], options: Options) -> None:
        """A run is done, `result` is its document: `@hookimpl def run_finished(result): post(result)`."""


MOMENTS = tuple(name for name in vars(Hooks) if not name.startswith("_"))
