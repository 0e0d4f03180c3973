"""Whether the process that opened a run is still there."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

# A run on another host is given up when its heartbeat (every 30 s) has been silent for this long.
SILENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process of a host; `start` tells it from a later one that was given the same pid."""

    host: str
    pid: int
    start: str | None

    @classmethod
    def here(cls) -> ProcessIdentity:
        return cls(socket.gethostname(), os.getpid(), process_start(os.getpid()))

    def is_gone(self, claimed_at: datetime, now: datetime) -> bool:
        """Whether the process has ended; on another host, whether it has been silent for too long."""
        if self.host != socket.gethostname():
            return now - claimed_at > SILENCE
        start = process_start(self.pid)
        return start is None or start != self.start


def process_start(pid: int) -> str | None:
    """When the process began, in its system's words; None where there is none, or only a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        return _start_from_ps(pid)
    try:
        # The second field is the command in brackets, which may itself hold spaces and brackets.
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    state, started = fields[0], fields[19]
    return None if state in "ZX" else started


def _start_from_ps(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None
