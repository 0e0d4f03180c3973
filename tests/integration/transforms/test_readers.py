"""Readers that look at what is published while it is built: they see the state before or the one after, never half."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from .conftest import ORDERS, Shop
from .test_dbt import FILES as DBT
from .test_sqlmesh import FILES as SQLMESH

# In one statement, so from one snapshot; the mart first: in the order that is not the build's.
BOTH = (
    "SELECT (SELECT sum(amount) FROM gold_shop.mart), (SELECT sum(amount) FROM gold_shop.fact_orders),"
    " (SELECT count(*) FROM gold_shop.fact_orders)"
)


class Reader(threading.Thread):
    """Asks as fast as it is answered, on a connection of its own."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(daemon=True)
        self._shop = shop
        self.over = threading.Event()
        self.seen: list[tuple[Any, ...]] = []
        self.refused: list[str] = []

    def run(self) -> None:
        with closing(self._shop.warehouse.connect()) as connection:
            while not self.over.is_set():
                try:
                    self.seen.append(tuple(int(each) for each in connection.query(BOTH)[0]))
                except Exception as error:
                    self.refused.append(str(error))
                time.sleep(0.002)


def watch(shop: Shop, work: Callable[[], None]) -> Reader:
    reader = Reader(shop)
    reader.start()
    work()
    reader.over.set()
    reader.join(60)
    return reader


@pytest.mark.parametrize("engine", ["sqlmesh", "dbt"])
def test_a_reader_never_sees_half_a_build(make_shop: Callable[[str], Shop], engine: str) -> None:
    shop = make_shop(engine)
    shop.write(SQLMESH if engine == "sqlmesh" else DBT)
    shop.build(fresh=None)

    def load_and_build() -> None:
        for number in (4, 5):
            shop.execute(f"INSERT INTO bronze_shop.orders VALUES ({number}, 2, 7, '{{}}')")
            built = shop.build(ORDERS)
            assert built.status == "succeeded", built.message

    reader = watch(shop, load_and_build)
    assert set(reader.seen) <= {(35, 35, 3), (42, 42, 4), (49, 49, 5)}
    assert reader.seen[0] == (35, 35, 3) and reader.seen[-1] in {(42, 42, 4), (49, 49, 5)}
    # Of a deadlock Postgres may choose the reader; nothing else is refused, no table is ever missing.
    assert all("deadlock" in each for each in reader.refused), reader.refused[:3]


@pytest.mark.parametrize("engine", ["sqlmesh", "dbt"])
def test_a_reader_never_sees_what_a_failed_check_took_back(
    make_shop: Callable[[str], Shop], engine: str
) -> None:
    shop = make_shop(engine)
    shop.write(SQLMESH if engine == "sqlmesh" else DBT)
    shop.build(fresh=None)

    def load_and_fail() -> None:
        shop.execute("INSERT INTO bronze_shop.orders VALUES (4, 2, 0, '{}')")
        assert shop.build(ORDERS).status == "failed"

    reader = watch(shop, load_and_fail)
    assert set(reader.seen) == {(35, 35, 3)}
    assert all("deadlock" in each for each in reader.refused), reader.refused[:3]
