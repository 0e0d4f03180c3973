"""Sending what is due: each channel in a thread of its own, oldest first, until it arrives or its deadline ends."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from pipeline_cli.alerts.message import Alert, Message
from pipeline_cli.document import utc_now
from pipeline_cli.failpoints import failpoint
from pipeline_cli.ledger import StoredAlert
from pipeline_cli.ledger.alert_store import AlertStore
from pipeline_cli.plugins.channels.answers import Answer, NotDelivered
from pipeline_cli.project import Project
from pipeline_cli.secrets import mask
from pipeline_cli.threads import start_thread

log = logging.getLogger(__name__)

TRIES_AT_ONCE = 3
FIRST_WAIT_S = 0.5
LONGEST_WAIT = timedelta(hours=1)
GRACE_S = 2.0  # what a thread may take longer than its channel's timeout before it is left alone


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one alert. detail: the receiver's answer, or why it did not arrive; masked."""

    alert_id: str
    channel: str
    kind: str
    status: Literal["sent", "unsent", "given_up"]
    detail: str
    warning: str | None = None


Send = Callable[[Alert, float], Answer]


@dataclass(frozen=True, slots=True)
class Way:
    """How a channel is reached, and how long one delivery may take."""

    send: Send
    timeout_s: float


@dataclass(slots=True)
class Deliverer:
    """Sends the due alerts of a project's environment. ways: by channel; one that is not there is not tried."""

    project: Project
    store: AlertStore
    ways: Mapping[str, Way]
    now: Callable[[], datetime] = utc_now
    _done: list[Delivery] = field(default_factory=list)

    def deliver(self, limit_s: float | None = None) -> list[Delivery]:
        """Try everything whose time has come; what became of each. Raises LoadError where the ledger refuses.

        limit_s: no channel is waited for any longer.
        """
        by_channel: dict[str, list[StoredAlert]] = {}
        for alert in self.store.unsent(self.project.environment_name):
            by_channel.setdefault(alert.channel, []).append(alert)
        working = {
            name: start_thread(partial(self._deliver_channel, name, alerts), f"alerts {name}")
            for name, alerts in by_channel.items()
        }
        begun = time.monotonic()
        for name, future in working.items():
            self._wait_for(name, future, begun, limit_s)
        return self._done

    def _wait_for(self, name: str, future: Future[None], begun: float, limit_s: float | None) -> None:
        way = self.ways.get(name)
        longest = GRACE_S + 2 * (way.timeout_s if way else 0.0)
        longest = longest if limit_s is None else min(limit_s, longest)
        wait([future], timeout=max(begun + longest - time.monotonic(), 0))
        if not future.done():
            why = "did not come to an end in its time; it is tried again by the next run"
            self._done.append(Delivery("", name, "", "unsent", why))
        elif (error := future.exception()) is not None:
            log.error("alerts by %s", name, exc_info=error)
            self._done.append(
                Delivery("", name, "", "unsent", self._masked(f"{type(error).__name__}: {error}"))
            )

    def _deliver_channel(self, name: str, alerts: Sequence[StoredAlert]) -> None:
        """One after the other; what tells of the same incident as one that did not arrive has to wait for it."""
        way, waiting = self.ways.get(name), set[str]()
        give_up_at = time.monotonic() + (way.timeout_s if way else 0.0)
        for alert in alerts:
            if self.now() >= alert.deadline_at:
                self._give_up(alert)
            elif way is None or alert.next_try_at > self.now() or waiting & set(alert.incidents):
                waiting.update(alert.incidents)
            elif time.monotonic() >= give_up_at:
                return
            else:
                delivery = self._try(way, alert)
                waiting.update(alert.incidents if delivery is None or delivery.status != "sent" else ())

    def _try(self, way: Way, due: StoredAlert) -> Delivery | None:
        """Claim and send; None where another process has it."""
        claimed = self.store.claim(due.alert_id, self.now())
        if claimed is None:
            return None
        alert = Alert(
            id=claimed.alert_id,
            channel=claimed.channel,
            message=Message.from_dict(claimed.content),
            incidents=claimed.incidents,
            repeated=claimed.repeated,
            root=str(self.project.root),
        )
        try:
            answer = send_with_patience(way, alert)
        except NotDelivered as error:
            return self._note_unsent(claimed, error)
        except Exception as error:  # a channel's own mistake must not keep the others from being told
            log.exception("alert %s by %s", claimed.alert_id, claimed.channel)
            reason = f"{type(error).__name__}: {error}"
            return self._note_unsent(claimed, NotDelivered(reason, again=False))
        failpoint("alert.sent")
        self.store.note_sent(claimed.alert_id, self.now(), self._masked(answer.text))
        log.info("alert %s arrived by %s: %s", claimed.alert_id, claimed.channel, answer.text)
        warning = answer.warning and self._masked(answer.warning)
        return self._note(claimed, "sent", self._masked(answer.text), warning)

    def _note_unsent(self, alert: StoredAlert, error: NotDelivered) -> Delivery:
        reason = self._masked(error.reason)
        next_try = self.now() + wait_before(alert.tries, error.retry_after_s)
        self.store.note_unsent(alert.alert_id, reason, next_try)
        log.warning("alert %s did not arrive by %s: %s", alert.alert_id, alert.channel, reason)
        return self._note(alert, "unsent", reason)

    def _give_up(self, alert: StoredAlert) -> None:
        self.store.give_up(alert.alert_id)
        self._note(alert, "given_up", alert.error or "its channel was not to be had")

    def _note(
        self,
        alert: StoredAlert,
        status: Literal["sent", "unsent", "given_up"],
        detail: str,
        warning: str | None = None,
    ) -> Delivery:
        delivery = Delivery(alert.alert_id, alert.channel, alert.kind, status, detail, warning)
        self._done.append(delivery)
        return delivery

    def _masked(self, text: str) -> str:
        return mask(text, self.project.secrets)


