"""Tries a step again where its failure may pass, within the limits that the manifest sets."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import count
from typing import TypeVar

from pipeline_cli.document import StepResult, TryResult
from pipeline_cli.manifest.models import Manifest
from pipeline_cli.manifest.retries import Retries
from pipeline_cli.plan import Step

T = TypeVar("T")

NEVER = Retries(max=0)


def find_retries(manifest: Manifest, pipeline: str, step: Step) -> Retries:
    """The step's own `retries:` (of its source or transform), else its pipeline's; none is none."""
    own: Retries | None = None
    if step.kind == "ingest":
        own = manifest.sources[step.target].retries
    elif step.kind in ("transform", "test"):
        own = manifest.transforms[step.target].retries
    return own or manifest.pipelines[pipeline].retries or NEVER


def most_patient(manifest: Manifest, pipelines: Iterable[str]) -> Retries:
    """The retries of the pipeline that has the most of them: for what all of a run need."""
    return max((manifest.pipelines[name].retries or NEVER for name in pipelines), key=lambda each: each.max)


def find_wait(retries: Retries, failed: int, elapsed_s: float, spread: float | None = None) -> float | None:
    """The seconds to wait before the next try; None where there is none.

    failed: tries so far. elapsed_s: since the first began. spread: 0 to 1, where in the jitter's range; by
    default anywhere.
    """
    spread = random.random() if spread is None else spread  # noqa: S311 - no secret hangs on it
    if failed > retries.max:
        return None
    grown = retries.delay * (2 ** min(failed - 1, 30)) if retries.backoff == "exponential" else retries.delay
    wait = min(grown, retries.max_delay)
    if retries.jitter:
        wait = min(wait * (0.75 + spread / 2), retries.max_delay)
    if timedelta(seconds=elapsed_s) + wait > retries.deadline:
        return None
    return wait.total_seconds()


class Retrier:
    """Tries one step. wait: waits that many seconds, and says whether the run is to stop meanwhile.

    tell: hears of a try that failed and is followed by another after so many seconds.
    """

    def __init__(
        self,
        retries: Retries,
        wait: Callable[[float], bool],
        tell: Callable[[TryResult, float], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._retries, self._wait, self._tell, self._now = retries, wait, tell, now

    def do(self, work: Callable[[int], T], result_of: Callable[[T], StepResult], first: int) -> T:
        """Do `work` (given the number of the try, from `first` on) until it is done, or is not worth a try.

        The last try's outcome; its result has all the tries, and the time of all of them.
        """
        begun = self._now()
        tries: list[TryResult] = []
        for number in count(first):
            outcome = work(number)
            result = result_of(outcome)
            tries.append(TryResult.of(result))
            wait_s = self._find_wait(result, len(tries), self._now() - begun)
            if wait_s is None:
                break
            self._tell(tries[-1], wait_s)
            if self._wait(wait_s):
                break
        if len(tries) > 1:
            result.started_at, result.duration_s = tries[0].started_at, self._now() - begun
        result.attempts = tries
        return outcome

    def _find_wait(self, result: StepResult, failed: int, elapsed_s: float) -> float | None:
        if result.status != "failed" or not result.may_pass:
            return None
        return find_wait(self._retries, failed, elapsed_s)
