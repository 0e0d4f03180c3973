"""Environments that are copies of another: what they build, what they leave alone, and what is promoted from them."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.testing import CliResult
from tests.integration.planning.conftest import DESTINATIONS, PAIRS, World

DAYS = "transforms/shop/models/days.sql"
PLAIN, DOUBLED = ("SUM(amount) AS revenue", "SUM(amount) * 2 AS revenue")

Start = Callable[[str], World]


@pytest.fixture(params=["duckdb", "postgres"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """A project of an engine that has run in dev, and `pr`, which is a copy of dev."""

    def make(engine: str) -> World:
        is_server = request.param == "postgres"
        world = World(
            tmp_path, {"POSTGRES_URL": request.getfixturevalue("postgres_url")} if is_server else {}
        )
        (tmp_path / "destinations").mkdir()
        (tmp_path / "destinations" / "warehouse.yaml").write_text(DESTINATIONS[request.param])
        world.take(PAIRS / f"models_in_{engine}" / "before")
        world.change(
            "pipelines.yaml", "{destination: warehouse}", "{destination: warehouse}, pr: {copy_of: dev}"
        )
        done(world.run("run"))
        return world

    return make


def done(result: CliResult) -> dict[str, Any]:
    assert result.exit_code == 0, result.stderr + result.stdout
    return result.document or {}


def run(world: World, *arguments: str) -> list[str]:
    """Run it; the models that were built."""
    document = done(world.run("run", "--json", *arguments))
    [pipeline] = document["pipelines"]
    steps = [step for step in pipeline["steps"] if step["kind"] == "transform"]
    assert all(step["status"] in ("succeeded", "unchanged") for step in steps)
    return sorted(
        model["name"] for step in steps for model in step["models"] if model["status"] == "succeeded"
    )


def change(world: World, before: str, after: str) -> None:
    """In the model of the days, whatever case its engine's project has its words in."""
    text = (world.root / DAYS).read_text(encoding="utf-8")
    lower = before.lower() in text
    world.change(DAYS, before.lower() if lower else before, after.lower() if lower else after)


def add_order(world: World, number: int, amount: str) -> None:
    (world.root / "data" / f"orders_{number}.csv").write_text(
        f"order_id,day,amount,note\n{number},2026-01-02,{amount},x\n"
    )


def expected_days(world: World, factor: int = 1) -> list[tuple[str, Decimal]]:
    """Revenue by day, from the files."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for path in (world.root / "data").glob("orders*.csv"):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                found[row["day"]] += Decimal(row["amount"]) * factor
    return sorted(found.items())


def days(world: World, suffix: str = "") -> list[tuple[str, Decimal]]:
    rows = world.query(f"SELECT day, revenue FROM gold_shop{suffix}.days ORDER BY day")
    return [(str(day), Decimal(revenue)) for day, revenue in rows]


def total(world: World, environment: str) -> Decimal:
    """The figure of the environment's report."""
    about = world.root / ".pipeline" / environment / "reports/sales/latest/edition.json"
    [[_, [[_, value, _]]]] = json.loads(about.read_text(encoding="utf-8"))["figures"]
    return Decimal(value)


def schemas(world: World) -> list[str]:
    rows = world.query("SELECT DISTINCT schema_name FROM information_schema.schemata ORDER BY 1")
    return [name for (name,) in rows if name.endswith("__pr")]


def kinds(world: World, schema: str) -> dict[str, str]:
    rows = world.query(
        f"SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = '{schema}'"
    )
    return dict(rows)


