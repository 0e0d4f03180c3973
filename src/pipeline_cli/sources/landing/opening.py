"""An extraction's landing, from its beginning to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline_cli.errors import PipelineCliError, SourceError, causes_of
from pipeline_cli.manifest.sources import RestApiSource
from pipeline_cli.project import Project
from pipeline_cli.sources.landing.folders import (
    begin_landing,
    find_unfinished,
    finish_landing,
    prune_landings,
    read_header,
)
from pipeline_cli.sources.landing.landing import Landing
from pipeline_cli.sources.landing.stability import PagesMovedError

_REFUSALS = ("E312", "E313", "E317")


class StaleLandingError(SourceError):
    """What landed is of no use for going on: its pages have moved, or a next-link has become too old."""

    transient = True


@contextmanager
def open_landing(project: Project, source: str, *, go_on: bool) -> Iterator[Landing | None]:
    """The landing of the extraction that is done inside; None for a source that asks no API.

    go_on: whether what an extraction that did not end has landed may be given again; not where it did end, and
    its load was pending. A kill, an interruption and what may pass leave the landing for the next extraction; any
    other end closes it: the same answers would fail again.
    Raises StaleLandingError where the API's answers show that the extraction cannot go on from there.
    """
    entry = project.manifest.sources[source]
    if not isinstance(entry, RestApiSource) or project.environment.replay:
        yield None
        return
    left = find_unfinished(project, source, entry) if go_on else None
    prune_landings(project, source, but=left)
    folder = left or begin_landing(project, source)
    landing = Landing(folder, read_header(folder)["salt"], entry, project.secrets)
    try:
        yield landing
    except BaseException as error:
        landing.close()
        if reason := _no_use(error, landing):
            _drop(project, source, folder)
            raise StaleLandingError(
                f"Pages of an earlier run could not be gone on with ({reason}): read anew."
            ) from error
        if not _may_go_on(error):
            _drop(project, source, folder)
        raise
    landing.close()
    finish_landing(folder)


def _drop(project: Project, source: str, folder: Path) -> None:
    finish_landing(folder)
    prune_landings(project, source)


def _no_use(error: BaseException, landing: Landing) -> str | None:
    """Why the extraction cannot go on from what had landed; None where it was not that."""
    for each in causes_of(error) if landing.given else ():
        if isinstance(each, PagesMovedError):
            return each.message
        if isinstance(each, SourceError) and each.code in _REFUSALS:
            return each.message
    return None


def _may_go_on(error: BaseException) -> bool:
    """Whether the extraction did not fail by what the API sent."""
    for each in causes_of(error):
        if isinstance(each, (KeyboardInterrupt, SystemExit, GeneratorExit)):
            return True
        if isinstance(each, PipelineCliError) and (each.transient or each.code == "E130"):
            return True
    return False
