"""Rows that are sent to Postgres in its binary format arrive as they are, and as they do in its text format."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline_cli.bulk import target_postgres
from pipeline_cli.bulk.copy_binary import send_rows, sendable
from pipeline_cli.bulk.engine import open_engine
from pipeline_cli.destinations.postgres import PostgresDestination
from tests.integration.bulk.conftest import FileWorld
from tests.integration.bulk.test_odd_texts import TEXTS

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    most = 10**precision - 1
    return st.integers(-most, most).map(lambda digits: Decimal(digits).scaleb(-scale))


def unfolded(value: Any) -> Any:
    """Of two times that a clock shows alike; neither side keeps which one it was."""
    return value.replace(fold=0)


# Arrow's type, Postgres' type, the values.
COLUMNS: tuple[tuple[pa.DataType, str, st.SearchStrategy[Any]], ...] = (
    (pa.int64(), "bigint", st.integers(-(2**63), 2**63 - 1)),
    (pa.float64(), "double precision", st.floats()),
    (pa.bool_(), "boolean", st.booleans()),
    (pa.string(), "character varying", TEXT),
    (pa.string(), "text", TEXT),
    (pa.string(), "jsonb", st.just('{"a": [1, null, "é"]}') | st.just("[]")),
    (pa.binary(), "bytea", st.binary(max_size=20)),
    (pa.date32(), "date", st.dates()),
    (pa.time64("us"), "time", st.times().map(unfolded)),
    (pa.timestamp("us", "UTC"), "timestamptz", st.datetimes(timezones=st.just(UTC)).map(unfolded)),
    (pa.decimal128(10, 2), "numeric(10, 2)", decimals(10, 2)),
    (pa.decimal128(18, 0), "numeric(18, 0)", decimals(18, 0)),
    (pa.decimal128(4, 4), "numeric(4, 4)", decimals(4, 4)),
    (pa.decimal128(38, 9), "numeric(38, 9)", decimals(37, 9)),
    (pa.decimal128(38, 0), "numeric", decimals(37, 0)),
)
ROWS = st.lists(st.tuples(*(st.none() | values for _, _, values in COLUMNS)), max_size=6)
WHOLE_ROWS = st.lists(st.tuples(*(values for _, _, values in COLUMNS)), min_size=1, max_size=6)
EDGES: list[tuple[Any, ...]] = [
    (0, -0.0, False, "", "\\N", "[]", b"", date(1, 1, 1), time(0), datetime(1, 1, 1, tzinfo=UTC), Decimal(0),
     Decimal(10**18 - 1), Decimal("-0.9999"), Decimal(10**28) + Decimal("0.000000001"), Decimal(-(10**37))),
    (-1, math.inf, True, "\t\n\r", "𝄞" * 500, "null", bytes(range(256)), date(9999, 12, 31),
     time(23, 59, 59, 999999), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), Decimal("-0.01"),
     Decimal(1 - 10**18), Decimal("0.0001"), Decimal(2**64), Decimal(2**96 + 1)),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with closing(open_engine(tmp_path_factory.mktemp("engine"))) as opened:
        yield opened


@pytest.fixture
def session(postgres_url: str) -> Iterator[Any]:
    with closing(psycopg2.connect(postgres_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET timezone = 'UTC'")
        columns = ", ".join(f"c{number} {kind}" for number, (_, kind, _) in enumerate(COLUMNS))
        cursor.execute(f"CREATE TABLE items ({columns})")
        yield cursor


def stored(engine: Any, session: Any, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What Postgres has once the rows were sent."""
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    arrays = [pa.array(values, kind) for values, (kind, _, _) in zip(columns, COLUMNS, strict=True)]
    engine.register("given", pa.table(arrays, [f"c{number}" for number in range(len(COLUMNS))]))
    session.execute("TRUNCATE items")
    session.execute(
        "SELECT format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = 'items'::regclass AND attnum > 0 ORDER BY attnum"
    )
    select = sendable(engine, "SELECT * FROM given", [kind for (kind,) in session.fetchall()])
    assert select is not None
    with tempfile.TemporaryFile() as file:
        assert send_rows(engine, select, file) == len(rows)
        file.seek(0)
        session.copy_expert("COPY items FROM STDIN (FORMAT binary)", file)
    session.execute("SELECT c0, c1, c2, c3, c4, c5::text, c6, c7, c8, c9, c10, c11, c12, c13, c14 FROM items")
    return [tuple(bytes(each) if isinstance(each, memoryview) else each for each in row) for row in session]