@pytest.mark.parametrize("engine", ["sqlmesh", "dbt"])
def test_a_copy_builds_what_is_different_and_leaves_its_original_alone(start: Start, engine: str) -> None:
    world = start(engine)
    loads = world.query("SELECT load_id FROM bronze_shop._dlt_loads")
    before = kinds(world, "gold_shop") | kinds(world, "silver_shop")
    assert run(world, "--env", "pr") == []
    assert days(world, "__pr") == days(world) == expected_days(world)
    assert (kinds(world, "gold_shop__pr") | kinds(world, "silver_shop__pr")).keys() == before.keys()

    change(world, PLAIN, DOUBLED)
    assert run(world, "--env", "pr") == ["gold_shop.days"]
    assert days(world, "__pr") == expected_days(world, 2)
    assert days(world) == expected_days(world)
    assert world.query("SELECT load_id FROM bronze_shop._dlt_loads") == loads
    assert kinds(world, "gold_shop") | kinds(world, "silver_shop") == before
    assert (total(world, "dev"), total(world, "pr")) == (Decimal("38.5"), Decimal("77"))

    # Back to what the original has: nothing is built, and the copy shows the original's rows again.
    change(world, DOUBLED, PLAIN)
    assert run(world, "--env", "pr") == []
    assert days(world, "__pr") == expected_days(world)
    assert set(kinds(world, "gold_shop__pr").values()) == {"VIEW"}


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["sqlmesh", "dbt"])
def test_a_copy_reads_what_its_original_has_loaded_since(start: Start, engine: str) -> None:
    world = start(engine)
    change(world, PLAIN, DOUBLED)
    run(world, "--env", "pr")
    change(world, DOUBLED, PLAIN)
    add_order(world, 4, "100")
    assert "gold_shop.days" in run(world)
    change(world, PLAIN, DOUBLED)
    assert run(world, "--env", "pr") == ["gold_shop.days"]
    assert days(world, "__pr") == expected_days(world, 2)
    assert run(world, "--env", "pr") == []
    assert world.query("SELECT count(*) FROM silver_shop__pr.orders") == [(4,)]


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["sqlmesh", "dbt"])
def test_a_copy_stays_as_its_code_is_where_its_original_goes_on(start: Start, engine: str) -> None:
    world = start(engine)
    run(world, "--env", "pr")
    change(world, PLAIN, DOUBLED)
    run(world)
    change(world, DOUBLED, PLAIN)
    run(world, "--env", "pr")
    assert days(world) == expected_days(world, 2)
    assert days(world, "__pr") == expected_days(world)
    add_order(world, 4, "100")
    change(world, PLAIN, DOUBLED)
    run(world)
    change(world, DOUBLED, PLAIN)
    run(world, "--env", "pr")
    assert days(world, "__pr") == expected_days(world)


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["sqlmesh", "dbt"])
def test_rows_that_the_original_has_loaded_and_not_built_come_once_it_has(start: Start, engine: str) -> None:
    world = start(engine)
    change(world, PLAIN, DOUBLED)
    run(world, "--env", "pr")
    orders = world.root / "transforms/shop/models/orders.sql"
    text = orders.read_text()
    orders.write_text(text.replace("amount", "none_such"))
    add_order(world, 4, "100")
    assert world.run("run").exit_code == 1
    orders.write_text(text)
    run(world, "--env", "pr")  # its table of days reads the original's orders, which lack the new one
    change(world, DOUBLED, PLAIN)
    run(world)
    change(world, PLAIN, DOUBLED)
    run(world, "--env", "pr")
    assert days(world, "__pr") == expected_days(world, 2)
    run(world)
    assert days(world) == expected_days(world, 2)


def test_what_a_copy_has_built_is_promoted_as_it_is(start: Start) -> None:
    world = start("sqlmesh")
    change(world, PLAIN, DOUBLED)
    run(world, "--env", "pr")
    planned = world.run("plan", "--no-probe")
    assert "taken over as it was built before, not rebuilt" in " ".join(planned.stdout.split())
    promoted = done(world.run("run", "--json"))
    [step] = [each for each in promoted["pipelines"][0]["steps"] if each["kind"] == "transform"]
    assert (step["status"], step["models"]) == ("succeeded", [])
    assert step["notes"] == ["taken over as built before, not built again: gold_shop.days"]
    assert days(world) == days(world, "__pr") == expected_days(world, 2)
    assert run(world) == run(world, "--env", "pr") == []


@pytest.mark.thorough
def test_rows_that_were_loaded_since_a_copy_built_are_in_what_is_promoted(start: Start) -> None:
    world = start("sqlmesh")
    change(world, PLAIN, DOUBLED)
    run(world, "--env", "pr")
    change(world, DOUBLED, PLAIN)
    add_order(world, 4, "100")
    run(world)
    change(world, PLAIN, DOUBLED)
    assert run(world) == ["gold_shop.days"]
    assert days(world) == expected_days(world, 2)


