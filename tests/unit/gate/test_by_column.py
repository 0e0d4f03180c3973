"""Which pages of records go by column."""

from __future__ import annotations

from pathlib import Path

import orjson
from dlt.common.schema import Schema

from pipeline_cli.contracts.exactness import Exactness
from pipeline_cli.gate.by_column import ByColumn
from pipeline_cli.nested.spool import FEWEST, SpoolFolder


def test_the_few_records_of_the_last_page_go_as_those_before_them(tmp_path: Path) -> None:
    """As rows they were another file of the package, and dlt would commit the load in two halves."""
    judge = Exactness(Schema("shop"), "items")
    by_column = ByColumn(SpoolFolder(tmp_path), lambda table: True)
    by_column.open(judge)

    def offer(count: int) -> bool:
        page = [{"id": number, "tags": ["a"]} for number in range(count)]
        for record in page:
            judge.reasons(record)
        if not by_column.read(page):
            by_column.learn(page)
        return by_column.take() is not None

    assert [offer(count) for count in (FEWEST - 1, FEWEST, FEWEST - 1, 1)] == [False, True, True, True]
    received = by_column.decode(orjson.dumps([{"id": 7, "tags": ["b"]}]))
    assert received is not None
    assert by_column.accept(received)


def test_a_few_records_alone_go_as_rows(tmp_path: Path) -> None:
    by_column = ByColumn(SpoolFolder(tmp_path), lambda table: True)
    by_column.open(Exactness(Schema("shop"), "items"))
    for _ in range(2):
        page = [{"id": number} for number in range(FEWEST - 1)]
        assert not by_column.read(page)
        by_column.learn(page)
        assert by_column.take() is None
        assert by_column.decode(orjson.dumps(page)) is None
    assert not by_column.why_by_row
