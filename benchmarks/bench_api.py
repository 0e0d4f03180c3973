"""make bench-api: how fast an API's nested records are loaded, as ratios within one run.

Whole commands with their start-up, bytecode compiled, in turn (A B C A B C ...), medians. The API is a process of its
own on this machine; the Postgres server is a temporary one without fsync, the same for all. Exit code 1 when a limit
does not hold.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.api_cases import CASES  # noqa: E402
from benchmarks.running import run_cases  # noqa: E402
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
    with working_folder(CACHE) as work, run_postgres(quick_password=False) as server:
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
        return run_cases(CASES, arguments.cases, shop, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
