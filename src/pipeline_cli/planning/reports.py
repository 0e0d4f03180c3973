"""Lines of a plan for reports and pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline_cli.deployed.parts import Part
from pipeline_cli.deployed.store import StoredPart
from pipeline_cli.planning.changes import Change

_MOST_NAMED = 4


def compare_report(part: Part, stored: StoredPart | None, file: str) -> Change | None:
    """The line of a report's own definition; None where it is as it was."""
    name = part.key.name
    if stored is None:
        return Change(
            "reports", name, name, "definition", "added", "new report", file, effect="written by the next run"
        )
    if stored.fingerprint == part.fingerprint:
        return None
    return Change(
        "reports",
        name,
        name,
        "definition",
        "changed",
        _differences(stored.content, part.content),
        file,
        effect="written anew; earlier editions stay",
    )


def affected_report(name: str, tables: Sequence[str]) -> Change:
    """The line of a report that reads models whose rows may become others."""
    shown = sorted({table.partition(".")[2] for table in tables})
    more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    reason = f"reads {', '.join(shown[:_MOST_NAMED])}{more}"
    return Change(
        "reports",
        name,
        name,
        "data",
        "indirect",
        "other figures",
        reason,
        effect="written anew; earlier editions stay",
    )


def removed_report(name: str, file: str) -> Change:
    return Change(
        "reports",
        name,
        name,
        "definition",
        "removed",
        "removed",
        file,
        effect="not written any more; its editions stay",
    )


def compare_pipeline(part: Part, stored: StoredPart | None, is_known: bool) -> Iterator[Change]:
    """The lines of what a pipeline runs and when. is_known: whether the environment has a record at all."""
    name, now = part.key.name, part.content
    if stored is None:
        if is_known:
            yield Change("pipelines", name, name, "pipeline", "added", "new pipeline", "pipelines.yaml")
        return
    for key in sorted({*stored.content, *now}):
        old, new = stored.content.get(key), now.get(key)
        if old != new:
            yield Change(
                "pipelines",
                name,
                name,
                key,
                "changed",
                f"{key}: {_show(old)} -> {_show(new)}",
                "pipelines.yaml",
            )


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """`block by_month, query lines`: what of a report's definition is different."""
    found = []
    for key in sorted({*was, *now}):
        old, new = was.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            singular = {"queries": "query"}.get(key, key.removesuffix("s"))
            found += [
                f"{singular} {_verb(old, new, name)}"
                for name in sorted({*old, *new})
                if old.get(name) != new.get(name)
            ]
        else:
            found.append(key)
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return f"{', '.join(found[:_MOST_NAMED])}{more}"


def _verb(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> str:
    if name not in old:
        return f"{name} is new"
    return f"{name} is gone" if name not in new else f"{name} changed"


def _show(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return "none" if value is None else str(value)
