"""What a channel gives back: the receiver's answer, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """It arrived. text: what the receiver said; warning: what the user should hear all the same."""

    text: str
    warning: str | None = None


class NotDelivered(Exception):  # noqa: N818 - it is the state of an alert, not a fault of the program
    """It did not arrive, or nobody knows.

    again: trying again soon may help. retry_after_s: when the receiver wants to be asked again.
    """

    def __init__(self, reason: str, *, again: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.retry_after_s = retry_after_s