def send_with_patience(way: Way, alert: Alert) -> Answer:
    """Send, again after a short wait where that may help, within the channel's timeout. Raises NotDelivered."""
    end = time.monotonic() + way.timeout_s
    for number in range(1, TRIES_AT_ONCE + 1):
        try:
            return _send_in_time(way, alert, end - time.monotonic())
        except NotDelivered as error:
            wait_s = error.retry_after_s
            if wait_s is None:
                wait_s = FIRST_WAIT_S * 2 ** (number - 1) * random.uniform(0.75, 1.25)  # noqa: S311
            left = end - time.monotonic()
            if not error.again or number == TRIES_AT_ONCE or wait_s >= left:
                raise
            time.sleep(wait_s)
    raise AssertionError("unreachable")


def _send_in_time(way: Way, alert: Alert, left_s: float) -> Answer:
    """The channel's answer; a channel that does not come back, name look-ups included, is left alone."""
    future = start_thread(partial(way.send, alert, left_s), f"alert {alert.channel}")
    wait([future], timeout=left_s + GRACE_S / 2)
    if not future.done():
        raise NotDelivered(f"it did not return within {left_s:.3g} s", again=False)
    return future.result()


def wait_before(tries: int, retry_after_s: float | None = None) -> timedelta:
    """How long an alert waits after so many tries: a minute, doubled each time, at most an hour."""
    if retry_after_s is not None:
        return timedelta(seconds=retry_after_s)
    return min(timedelta(minutes=2 ** min(tries - 1, 10)), LONGEST_WAIT)


def describe(delivery: Delivery) -> str | None:
    """What a run warns of; None where all is well."""
    if delivery.status == "sent":
        return delivery.warning and f"alert by {delivery.channel}: {delivery.warning}"
    if delivery.status == "given_up":
        return f"an alert by {delivery.channel} was given up, its deadline is over: {delivery.detail}"
    return f"an alert by {delivery.channel} did not arrive, and is kept: {delivery.detail}"
