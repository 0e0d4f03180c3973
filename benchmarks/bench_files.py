"""make bench-files: how fast files and generated data are loaded, as ratios within one run.

Whole commands with their start-up, bytecode compiled, in turn (A B C A B C ...), medians. The peers are installed by
pip into an environment of their own and load the large file fewer times, as the table says. The Postgres server is a
temporary one without fsync, the same for all. Exit code 1 when a limit does not hold.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.cases import CASES  # noqa: E402
from benchmarks.files import CHANGED_ROWS  # noqa: E402
from benchmarks.peers import install_peers  # noqa: E402
from benchmarks.running import run_cases  # noqa: E402
from benchmarks.workshop import Workshop, working_folder  # noqa: E402
from tests.servers.postgres import run_postgres  # noqa: E402

CACHE = ROOT / ".pipeline" / "bench"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench_files.py", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)} (all)")
    parser.add_argument("--rows", type=int, default=5_000_000, help="of the large file (5,000,000)")
    parser.add_argument("--small-rows", type=int, default=1_000_000, help="of the small file (1,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="of our side and the baselines (5)")
    parser.add_argument("--peer-rounds", type=int, default=1, help="of peers with the large file (1)")
    parser.add_argument("--no-peers", action="store_true", help="leave out sling, ingestr and dlt by hand")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"no case {', '.join(sorted(unknown))}; there is: {', '.join(CASES)}")
    if arguments.small_rows < CHANGED_ROWS:
        parser.error(f"--small-rows is at least {CHANGED_ROWS}: so many are merged into it")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    peers = None if arguments.no_peers else install_peers(CACHE / "peers")
    with working_folder(CACHE) as work, run_postgres(quick_password=False) as server:
        shop = Workshop(
            cache=CACHE,
            work=work,
            server=server,
            peers=peers,
            rows=arguments.rows,
            small_rows=min(arguments.small_rows, arguments.rows),
            rounds=arguments.rounds,
            peer_rounds=min(arguments.peer_rounds, arguments.rounds),
        )
        return run_cases(CASES, arguments.cases, shop, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
