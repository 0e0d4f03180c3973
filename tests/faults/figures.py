"""The one line of figures after the fault tests: tries, and what they lost, doubled, or left stuck.

A plugin of tests/conftest.py, not a conftest of its own: with xdist, only those are heard where the line is printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

KEY = "faults"
NAMES = ("tries", "lost", "doubled", "stuck")

_total = Counter[str]()


class Figures(Counter[str]):
    """tries, lost, doubled, stuck: of one test."""


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    counted = Figures(dict.fromkeys(NAMES, 0))
    yield counted
    request.node.user_properties.append((KEY, dict(counted)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "teardown":
        for name, counted in report.user_properties:
            if name == KEY:
                _total.update(dict(counted))  # type: ignore[call-overload]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _total["tries"]:
        terminalreporter.write_line("faults: " + ", ".join(f"{_total[name]} {name}" for name in NAMES))
