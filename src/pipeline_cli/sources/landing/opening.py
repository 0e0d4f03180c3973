"""An extraction's landing, from its beginning to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline_cli.errors import PipelineCliError, SourceError
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

_REFUSALS = ("E312", "E313", "E317")


@contextmanager
def open_landing(project: Project, source: str, *, go_on: bool) -> Iterator[Landing | None]:
    """The landing of the extraction that is done inside; None for a source that asks no API.

    go_on: whether what an extraction that did not end has landed may be given again; not where it did end, and
    its load was pending. A kill, an interruption and what may pass leave the landing for the next extraction; any
    other end closes it: the same answers would fail again.
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
        if not _may_go_on(error):
            _blame_age(error, landing)
            finish_landing(folder)
            prune_landings(project, source)
        raise
    landing.close()
    finish_landing(folder)


def _may_go_on(error: BaseException) -> bool:
    """Whether the extraction did not fail by what the API sent."""
    for each in _causes(error):
        if isinstance(each, (KeyboardInterrupt, SystemExit, GeneratorExit)):
            return True
        if isinstance(each, PipelineCliError) and (each.transient or each.code == "E130"):
            return True
    return False


def _blame_age(error: BaseException, landing: Landing) -> None:
    """A refusal after landed pages may be of a next-link that has become too old: from the beginning it may pass."""
    for each in _causes(error):
        if landing.given and isinstance(each, SourceError) and each.code in _REFUSALS:
            each.transient = True
            dropped = "It went on from pages that an earlier run had read; the next run begins anew."
            each.hint = f"{each.hint} {dropped}" if each.hint else dropped


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
