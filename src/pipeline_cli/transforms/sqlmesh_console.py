"""A SQLMesh console that prints nothing and remembers what happened."""

from __future__ import annotations

from typing import Any

from sqlmesh.core.console import NoopConsole


class RecordingConsole(NoopConsole):  # type: ignore[misc]  # SQLMesh is not typed for us
    """durations_s: seconds each evaluated snapshot took, by its name, in order. Failed ones are in it, too.

    audited: the snapshots whose audits have all passed.
    """

    def __init__(self) -> None:
        self.durations_s: dict[str, float] = {}
        self.audited: set[str] = set()
        self.errors: list[Any] = []  # NodeExecutionFailedError
        self.skipped: set[str] = set()
        self.messages: list[str] = []

    def update_snapshot_evaluation_progress(
        self,
        snapshot: Any,
        interval: Any,
        batch_idx: int,
        duration_ms: int | None,
        num_audits_passed: int,
        num_audits_failed: int,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        earlier = self.durations_s.get(snapshot.name, 0.0)
        self.durations_s[snapshot.name] = earlier + (duration_ms or 0) / 1000
        if duration_ms is not None and not num_audits_failed:
            self.audited.add(snapshot.name)
        else:
            self.audited.discard(snapshot.name)

    def log_failed_models(self, errors: list[Any]) -> None:
        self.errors.extend(errors)

    def log_skipped_models(self, snapshot_names: set[str]) -> None:
        self.skipped.update(snapshot_names)

    def log_error(self, message: str, *args: Any, **kwargs: Any) -> None:
        self.messages.append(message)

    def log_warning(
        self, short_message: str, long_message: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Nothing: what a warning tells, a check tells better."""
