"""What is measured of files and generated data. Each case returns its ratios, and what it could not measure."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from benchmarks.contenders import (
    OURS,
    by_dlt,
    by_ingestr,
    by_sling,
    clean,
    copy_from,
    create_table_as,
    expect_rows,
    ours,
    script,
)
from benchmarks.measure import (
    Command,
    Contender,
    Measurement,
    median_mb,
    median_s,
    take_turns,
)
from benchmarks.merges import merge_duckdb, merge_postgres
from benchmarks.projects import Orders, make_faker_project, run_command_of
from benchmarks.ratios import Missing, Outcome, Ratio
from benchmarks.workshop import TITLES, Workshop

FAKER_LOOP_ROWS = 10_000


def load_duckdb(shop: Workshop) -> Outcome:
    """A CSV file into DuckDB."""
    case = f"CSV to DuckDB, {shop.rows:,} rows"
    contenders = [ours(shop, "duckdb", shop.rows, Orders()), create_table_as(shop, shop.rows)]
    measured, missing = _with_peers(shop, "duckdb", contenders, case)
    our_s = median_s(measured[OURS])
    base = median_s(measured["CREATE TABLE AS"])
    ratios = [Ratio(case, "ours", our_s, "CREATE TABLE AS", base, at_most=1.15)]
    return ratios + _peer_ratios(shop, case, measured, {"sling": 8, "ingestr": 8}), missing


def load_postgres(shop: Workshop) -> Outcome:
    """A CSV file into Postgres."""
    case = f"CSV to Postgres, {shop.rows:,} rows"
    contenders = [ours(shop, "postgres", shop.rows, Orders()), copy_from(shop, shop.rows)]
    contenders.append(copy_from(shop, shop.rows, metadata=False))
    measured, missing = _with_peers(shop, "postgres", contenders, case)
    our_s = median_s(measured[OURS])
    bare = "COPY FROM, 12 columns only"
    note = "without fsync, both"
    ratios = [
        Ratio(case, "ours", our_s, "COPY FROM", median_s(measured["COPY FROM"]), at_most=1.0, note=note),
        Ratio(case, "ours", our_s, bare, median_s(measured[bare])),
    ]
    return ratios + _peer_ratios(shop, case, measured, {"sling": 4}), missing


def _with_peers(
    shop: Workshop, destination: str, contenders: Sequence[Contender], case: str
) -> tuple[dict[str, list[Measurement]], list[Missing]]:
    missing = []
    taking_part = [*contenders]
    if shop.peers is not None:
        taking_part.append(by_dlt(shop, destination, shop.rows))
        taking_part.append(by_sling(shop, destination, shop.rows, shop.peers.sling))
        if why := shop.peers.ingestr.lacks.get(destination):
            missing.append(Missing(case, why))
        else:
            taking_part.append(by_ingestr(shop, destination, shop.rows, shop.peers.ingestr))
    return take_turns(taking_part, shop.rounds), missing


def _peer_ratios(
    shop: Workshop, case: str, measured: Mapping[str, Sequence[Measurement]], limits: Mapping[str, float]
) -> list[Ratio]:
    """Each peer over ours, in the rounds that it took part in."""
    ratios = []
    for title, measurements in measured.items():
        name = title.split()[0]
        if name in ("dlt", "sling", "ingestr"):
            base = median_s(measured[OURS])
            note = "" if len(measurements) == shop.rounds else f"rounds of {name}: {len(measurements)}"
            limit = limits.get(name)
            ratios.append(Ratio(case, title, median_s(measurements), "ours", base, at_least=limit, note=note))
    return ratios


def contract(shop: Workshop) -> Outcome:
    """What a contract over all columns adds."""
    case = f"contract, {shop.rows:,} rows"
    held = ours(shop, "duckdb", shop.rows, Orders(contract=True), "with a contract")
    free = ours(shop, "duckdb", shop.rows, Orders(), "without")
    measured = take_turns([held, free], shop.rounds)
    with_s, without_s = median_s(measured["with a contract"]), median_s(measured["without"])
    return [Ratio(case, "with", with_s, "without", without_s, at_most=1.15)], []


def memory(shop: Workshop) -> Outcome:
    """The largest resident set with the large file against that with the small one."""
    ratios = []
    for destination, title in TITLES.items():
        sizes = {f"{rows:,} rows": rows for rows in (shop.rows, shop.small_rows)}
        contenders = [ours(shop, destination, rows, Orders(), name) for name, rows in sizes.items()]
        measured = take_turns(contenders, shop.rounds)
        large, small = (median_mb(measured[name]) for name in sizes)
        names = [*sizes]
        ratios.append(
            Ratio(f"peak memory, {title}", names[0], large, names[1], small, at_most=1.2, unit="MB")
        )
    return ratios, []


def generated(shop: Workshop) -> Outcome:
    """Rows of the faker source in DuckDB, whole command, against plain Faker calls, per row."""

    def prepare(number: int) -> Command:
        folder = shop.new_folder("faker")
        make_faker_project(folder, shop.rows)
        warehouse = folder / ".pipeline/dev/warehouse.duckdb"

        def after() -> None:
            expect_rows(warehouse, "bronze_files.customers", shop.rows)
            clean(shop, folder)

        return Command(run_command_of(), folder, shop.env(), after)

    loops: list[float] = []
    ours_s: list[float] = []
    for _ in range(shop.rounds):
        ours_s += [each.seconds for each in take_turns([Contender(OURS, prepare)], 1)[OURS]]
        told = subprocess.run(
            script("faker_loop.py", str(FAKER_LOOP_ROWS)), capture_output=True, check=True, env=shop.env()
        )
        loops.append(float(told.stdout))
    loop_us, our_us = median(loops) / FAKER_LOOP_ROWS * 1e6, median(ours_s) / shop.rows * 1e6
    case = f"generated rows, {shop.rows:,}"
    note = f"the loop: {FAKER_LOOP_ROWS:,} rows, without start-up"
    return [
        Ratio(case, "Faker in a loop", loop_us, "ours", our_us, at_least=200, unit="µs a row", note=note)
    ], []


CASES: dict[str, Callable[[Workshop], Outcome]] = {
    "load-duckdb": load_duckdb,
    "load-postgres": load_postgres,
    "merge-duckdb": merge_duckdb,
    "merge-postgres": merge_postgres,
    "contract": contract,
    "memory": memory,
    "generated": generated,
}