def same(rows: list[tuple[Any, ...]]) -> list[str]:
    """NaN is as NaN, and -0.0 is not 0.0; a number's zeros at its end say nothing."""
    return [repr([each.normalize() if isinstance(each, Decimal) else each for each in row]) for row in rows]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=ROWS | WHOLE_ROWS)
def test_every_value_arrives(engine: Any, session: Any, rows: list[tuple[Any, ...]]) -> None:
    assert same(stored(engine, session, rows)) == same(rows)


def test_the_edges_of_the_types_arrive(engine: Any, session: Any) -> None:
    nothing = (None,) * len(COLUMNS)
    for rows in (EDGES, [*EDGES, nothing], [nothing], EDGES * 10_000):
        assert same(stored(engine, session, rows)) == same(rows)


@pytest.fixture
def postgres(
    tmp_path: Path, postgres_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> FileWorld:
    """A world on Postgres that sends every file in the binary format."""
    monkeypatch.setattr(target_postgres, "_LARGE_BYTES", 0)
    world = FileWorld(tmp_path, None, PostgresDestination("postgres", postgres_database()))  # type: ignore[arg-type]
    world.files(keep_raw=True)
    return world


def test_files_arrive_with_their_metadata_and_without_their_rejects(
    postgres: FileWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    monkeypatch.setattr(
        target_postgres, "send_rows", lambda *given: sent.append(send_rows(*given)) or sent[-1]
    )
    quoted = [text.replace('"', '""') for text in TEXTS]
    postgres.write("a.csv", "id,note", *(f'{number},"{text}"' for number, text in enumerate(quoted)), "1,2,3")
    result = postgres.ingest()
    assert postgres.account(result) == (len(TEXTS) + 1, len(TEXTS), 1, 0)
    assert sent == [len(TEXTS)]
    found = postgres.query("SELECT id, note, _raw ->> 'note', _source FROM bronze_shop.items ORDER BY id")
    assert found == [(number, text, text, "shop") for number, text in enumerate(TEXTS)]


def test_a_column_of_a_type_that_we_do_not_make_is_sent_as_text(postgres: FileWorld) -> None:
    keys = [f"6f1c0a52-6f6f-4d4a-9a39-{number:012}" for number in range(2)]
    postgres.write("a.csv", "id,number", f"{keys[0]},1")
    postgres.ingest()
    postgres.execute("ALTER TABLE bronze_shop.items ALTER id TYPE uuid USING id::uuid")
    postgres.write("b.csv", "id,number", f"{keys[1]},2")
    postgres.ingest()
    assert postgres.query("SELECT id::text, number FROM bronze_shop.items ORDER BY 1") == list(
        zip(keys, (1, 2), strict=True)
    )


def test_rows_are_encoded_without_pandas() -> None:
    """pyarrow would import it for a single value of Python's, and for booleans: half a second of a load."""
    code = (
        "import sys, duckdb\nfrom pipeline_cli.bulk.copy_binary import send_rows\n"
        "nothing = 'CASE WHEN i % 2 = 0 THEN {} END'\n"
        "values = ['i', 'i > 1', 'i::DOUBLE', 'i::DECIMAL(9, 2)', 'DATE \\'2026-01-02\\'', 'i::VARCHAR']\n"
        "select = ', '.join(values + [nothing.format(value) for value in values])\n"
        "with open('/dev/null', 'wb') as pipe:\n"
        "    rows = send_rows(duckdb.connect(), f'SELECT {select} FROM range(9) t(i)', pipe)\n"
        "print(rows, 'pyarrow' in sys.modules, 'pandas' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "9 True False\n"