def test_code_that_is_taken_back_has_the_rows_that_were_loaded_since(start: Start) -> None:
    """SQLMesh keeps the older table for a week, and takes it up again as it is."""
    world = start("sqlmesh")
    change(world, PLAIN, DOUBLED)
    run(world)
    add_order(world, 4, "100")
    run(world)
    change(world, DOUBLED, PLAIN)
    run(world)
    assert days(world) == expected_days(world)


@pytest.mark.thorough
def test_a_full_refresh_of_a_copy_builds_nothing_of_its_original(start: Start) -> None:
    world = start("sqlmesh")
    change(world, PLAIN, DOUBLED)
    run(world, "--env", "pr")
    [(table,)] = world.query(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'sqlmesh__silver_shop' AND table_name LIKE 'silver_shop__orders__%'"
    )
    world.query(f"UPDATE sqlmesh__silver_shop.{table} SET amount = 1000 WHERE order_id = 1 RETURNING 1")
    assert run(world, "--env", "pr", "--full-refresh") == ["gold_shop.days"]
    assert world.query("SELECT amount FROM silver_shop.orders WHERE order_id = 1") == [(1000,)]
    assert dict(days(world, "__pr"))["2026-01-01"] == (1000 + Decimal("20.25")) * 2


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["sqlmesh", "dbt"])
def test_a_failed_check_in_a_copy_publishes_nothing_there_or_anywhere(start: Start, engine: str) -> None:
    world = start(engine)
    run(world, "--env", "pr")
    orders = "transforms/shop/models/orders.sql"
    world.change(orders, "order_id", "NULLIF(order_id, 2)") if engine == "sqlmesh" else world.change(
        orders, "cast(order_id as bigint)", "cast(nullif(order_id, 2) as bigint)"
    )
    if engine == "sqlmesh":
        world.change(orders, "not_null(columns := (NULLIF(order_id, 2)))", "not_null(columns := (order_id))")
        world.change(orders, "AS NULLIF(order_id, 2)", "AS order_id")
    failed = world.run("run", "--env", "pr")
    assert failed.exit_code == 4, failed.stderr
    assert days(world, "__pr") == days(world) == expected_days(world)


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["sqlmesh", "dbt"])
def test_a_copy_is_compared_planned_and_dropped(start: Start, engine: str) -> None:
    world = start(engine)
    change(world, PLAIN, DOUBLED)
    planned = world.run("plan", "--env", "pr")
    assert planned.exit_code == 0, planned.stderr
    assert "gold_shop.days: breaking" in planned.stdout
    assert "'pr' is a copy of 'dev' and loads nothing" in " ".join(planned.stdout.split())
    assert schemas(world) == []  # a plan makes nothing

    run(world, "--env", "pr")
    compared = world.run("diff", "pr", "--json").document
    assert compared is not None
    differ = [table["table"] for table in compared["tables"] if table["status"] != "same"]
    assert differ == ["gold_shop.days"]

    assert world.run("drop", "dev", "--yes").exit_code == 2
    assert world.run("drop", "pr").exit_code == 0
    assert schemas(world) == ["gold_shop__pr", "silver_shop__pr"]
    done(world.run("drop", "pr", "--yes"))
    assert schemas(world) == []
    assert days(world) == expected_days(world)
    assert not (world.root / ".pipeline" / "pr").exists()
    done(world.run("drop", "pr", "--yes"))
    assert run(world, "--env", "pr") == ["gold_shop.days"]
    assert days(world, "__pr") == expected_days(world, 2)


def test_a_copy_loads_nothing_and_says_so(start: Start) -> None:
    world = start("sqlmesh")
    for command in (
        ["backfill", "shop", "--start", "2026-01-01", "--end", "2026-01-02"],
        ["rollback", "--to", "x", "--yes"],
        ["reconcile", "shop"],
    ):
        refused = world.run(*command, "--env", "pr")
        assert refused.exit_code == 2, (command, refused.stderr)
        assert "Traceback" not in refused.stderr
    refused = world.run("reconcile", "shop", "--env", "pr")
    assert "'pr' is a copy of 'dev': it loads nothing itself." in refused.stderr
    assert "Use --env dev." in refused.stderr


