"""Brings events to a receiver, in a thread of its own: one that is slow, hangs or refuses holds up nobody."""

from __future__ import annotations

import json
import os
import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from typing import Any

from pipeline_cli.manifest.openlineage import OpenLineage
from pipeline_cli.plugins.channels.answers import NotDelivered
from pipeline_cli.plugins.channels.http import post_json
from pipeline_cli.project import Project
from pipeline_cli.threads import start_thread

Json = Mapping[str, Any]
TRIES = 3
FIRST_WAIT_S = 0.5
MOST_LOST = 3  # events in a row after which the others are not tried


class Sender:
    """One receiver of a run. `put` returns at once; `finish` waits for what is on its way."""

    def __init__(self, name: str, send: Callable[[Json], None], deadline_s: float) -> None:
        self.name = name
        self.deadline_s = deadline_s
        self._send = send
        self._waiting: queue.SimpleQueue[Json | None] = queue.SimpleQueue()
        self._given = self._arrived = self._lost_in_a_row = 0
        self._reason = ""
        self._work: Future[None] = start_thread(self._send_all, f"openlineage {name}")

    def put(self, event: Json) -> None:
        self._given += 1
        self._waiting.put(event)

    def finish(self, limit_s: float | None = None) -> str | None:
        """Why not all of the events arrived; None where they did. limit_s: to wait no longer than that."""
        self._waiting.put(None)
        longest = self.deadline_s if limit_s is None else min(self.deadline_s, limit_s)
        wait([self._work], timeout=longest)
        lost = self._given - self._arrived
        if not lost:
            return None
        reason = self._reason or f"the receiver did not take them within {longest:g} s"
        return f"{lost} of {self._given} OpenLineage events did not arrive at {self.name}: {reason}"

    def _send_all(self) -> None:
        while (event := self._waiting.get()) is not None:
            if self._lost_in_a_row < MOST_LOST:
                self._try(event)

    def _try(self, event: Json) -> None:
        # One that failed before is not waited for again: the next event has a single try.
        for number in range(1 if self._lost_in_a_row else TRIES):
            if number:
                time.sleep(FIRST_WAIT_S * 2 ** (number - 1))
            try:
                self._send(event)
            except NotDelivered as error:
                self._reason = error.reason
                if error.again:
                    continue
            except Exception as error:  # whatever a file system or a driver raises
                self._reason = f"{type(error).__name__}: {error}"
            else:
                self._arrived, self._lost_in_a_row = self._arrived + 1, 0
                return
            break
        self._lost_in_a_row += 1


def make_send(project: Project, receiver: OpenLineage) -> Callable[[Json], None]:
    """What sends one event to the receiver, as the manifest has it. It raises NotDelivered or OSError."""
    if receiver.file is not None:
        return partial(append_line, project.state_dir / receiver.file)
    address = f"{(receiver.url or '').rstrip('/')}/{receiver.endpoint.lstrip('/')}"
    headers = {"Authorization": f"Bearer {receiver.token}"} if receiver.token else {}
    timeout_s = receiver.timeout.total_seconds()
    return lambda event: _post(address, event, timeout_s, headers)


def _post(address: str, event: Json, timeout_s: float, headers: Mapping[str, str]) -> None:
    post_json(address, event, timeout_s, headers)


def append_line(path: Path, event: Json) -> None:
    """Add the event to the file as one line, with one write: runs that write to it at once do not mix their lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError(f"{path.name}: only {written} of {len(line)} bytes could be written")
    finally:
        os.close(descriptor)
