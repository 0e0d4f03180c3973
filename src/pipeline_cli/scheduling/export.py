"""Schedules as files for other schedulers: cron, systemd and GitHub."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

from pipeline_cli import cron
from pipeline_cli.errors import UsageError
from pipeline_cli.manifest.schedules import Schedule

MARK = "Written by pipeline-cli schedule export"
_VARIABLE = r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}"


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled pipeline, as another scheduler runs it. command: program and arguments, unquoted."""

    project: str
    root: Path
    environment: str
    pipeline: str
    schedule: Schedule
    command: Sequence[str]
    variables: Sequence[str]

    @property
    def name(self) -> str:
        """A name for files and units: shop-prod-sales."""
        return slug(f"{self.project}-{self.environment}-{self.pipeline}")


@dataclass(frozen=True, slots=True)
class Exported:
    """The files' texts by their names, and what the user should know about them."""

    files: Mapping[str, str]
    notes: Sequence[str]


def slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)


Export = Callable[[Sequence[Job]], Exported]


def find_program() -> str:
    """The command of this installation, by its whole path: other schedulers have another PATH."""
    beside = Path(sys.executable).parent / "pipeline-cli"
    return str(beside) if beside.is_file() else shutil.which("pipeline-cli") or "pipeline-cli"


def find_variables(files: Sequence[Path]) -> list[str]:
    """The environment variables without a default that the manifest's files name."""
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in files)
    return sorted({name for text in texts for name in re.findall(_VARIABLE, text)})


def portable(expression: str) -> str:
    """Five fields as every cron reads them: numbers for names, 0 for Sunday, and lists for 5/15."""
    fields = cron.expand(expression).upper().split()
    values, _ = cron.values_of(expression)
    return " ".join(
        ",".join(map(str, allowed)) if _is_dialect(place, field) else field
        for place, (field, allowed) in enumerate(zip(fields, values, strict=True))
    )


def most_often(schedule: Schedule) -> timedelta:
    """The shortest time between two of the next slots."""
    upcoming = islice(cron.next_slots(schedule.cron, cron.zone_of(schedule.timezone), datetime.now(UTC)), 100)
    return min((after - before for before, after in pairwise(upcoming)), default=timedelta.max)


def write_files(folder: Path, exported: Exported) -> list[Path]:
    """Write the files; their paths. Raises UsageError for one that is there and is not ours."""
    paths = [folder / name for name in exported.files]
    for path in paths:
        if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace"):
            raise UsageError(
                f"{path} is there already, and pipeline-cli did not write it",
                hint="Move it away, or name another folder with --to.",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in zip(paths, exported.files.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def _is_dialect(place: int, field: str) -> bool:
    return bool(re.search(r"[A-Z]|(^|,)\d+/", field)) or (place == 4 and "7" in field)
