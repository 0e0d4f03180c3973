"""A small file merged by key into a large table: pipeline-cli and sling, round after round into the same table."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.contenders import OUR_TABLE, OURS, expect_rows
from benchmarks.files import CHANGED_ROWS, CHANGED_SHARE
from benchmarks.measure import Command, Contender, median_s, run_command, take_turns
from benchmarks.peers import Peer, sling_command
from benchmarks.projects import POSTGRES_URL, Orders, make_orders_project, run_command_of
from benchmarks.ratios import Missing, Outcome, Ratio
from benchmarks.workshop import TITLES, Workshop


def merge_duckdb(shop: Workshop) -> Outcome:
    return _merge(shop, "duckdb", "")


def merge_postgres(shop: Workshop) -> Outcome:
    with shop.database() as url, shop.database() as other_url:
        return _merge(shop, "postgres", url, other_url)


def _merge(shop: Workshop, destination: str, url: str, other_url: str = "") -> Outcome:
    """A small file into a large table, again and again: each round has other rows."""
    case = f"merge into {shop.small_rows:,}, {TITLES[destination]}"
    if shop.peers is None:
        return [], [Missing(case, "sling takes part in it")]
    contenders = [
        _our_merge(shop, destination, url),
        _sling_merge(shop, destination, other_url, shop.peers.sling),
    ]
    measured = take_turns(contenders, shop.rounds)
    our_s, their_s = (median_s(measured[contender.name]) for contender in contenders)
    return [Ratio(case, "ours", our_s, shop.peers.sling.title, their_s, at_most=1.0)], []


def _our_merge(shop: Workshop, destination: str, url: str) -> Contender:
    folder = shop.new_folder("ours-merging")
    inbox = make_orders_project(folder, destination, Orders(key="order_id"))
    warehouse: str | Path = url or folder / ".pipeline/dev/warehouse.duckdb"
    command = Command(run_command_of(), folder, shop.env(**{POSTGRES_URL: url}))
    os.link(shop.orders(shop.small_rows), inbox / "orders.csv")
    run_command(command)
    return _merging(
        shop, OURS, warehouse, OUR_TABLE, lambda source: _put(source, inbox / source.name, command)
    )


def _put(source: Path, target: Path, command: Command) -> Command:
    os.link(source, target)
    return command


def _sling_merge(shop: Workshop, destination: str, url: str, peer: Peer) -> Contender:
    folder = shop.new_folder("sling-merging")
    warehouse: str | Path = url or folder / "warehouse.duckdb"
    target = url or f"duckdb://{warehouse}"
    env = shop.env(**peer.env)
    run_command(Command(sling_command(peer, shop.orders(shop.small_rows), target), folder, env))
    return _merging(
        shop,
        peer.title,
        warehouse,
        "orders",
        lambda source: Command(sling_command(peer, source, target, key="order_id"), folder, env),
    )


def _merging(
    shop: Workshop, name: str, warehouse: str | Path, table: str, command: Callable[[Path], Command]
) -> Contender:
    new_rows = CHANGED_ROWS - int(CHANGED_ROWS * CHANGED_SHARE)

    def prepare(number: int) -> Command:
        def after() -> None:
            expect_rows(warehouse, table, shop.small_rows + (number + 1) * new_rows)

        return replace(command(shop.changes(shop.small_rows, number)), after=after)

    return Contender(name, prepare)