@pytest.mark.thorough
def test_rows_that_come_late_reach_a_model_by_time_in_a_copy_and_where_it_is_promoted(start: Start) -> None:
    world = start("sqlmesh")
    model = world.root / "transforms/shop/models/daily.sql"
    model.write_text(
        "MODEL (name gold_shop.daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');\n"
        "SELECT day, SUM(amount) AS revenue FROM silver_shop.orders"
        " WHERE day BETWEEN @start_date AND @end_date GROUP BY day\n"
    )

    def daily(suffix: str = "") -> list[tuple[str, Decimal]]:
        rows = world.query(f"SELECT day, revenue FROM gold_shop{suffix}.daily ORDER BY day")
        return [(str(day), Decimal(revenue)) for day, revenue in rows]

    assert run(world, "--env", "pr") == ["gold_shop.daily"]
    assert daily("__pr") == expected_days(world)
    text = model.read_text()
    model.unlink()
    add_order(world, 4, "100")  # of a day that is built
    run(world)
    model.write_text(text)
    run(world, "--env", "pr")
    assert daily("__pr") == expected_days(world)
    model.unlink()
    add_order(world, 5, "1000")
    run(world)
    model.write_text(text)
    run(world)
    assert daily() == expected_days(world)


def test_a_copy_of_what_was_never_loaded_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "destinations").mkdir()
    (tmp_path / "destinations" / "warehouse.yaml").write_text(DESTINATIONS["duckdb"])
    world.take(PAIRS / "models_in_sqlmesh" / "before")
    world.change("pipelines.yaml", "{destination: warehouse}", "{destination: warehouse}, pr: {copy_of: dev}")
    failed = world.run("run", "--env", "pr")
    assert failed.exit_code == 1
    assert "'pr' is a copy of 'dev', where nothing was loaded yet. [E022]" in " ".join(failed.stdout.split())
    assert "pipeline-cli run --env dev" in failed.stdout


def test_views_on_what_dbt_replaces_stay(tmp_path: Path, postgres_url: str) -> None:
    """dbt drops the old table with CASCADE: the copy's views would go, and a dashboard's."""
    world = World(tmp_path, {"POSTGRES_URL": postgres_url})
    (tmp_path / "destinations").mkdir()
    (tmp_path / "destinations" / "warehouse.yaml").write_text(DESTINATIONS["postgres"])
    world.take(PAIRS / "models_in_dbt" / "before")
    world.change("pipelines.yaml", "{destination: warehouse}", "{destination: warehouse}, pr: {copy_of: dev}")
    done(world.run("run"))
    run(world, "--env", "pr")
    make(world, "CREATE VIEW public.top AS SELECT max(revenue) AS top FROM gold_shop.days")
    make(world, "CREATE VIEW public.above AS SELECT top + 1 AS above FROM public.top")
    make(world, "GRANT SELECT ON public.above TO PUBLIC")
    make(world, "CREATE MATERIALIZED VIEW public.kept AS SELECT day FROM gold_shop.days")
    make(world, "CREATE VIEW public.old AS SELECT one FROM gold_shop.old")
    add_order(world, 4, "100")
    (world.root / "transforms/shop/models/old.sql").write_text("select 2 as two")
    document = done(world.run("run", "--json"))
    [step] = [each for each in document["pipelines"][0]["steps"] if each["kind"] == "transform"]
    assert sorted(step["notes"]) == [
        "view gold_shop__pr.old cannot stand on the new tables, and is gone",
        "view public.kept cannot stand on the new tables, and is gone",
        "view public.old cannot stand on the new tables, and is gone",
    ]
    assert world.query("SELECT above FROM public.above") == [(Decimal("108.75"),)]
    grants = world.query(
        "SELECT grantee, privilege_type FROM information_schema.table_privileges"
        " WHERE table_name = 'above' AND grantee = 'PUBLIC'"
    )
    assert grants == [("PUBLIC", "SELECT")]
    assert days(world, "__pr") == days(world) == expected_days(world)
    run(world, "--env", "pr")
    assert world.query("SELECT two FROM gold_shop__pr.old") == [(2,)]


def make(world: World, statement: str) -> None:
    import psycopg2

    connection = psycopg2.connect(world.variables["POSTGRES_URL"])
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()
