"""Whole tables: references that are always there, the scan that the warehouse reads, memory, speed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from pipeline_cli.manifest.faker import FakerSource
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.project import Project
from pipeline_cli.sources.faker import open_faker
from pipeline_cli.sources.faker.batches import read_batches
from pipeline_cli.sources.faker.build import build_tables
from pipeline_cli.sources.scan import ColumnSpec, Known, Scan
from tests.unit.sources.faker.helpers import HEAD, generate, read_source
from tests.unit.sources.faker.samples import CUSTOMER_360, RETAIL


def open_sample(root: Path, body: str, name: str) -> Project:
    head = HEAD if body else HEAD.removesuffix("sources:\n")
    (root / "pipelines.yaml").write_text(head + body, encoding="utf-8")
    return Project(root, read_manifest(root, {}).manifest, "dev")


def load(project: Project, name: str) -> duckdb.DuckDBPyConnection:
    """The source's tables in a DuckDB, as the warehouse reads them."""
    connection = duckdb.connect()
    for resource in open_faker(project, name).resources:
        with resource.scans(Known()) as scans:
            for scan in scans:
                read_scan(connection, resource.name, scan)
    return connection


def read_scan(connection: duckdb.DuckDBPyConnection, table: str, scan: Scan) -> None:
    for name, value in scan.objects.items():
        connection.register(name, value)
    connection.execute(f"CREATE TABLE {table} AS SELECT * FROM {scan.relation}")
    assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (scan.row_count,)


def test_retail_has_its_tables_and_every_reference_is_there(tmp_path: Path) -> None:
    connection = load(open_sample(tmp_path, RETAIL, "retail"), "retail")
    shown = connection.execute(
        "SELECT table_name, count(*) FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main'"
        " AND table_name NOT LIKE 'faker%' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert shown == [("customers", 12), ("products", 5), ("stores", 4), ("transactions", 8)]
    for table, key in (("customers", "customer_id"), ("products", "product_id"), ("stores", "store_id")):
        found = connection.execute(
            f"SELECT count(*), count(p.{key}) FROM transactions LEFT JOIN {table} p USING ({key})"
        ).fetchone()
        assert found == (10_000, 10_000)
    ranges = "min(transaction_amount) >= 20, max(transaction_amount) <= 1000, min(quantity), max(quantity)"
    assert connection.execute(f"SELECT {ranges} FROM transactions").fetchone() == (True, True, 1, 50)
    people = "count(DISTINCT customer_id), max(date_of_birth) < DATE '2008-01-02' FROM customers"
    assert connection.execute(f"SELECT {people}").fetchone() == (1_000, True)


def test_the_files_of_customer_360_fit_together(tmp_path: Path) -> None:
    connection = load(open_sample(tmp_path, CUSTOMER_360, "customer_360_generator"), "customer_360_generator")
    open_tickets = "SELECT count(*) FROM tickets WHERE (closed_at IS NULL) <> (status IN ('open', 'pending'))"
    assert connection.execute(open_tickets).fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM tickets WHERE closed_at < opened_at").fetchone() == (0,)
    assert connection.execute(
        "SELECT count(DISTINCT email), count(DISTINCT user_id) FROM users"
    ).fetchone() == (500, 500)
    lost = "SELECT count(*) FROM orders o ANTI JOIN users u ON u.user_id = o.user_id"
    assert connection.execute(lost).fetchone() == (0,)


def test_the_columns_of_a_scan_are_typed_and_declared(tmp_path: Path) -> None:
    project = open_sample(tmp_path, RETAIL, "retail")
    resources = {resource.name: resource for resource in open_faker(project, "retail").resources}
    with resources["customers"].scans(Known()) as scans:
        columns = {spec.name: spec for spec in next(scans).columns}
    assert columns["customer_id"] == ColumnSpec(
        "customer_id", "customer_id", "text", encoding="typed", is_declared=True
    )
    kinds = {name: (spec.data_type, spec.precision, spec.scale) for name, spec in columns.items()}
    assert kinds["account_balance"] == ("decimal", 18, 2)
    assert kinds["date_of_birth"] == ("date", None, None)
    assert kinds["created_at"] == ("timestamp", None, None)


def test_the_example_of_the_readme_is_generated(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[4] / "README.md").read_text(encoding="utf-8")
    example = readme.partition("# sources/shop_data.yaml\n")[2].partition("```")[0]
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "shop_data.yaml").write_text(example, encoding="utf-8")
    connection = load(open_sample(tmp_path, "", "shop_data"), "shop_data")
    code = "SELECT count(DISTINCT code), min(code), count(closed_at) FILTER (status = 'open') FROM tickets"
    assert connection.execute(code).fetchone() == (50_000, "T-000001", 0)


KEYS = ["sequence", "{sequence: {start: 7, step: -2}}", "uuid4", "{provider: email, unique: true}",
        "{integer: [1, 900], unique: true}", "{provider: last_name, unique: true}",
        "{template: '{n}-{i}', unique: true}", "{ref: others.id, unique: true}"]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("distribution", ["uniform", "skewed"])
