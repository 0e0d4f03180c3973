"""make bench-api: how fast an API's nested records are loaded, as ratios within one run.

Whole commands with their start-up, bytecode compiled, in turn (A B C A B C ...), medians. The API is a process of its
own on this machine; the Postgres server is a temporary one without fsync, the same for all. Exit code 1 when a limit
does not hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.api_cases import CASES  # noqa: E402
from benchmarks.ratios import print_json, print_table  # noqa: E402
from benchmarks.workshop import Workshop, working_folder  # noqa: E402
from tests.servers.postgres import run_postgres  # noqa: E402

CACHE = ROOT / ".pipeline" / "bench"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench_api.py", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)} (all)")
    parser.add_argument("--rows", type=int, default=200_000, help="orders of five lines (200,000)")
    parser.add_argument("--rounds", type=int, default=5, help="of each contender (5)")
    parser.add_argument("--no-peers", action="store_true", help="leave out dlt's rest_api")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"no case {', '.join(sorted(unknown))}; there is: {', '.join(CASES)}")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    ratios = []
    with working_folder(CACHE) as work, run_postgres() as server:
        shop = Workshop(
            cache=CACHE,
            work=work,
            server=server,
            peers=None,
            rows=arguments.rows,
            small_rows=arguments.rows,
            rounds=arguments.rounds,
            peer_rounds=0 if arguments.no_peers else arguments.rounds,
        )
        for name in arguments.cases or CASES:
            print(name, file=sys.stderr, flush=True)
            begun = time.perf_counter()
            found, _ = CASES[name](shop)
            print(f"  ({time.perf_counter() - begun:.0f} s)", file=sys.stderr, flush=True)
            if not arguments.json:
                print_table(found)
                sys.stdout.flush()
            ratios += found
    if arguments.json:
        print_json(ratios)
    return 0 if all(ratio.holds for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
