"""`diff ENV`: DuckDB against DuckDB and against Postgres, told as plain Python finds it in the loaded files."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.testing import CliResult, make_project, run_cli

MANIFEST = """\
version: 1
name: compared
default_environment: dev
environments:
  dev: {destination: duckdb}
  live: {destination: duckdb}
  prod: {destination: postgres}
  test: {destination: duckdb}
  stage: {destination: postgres}
destinations:
  duckdb: {type: duckdb, path: shop.duckdb}
  postgres: {type: postgres, credentials: "${env:COMPARED_URL}"}
sources:
  shop:
    type: filesystem
    bucket_url: "${env:COMPARED_DATA}"
    resources:
      orders: {file_glob: orders.csv, primary_key: order_id, write_disposition: merge}
      visits: {file_glob: visits.csv}
transforms:
  shop: {engine: sqlmesh, path: transforms/shop}
pipelines:
  shop: {sources: [shop], transforms: [shop]}
"""
MODEL = """\
MODEL (name gold_shop.customers, kind FULL, grain customer);

SELECT
  customer,
  SUM(amount)::DECIMAL(18, 2) AS spent,
  MAX(_extracted_at)::TIMESTAMP AS seen_at
FROM bronze_shop.orders{where}
GROUP BY customer
"""
CONFIG = """\
from pipeline_cli import sqlmesh_config

