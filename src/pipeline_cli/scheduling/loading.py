"""The schedules of the manifest as it is now: read again whenever one of its files has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline_cli.manifest.models import Manifest
from pipeline_cli.manifest.schedules import Schedule, as_schedule
from pipeline_cli.manifest.sections import FILE_SECTIONS
from pipeline_cli.project import MANIFEST_NAME
from pipeline_cli.scheduling.scheduler import Plan

AT_ONCE = 4  # pipelines side by side, where the destination takes several writers


def schedules_of(manifest: Manifest) -> dict[str, Schedule]:
    """The schedule of each pipeline that has one, in the manifest's order."""
    written = {name: as_schedule(each.schedule) for name, each in manifest.pipelines.items()}
    return {name: schedule for name, schedule in written.items() if schedule is not None}


class PlanReader:
    """Reads the manifest where a file of it has changed. read: gives the manifest and the environment's name."""

    def __init__(self, root: Path, read: Callable[[], tuple[Manifest, str]]) -> None:
        self._root = root
        self._read = read
        self._stamps: tuple[tuple[str, int, int], ...] | None = None

    def __call__(self) -> Plan | None:
        """What is scheduled; None where nothing changed. Raises PipelineCliError for a manifest with mistakes."""
        stamps = self._stamp()
        if stamps == self._stamps:
            return None
        manifest, environment = self._read()
        self._stamps = stamps  # not before it was read: a mistake is told until it is mended
        destination = manifest.destinations[manifest.environments[environment].destination]
        # One process holds a DuckDB file: side by side the others would only wait for it.
        at_once = 1 if destination.type == "duckdb" else getattr(destination, "max_parallel", None) or AT_ONCE
        return Plan(schedules_of(manifest), at_once)

    def _stamp(self) -> tuple[tuple[str, int, int], ...]:
        entries = sorted(path for section in FILE_SECTIONS for path in (self._root / section).glob("*.yaml"))
        found = []
        for path in (self._root / MANIFEST_NAME, self._root / ".env", *entries):
            if path.is_file():
                stat = path.stat()
                found.append((str(path), stat.st_mtime_ns, stat.st_size))
        return tuple(found)
