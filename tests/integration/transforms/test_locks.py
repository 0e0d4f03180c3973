"""A build on Postgres waits for a table that somebody else has locked, not for ever; then nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from .conftest import ORDERS, Shop
from .test_dbt import FILES as DBT
from .test_sqlmesh import FILES as SQLMESH

AMOUNT = "SELECT sum(amount) FROM gold_shop.mart"


@pytest.mark.parametrize("make_shop", ["postgres"], indirect=True)
@pytest.mark.parametrize("engine", ["sqlmesh", "dbt"])
def test_a_build_gives_up_where_a_table_stays_locked(make_shop: Callable[..., Shop], engine: str) -> None:
    shop = make_shop(engine, lock_timeout="300ms")
    shop.write(SQLMESH if engine == "sqlmesh" else DBT)
    assert shop.build(fresh=None).status == "succeeded"
    before = shop.query(AMOUNT)
    shop.execute("INSERT INTO bronze_shop.orders VALUES (4, 1, 7, '{}')")
    with closing(shop.warehouse.connect()) as other, other.transaction():
        other.execute("LOCK TABLE bronze_shop.orders IN ACCESS EXCLUSIVE MODE")
        refused = shop.build(ORDERS)
    assert refused.status == "failed"
    assert refused.message is not None and "lock timeout" in refused.message
    assert refused.hint is not None and refused.hint.startswith(
        "Another session has locked a table of the build"
    )
    assert shop.query(AMOUNT) == before
    assert shop.build(ORDERS).status == "succeeded"
    assert shop.query(AMOUNT) == [(before[0][0] + 7,)]
