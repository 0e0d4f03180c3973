"""Cases, one after the other, and what is printed of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks.measure import MeasuringError
from benchmarks.ratios import Missing, Outcome, Ratio, print_json, print_table
from benchmarks.workshop import Workshop


def run_cases(
    cases: Mapping[str, Callable[[Workshop], Outcome]],
    chosen: Sequence[str],
    shop: Workshop,
    *,
    as_json: bool,
) -> int:
    """Measure the chosen cases, or all; the exit code: 1 where a limit does not hold or was not measured."""
    ratios: list[Ratio] = []
    missing: list[Missing] = []
    for name in chosen or cases:
        print(name, file=sys.stderr, flush=True)
        begun = time.perf_counter()
        try:
            outcome = cases[name](shop)
        except MeasuringError as error:
            outcome = [], [Missing(name, str(error))]
        print(f"  ({time.perf_counter() - begun:.0f} s)", file=sys.stderr, flush=True)
        if not as_json:
            print_table(*outcome)
            sys.stdout.flush()
        ratios += outcome[0]
        missing += outcome[1]
    if as_json:
        print_json(ratios, missing)
    return 0 if all(ratio.holds for ratio in ratios) and not missing else 1
