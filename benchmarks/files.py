"""The files that are loaded: rows of 12 typed columns, the same whenever they are made."""

from __future__ import annotations

from pathlib import Path

# Source name, DuckDB's type, Postgres' type, and the expression of row `i`. Hashes rather than random(): they do
# not depend on which thread makes a row.
COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("order_id", "BIGINT", "bigint", "i"),
    ("customer_id", "BIGINT", "bigint", "hash(i, 1) % 1000000"),
    ("transaction_id", "VARCHAR", "text", "md5(concat('t', i, {seed}))"),
    ("customer_name", "VARCHAR", "text", "concat('name ', hash(i, 2, {seed}) % 100000)"),
    ("email", "VARCHAR", "text", "concat('user', hash(i, 3) % 100000, '@example.com')"),
    (
        "payment_method",
        "VARCHAR",
        "text",
        "(['Cash', 'Credit Card', 'PayPal'])[(1 + hash(i, 4) % 3)::BIGINT]",
    ),
    ("amount", "DECIMAL(10,2)", "numeric(10,2)", "((hash(i, 5, {seed}) % 100000) / 100)::DECIMAL(10,2)"),
    ("quantity", "BIGINT", "bigint", "hash(i, 6, {seed}) % 50"),
    ("score", "DOUBLE", "double precision", "(hash(i, 7) % 1000000007) / 1000000007"),
    ("is_repeat", "BOOLEAN", "boolean", "hash(i, 8) % 2 = 0"),
    ("order_date", "DATE", "date", "DATE '2020-01-01' + (hash(i, 9) % 2000)::INTEGER"),
    (
        "created_at",
        "TIMESTAMPTZ",
        "timestamptz",
        "strftime(TIMESTAMP '2020-01-01' + to_microseconds((hash(i, 10) % 100000000000000)::BIGINT), "
        "'%Y-%m-%dT%H:%M:%S.%fZ')",
    ),
)
METADATA: tuple[tuple[str, str, str, str], ...] = (
    ("_run_id", "VARCHAR", "text", "20261121T153800-bench"),
    ("_extracted_at", "TIMESTAMPTZ", "timestamptz", "2026-11-21 15:38:00+00"),
    ("_source", "VARCHAR", "text", "files"),
    ("_dlt_load_id", "VARCHAR", "text", "1795275480.123456"),
)
NAMES = [column[0] for column in COLUMNS]
CHANGED_ROWS = 50_000
CHANGED_SHARE = 0.8  # of these have a key that is there already


def orders_file(folder: Path, rows: int) -> Path:
    """The file of rows 0 to rows - 1, as CSV with a header; made where it is not there yet."""
    return _write(folder / f"orders-{rows}.csv", f"range({rows})", seed=0)


def changes_file(folder: Path, rows: int, number: int) -> Path:
    """One of several files of CHANGED_ROWS rows to merge into `rows`: four in five change a row, the others are new."""
    changed = int(CHANGED_ROWS * CHANGED_SHARE)
    new = CHANGED_ROWS - changed
    first = rows + number * new
    keys = (
        f"(SELECT j * {rows // changed} + {number} FROM range({changed}) r(j) "
        f"UNION ALL SELECT j FROM range({first}, {first + new}) r(j))"
    )
    return _write(folder / f"changes-{rows}-{number}.csv", keys, seed=number + 1)


def _write(path: Path, keys: str, *, seed: int) -> Path:
    if not path.exists():
        import duckdb

        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        columns = ", ".join(f"{sql.format(seed=seed)} AS {name}" for name, _, _, sql in COLUMNS)
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(
                f"COPY (SELECT {columns} FROM {keys} t(i)) TO '{partial}' (FORMAT csv, HEADER)"
            )
        partial.rename(path)
    with path.open("rb") as file:  # into the page cache: the first to read it would pay for all
        while file.read(1 << 24):
            pass
    return path
