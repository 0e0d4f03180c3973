"""Values that are written into a statement rather than given as parameters."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import duckdb
import pytest

from pipeline_cli.destinations.sql import SameCursorConnection, inline

VALUES = [
    "it's",
    "",
    "a\nb",
    "\\",
    "?",
    "--x",
    "$$",
    "é",
    None,
    0,
    -7,
    2**40,
    True,
    False,
    "'; DROP TABLE t; --",
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_comes_back_as_it_went_in(value: object) -> None:
    sql, parameters = inline('SELECT ?, \'?\', "?" FROM (SELECT 1 AS "?") -- ?', [value])
    assert parameters == ()
    assert duckdb.sql(sql).fetchall() == [(value, "?", 1)]


def test_values_of_other_kinds_stay_parameters() -> None:
    assert inline("SELECT ?, ?", ["a", [1]]) == ("SELECT ?, ?", ("a", [1]))
    assert inline("SELECT ?", ["a\0b"]) == ("SELECT ?", ("a\0b",))


@pytest.mark.parametrize("zone", [None, UTC, timezone(timedelta(hours=5, minutes=30))])
def test_moments_arrive_as_they_are(zone: tzinfo | None) -> None:
    moment = datetime(2026, 3, 1, 23, 59, 59, 123456, tzinfo=zone)
    sql, left = inline("SELECT ?", [moment])
    assert left == ()
    assert duckdb.sql(sql).fetchall() == [(moment,)]


def test_duckdb_imports_no_pandas_for_our_statements() -> None:
    program = (
        "import sys, duckdb\n"
        "from pipeline_cli.destinations.sql import SameCursorConnection\n"
        "connection = SameCursorConnection(duckdb.connect(), duckdb.Error)\n"
        "assert connection.query('SELECT ?, ?', ['a', 1]) == [('a', 1)]\n"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_a_signals_handler_raises_leaves_a_statement_of_duckdb() -> None:
    class Interrupted(BaseException):
        """As KeyboardInterrupt, which would end the tests."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    connection = SameCursorConnection(duckdb.connect(), duckdb.Error)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Interrupted):
            connection.query("SELECT sum(sqrt(range)) FROM range(100000000000)")
        assert connection.query("SELECT 1") == [(1,)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