config = sqlmesh_config(__file__)
"""
Order = tuple[str, str, str]
# Keys as text of both cases, which a language sorts otherwise than bytes.
OLD: list[Order] = [(f"{'aB'[n % 2]}{n}", f"c{n % 4}", f"{n}.50") for n in range(1, 31)]
NEW: list[Order] = [
    *((key, customer, "7.25" if key in ("a4", "B5") else amount) for key, customer, amount in OLD[:-2]),
    ("Z1", "c9", "1.00"),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, postgres_server: Any) -> Shop:
    """dev (DuckDB) has the old orders and the old model, prod (Postgres) the new ones."""
    made = Shop(tmp_path_factory.mktemp("compared"), postgres_server.url(postgres_server.create_database()))
    made.write(OLD, "", visits=3)
    made.call("run", "--env", "dev")
    made.write(NEW, "\nWHERE order_id <> 'a2'", note=True, visits=4)
    made.call("run", "--env", "prod")
    return made


@pytest.fixture(scope="module")
def live(shop: Shop) -> Shop:
    """live (DuckDB), too, with the new orders and the new model."""
    shop.call("run", "--env", "live")
    return shop


class Shop:
    def __init__(self, root: Path, url: str) -> None:
        self.root = make_project(root, MANIFEST)
        self.env = {"COMPARED_URL": url, "COMPARED_DATA": str(root / "data")}

    def write(self, orders: list[Order], where: str, *, note: bool = False, visits: int) -> None:
        """note: the file has one column more."""
        more = (",note", ",n") if note else ("", "")
        files = {
            "data/orders.csv": "".join(
                f"{line}\n"
                for line in [
                    f"order_id,customer,amount{more[0]}",
                    *(",".join(each) + more[1] for each in orders),
                ]
            ),
            "data/visits.csv": "page\n" + "home\n" * visits,
            "transforms/shop/models/customers.sql": MODEL.format(where=where),
            "transforms/shop/config.py": CONFIG,
        }
        make_project(self.root, MANIFEST, files)

    def call(self, *arguments: str, exit_code: int = 0) -> CliResult:
        result = run_cli(arguments, cwd=self.root, env=self.env)
        assert result.exit_code == exit_code, (result.exit_code, result.stdout, result.stderr)
        return result

    def document(self, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
        document = self.call(*arguments, "--json", exit_code=exit_code).document
        assert document is not None
        return document


def spent(orders: list[Order], without: str = "") -> dict[str, float]:
    found: Counter[str] = Counter()
    for key, customer, amount in orders:
        if key != without:
            found[customer] += float(amount)  # type: ignore[assignment]  # halves and quarters are exact
    return dict(found)


def expect(one: dict[str, Any], other: dict[str, Any]) -> tuple[int, int, int, int]:
    both = one.keys() & other.keys()
    changed = sum(one[key] != other[key] for key in both)
    return len(one) - len(both), len(other) - len(both), changed, len(both) - changed


def counts(table: dict[str, Any]) -> tuple[int, int, int, int]:
    keys = table["keys"]
    return keys["only_here"], keys["only_there"], keys["changed"], keys["same"]


@pytest.mark.parametrize("other", [pytest.param("live", marks=pytest.mark.thorough), "prod"])
def test_tables_rows_keys_columns_and_models_that_differ(
    shop: Shop, other: str, request: pytest.FixtureRequest
) -> None:
    if other == "live":
        request.getfixturevalue("live")
    before = shop.document("diff", other, "--detailed-exitcode", exit_code=10)
    tables = {each["table"]: each for each in before["tables"]}
    assert list(tables) == ["bronze_shop.orders", "bronze_shop.visits", "gold_shop.customers"]
    orders = tables["bronze_shop.orders"]
    assert orders["columns"] == [{"name": "note", "here": None, "there": "text"}]
    assert (orders["rows_here"], orders["rows_there"]) == (len(OLD), len(NEW))
    old, new = ({key: rest for key, *rest in each} for each in (OLD, NEW))
    assert counts(orders) == expect(old, new)
    assert orders["keys"]["changed_columns"] == {"amount": 2}
    assert orders["keys"]["examples"] == {
        "only_here": sorted(old.keys() - new.keys()),
        "only_there": ["Z1"],
        "changed": ["B5", "a4"],
    }
    visits = tables["bronze_shop.visits"]
    assert (visits["keys"], visits["rows_here"], visits["rows_there"]) == (None, 3, 4)
    customers = tables["gold_shop.customers"]
    # seen_at is when the rows were loaded: in each environment at its own time.
    assert (customers["keys"]["key"], customers["ignored"]) == (["customer"], ["seen_at"])
    assert counts(customers) == expect(spent(OLD), spent(NEW, without="a2"))
    assert before["models"] == [{"transform": "shop", "model": "gold_shop.customers", "code": "different"}]
    # Nothing was changed by looking, and no copy is left.
    assert shop.document("diff", other)["tables"] == before["tables"]
    assert not list(shop.root.glob(".pipeline/*/diff/*"))


@pytest.mark.thorough
def test_duckdb_and_postgres_with_the_same_are_one_line_and_the_next_command(live: Shop) -> None:
    told = live.call("diff", "prod", "--env", "live", "--detailed-exitcode").stdout.splitlines()
    rows = len(NEW) + 4 + len(spent(NEW, without="a2"))
    assert told == [
        f"live and prod are the same: 3 tables, {rows} rows, {rows - 4} keys.",
        "Next: pipeline-cli plan --env prod",
    ]


def test_people_read_what_differs_within_80_columns(shop: Shop) -> None:
    told = shop.call("diff", "prod").stdout
    assert max(map(len, told.splitlines())) <= 80
    assert "  column only in prod: note (text)" in told
    assert "  rows: 30 in dev, 29 in prod" in told
    assert "  only in prod: 1 key (order_id Z1)" in told
    assert "models of other code: gold_shop.customers" in told
    assert "dev and prod differ: 3 of 3 tables and 1 of 1 model." in told


@pytest.mark.thorough
def test_less_is_read_where_less_is_asked(live: Shop) -> None:
    rows = live.document("diff", "live", "--no-keys")["tables"]
    assert [each["keys"] for each in rows] == [None, None, None]
    assert [each["rows_here"] for each in rows] == [30, 3, 4]
    columns = live.document("diff", "live", "--no-rows")["tables"]
    assert [each["rows_here"] for each in columns] == [None, None, None]
    assert [each["status"] for each in columns] == ["different", "same", "same"]
    ignored = live.document("diff", "live", "--ignore", "amount")["tables"]
    assert ignored[0]["keys"]["changed"] == 0


def test_an_environment_that_never_ran_is_told_so_and_how_to_load_it(shop: Shop) -> None:
    refused = shop.call("diff", "test", exit_code=2)
    assert "nothing was loaded in 'test' yet" in refused.stderr
    assert "pipeline-cli run --env test" in refused.stderr
    assert not (shop.root / ".pipeline/test/shop.duckdb").exists()
    assert "'dev' is compared with itself" in shop.call("diff", "dev", exit_code=2).stderr


def test_two_environments_in_one_database_are_the_same_tables(shop: Shop) -> None:
    told = shop.document("diff", "stage", "--env", "prod", "--detailed-exitcode")
    assert (told["status"], told["same_warehouse"]) == ("same", True)


def test_a_file_that_a_run_has_is_busy(shop: Shop) -> None:
    file = shop.root / ".pipeline/dev/shop.duckdb"
    hold = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        busy = shop.call("diff", "prod", exit_code=75)
        assert "environment 'dev' is busy" in busy.stderr
        holder.communicate("")


def test_a_run_finds_the_file_free_while_it_is_compared(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline_cli.comparison.sides import open_side
    from pipeline_cli.manifest.reader import read_manifest
    from pipeline_cli.project import Project

    reading = read_manifest(shop.root, shop.env, "dev", sources=())
    project = Project(shop.root, reading.manifest, reading.environment)
    with open_side(project, ["shop"]) as side:
        write = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('CREATE TEMP TABLE t (n INT)')"
        file = shop.root / ".pipeline/dev/shop.duckdb"
        subprocess.run([sys.executable, "-c", write, str(file)], check=True, capture_output=True)
        assert side.connection.query("SELECT count(*) FROM bronze_shop.orders") == [(len(OLD),)]