def test_any_unique_column_can_be_referred_to(tmp_path: Path, key: str, distribution: str) -> None:
    tables = f"""
parents: {{rows: 500, columns: {{k: {key}, n: name, i: sequence}}}}
others: {{rows: 600, columns: {{id: uuid4}}}}
children: {{rows: 3000, columns: {{k: {{ref: parents.k, distribution: {distribution}}}}}}}
"""
    entry = read_source(tmp_path, tables, pool_size=100)
    parents, children = (generate(entry, name)["k"].to_pylist() for name in ("parents", "children"))
    assert len(set(parents)) == 500
    counts = Counter(children)
    assert counts.keys() <= set(parents)
    assert len(counts) > 400
    busiest = sum(count for _, count in counts.most_common(100)) / 3_000
    assert (0.25 < busiest < 0.4) if distribution == "uniform" else (0.78 < busiest < 0.86)


def test_a_reference_needs_nothing_of_its_table_but_the_key(tmp_path: Path) -> None:
    tables = "parents: {rows: 5, columns: {k: uuid4, x: {provider: pystr, arguments: {wrong: 1}}}}\n" \
        "children: {rows: 9, columns: {k: {ref: parents.k}}}"  # fmt: skip
    assert generate(read_source(tmp_path, tables), "children").num_rows == 9


def test_one_to_one_references_use_each_row_once(tmp_path: Path) -> None:
    profiles_keys = "{rows: 300, columns: {id: {ref: users.id, unique: true}}}"
    tables = f"users: {{rows: 300, columns: {{id: uuid4}}}}\nprofiles: {profiles_keys}"
    entry = read_source(tmp_path, tables)
    users, profiles = (generate(entry, name)["id"].to_pylist() for name in ("users", "profiles"))
    assert sorted(users) == sorted(profiles)
    assert users != profiles


@pytest.fixture
def large(tmp_path: Path) -> FakerSource:
    body = RETAIL.replace("rows: 1000\n", "rows: 30000\n").replace("rows: 10000\n", "rows: 20000000\n")
    (tmp_path / "pipelines.yaml").write_text(HEAD + body, encoding="utf-8")
    found: FakerSource = read_manifest(tmp_path, {}).manifest.sources["retail"]
    assert found.resources["transactions"].rows == 20_000_000
    return found


CHILD = """
import resource, sys
from pathlib import Path
from pipeline_cli.sources.faker.batches import read_batches
from pipeline_cli.sources.faker.build import build_tables
from tests.unit.sources.faker.helpers import read_source
users = "users: {rows: 1000, columns: {id: uuid4}}"
tables = users + "\\norders: {rows: %s, columns: {id: uuid4, t: {template: 'x{id}'}, u: {ref: users.id}}}"
entry = read_source(Path(sys.argv[1]), tables % sys.argv[2])
for batch in read_batches(build_tables(entry, ["orders"])["orders"], ahead=2):
    pass
print(batch.num_rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak_kib(rows: int) -> int:
        child = [sys.executable, "-c", CHILD, str(tmp_path), str(rows)]
        last, peak = subprocess.run(child, capture_output=True, text=True, check=True).stdout.split()
        assert int(last) == rows % 65_536
        return int(peak)

    assert peak_kib(1_500_000) < 1.1 * peak_kib(200_000)


def test_a_reader_that_stops_early_leaves_no_thread_behind(large: FakerSource) -> None:
    reader = read_batches(build_tables(large, ["transactions"])["transactions"], ahead=2)
    reader.read_next_batch()
    reader.close()
    deadline = time.monotonic() + 10
    while any(thread.name == "faker-transactions" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_mistake_in_a_batch_reaches_the_reader(tmp_path: Path) -> None:
    table = build_tables(read_source(tmp_path, "p: {rows: 100, columns: {a: sequence}}"), ["p"])["p"]
    table.columns["a"].start = "x"  # type: ignore[attr-defined]
    for ahead in (0, 2):
        with pytest.raises(Exception, match="ufunc"):
            read_batches(table, 10, ahead).read_all()


def test_five_fields_are_made_far_faster_than_by_a_loop(tmp_path: Path) -> None:
    """450 times was seen, pools included; room for a busy machine. `make bench` tells the figure."""
    from faker import Faker

    faker = Faker()
    faker.seed_instance(1)
    begun = time.process_time()
    for _ in range(300):
        faker.name(), faker.email(), faker.street_address(), faker.city(), faker.date_of_birth()
    loop_s = (time.process_time() - begun) / 300
    columns = "a: name, b: email, c: street_address, d: city, e: date_of_birth"
    entry = read_source(tmp_path, f"p: {{rows: 500000, columns: {{{columns}}}}}")
    begun = time.process_time()
    for _ in read_batches(build_tables(entry, ["p"])["p"], ahead=0):
        pass
    ours_s = (time.process_time() - begun) / 500_000
    assert loop_s / ours_s > 100, loop_s / ours_s
