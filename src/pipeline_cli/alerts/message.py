"""A message as every channel gets it: plain values, secrets masked, nothing escaped yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

# Kinds that tell of an incident; the others tell of what happened once.
OF_INCIDENTS = ("failure", "contract", "service_level", "monitor", "changed", "reminder", "recovery")

Pairs = Sequence[Sequence[str]]  # label and text


@dataclass(frozen=True, slots=True)
class Item:
    """What is told of one pipeline. Times are ISO 8601 in UTC.

    sentence: what happened. details: label and text: the failing check, the first bad record, the place.
    also: further failing steps; stopped: steps that were skipped for it; affected: what stays old downstream.
    since: from when on; runs: in how many it was seen; lasted_s: of an incident that is over.
    """

    pipeline: str
    sentence: str
    step: str | None = None
    tries: int | None = None
    incident: str | None = None
    since: str | None = None
    runs: int = 1
    last_good: str | None = None
    lasted_s: float | None = None
    details: Pairs = ()
    also: Sequence[str] = ()
    stopped: Sequence[str] = ()
    affected: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file to attach or to show. `path` is relative to the project's root; title: what a picture shows."""

    path: str
    title: str = ""
    is_picture: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """An alert's content. kind: one of OF_INCIDENTS, "drift", "success", "report" or "test".

    facts: label and text about the run. steps: name, status, what it did. log, next: commands to type.
    figures: of a report, by block: its title, and label, value and detail of each.
    """

    kind: str
    project: str
    environment: str
    title: str
    sentence: str
    made_at: str
    run_id: str | None = None
    items: Sequence[Item] = ()
    facts: Pairs = ()
    steps: Sequence[Sequence[str]] = ()
    log: str | None = None
    log_file: str | None = None
    next: str | None = None
    figures: Sequence[tuple[str, Sequence[Sequence[str]]]] = ()
    files: Sequence[File] = ()

    @property
    def pipelines(self) -> str:
        return ", ".join(dict.fromkeys(item.pipeline for item in self.items))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Message:
        values = dict(content)
        values["items"] = [Item(**item) for item in values.get("items", ())]
        values["files"] = [File(**file) for file in values.get("files", ())]
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Alert:
    """A message on its way to one channel.

    id: stays the same however often it is sent. repeated: it may have arrived already.
    """

    id: str
    channel: str
    message: Message
    incidents: Sequence[str] = field(default_factory=tuple)
    repeated: bool = False
    root: str = ""  # the project's folder, for files
