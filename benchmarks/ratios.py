"""What is held to a limit, and the table of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line of the table: `value` over `base`, and what it may be at most, or has to be at least."""

    case: str
    what: str
    value: float
    against: str
    base: float
    at_most: float | None = None
    at_least: float | None = None
    unit: str = "s"
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.value / self.base

    @property
    def holds(self) -> bool:
        under = self.at_most is None or self.ratio <= self.at_most
        return under and (self.at_least is None or self.ratio >= self.at_least)

    @property
    def verdict(self) -> str:
        if self.at_most is None and self.at_least is None:
            return "(no limit)"
        limit = f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"
        return f"{limit}: {'holds' if self.holds else 'DOES NOT HOLD'}"


@dataclass(frozen=True, slots=True)
class Missing:
    """A case that could not be measured, and why. A limit that nobody measured does not hold."""

    case: str
    why: str


Outcome = tuple[list[Ratio], list[Missing]]


def print_table(ratios: Sequence[Ratio], missing: Sequence[Missing] = ()) -> None:
    for ratio in ratios:
        parts = f"{ratio.what} {ratio.value:.3g} {ratio.unit} / {ratio.against} {ratio.base:.3g} {ratio.unit}"
        note = f"  [{ratio.note}]" if ratio.note else ""
        print(f"{ratio.case:<34} {parts:<62} = {ratio.ratio:>7.2f}  {ratio.verdict}{note}")
    for each in missing:
        print(f"{each.case:<34} NOT MEASURED: {each.why}")


def print_json(ratios: Sequence[Ratio], missing: Sequence[Missing] = ()) -> None:
    lines = [{**asdict(ratio), "ratio": ratio.ratio, "holds": ratio.holds} for ratio in ratios]
    print(json.dumps({"ratios": lines, "missing": [asdict(each) for each in missing]}, indent=2))
