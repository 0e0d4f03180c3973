"""The reference project's models of marketing, spelt for BigQuery, on a server that stands in for it.

dbt's adapter for BigQuery is too large to install for tests. The little that these models need of it is written here
as it is in dbt-bigquery 1.11; the macros of the project are the real ones. With the adapter itself the whole project,
tests included, was built by hand, on the same server.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from graphlib import TopologicalSorter
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from tests.project.figures.marketing import key_of
from tests.servers.bigquery import BigQueryServer

from .marketing_rows import MODELS, ORDERS_FIRST, ORDERS_SECOND, load_first, load_second

PROJECT = "test"
DATASETS = {"silver": "silver_marketing", "gold": "gold_marketing"}
FILES = {path.stem: path for path in MODELS.glob("models/*/*.sql")}
MACROS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in MODELS.glob("macros/*.sql")
    if path.stem != "generate_schema_name"
)


class Adapter:
    """dbt's `adapter`: a macro of the project for BigQuery, or its default."""

    @jinja2.pass_context
    def dispatch(self, context: Any, name: str, package: str) -> Callable[..., str]:
        macros = context.vars
        found: Callable[..., str] = macros.get(f"bigquery__{name}") or macros[f"default__{name}"]
        return found


class Spelling:
    """A model as dbt would compile it for BigQuery, and what its config says."""

    def __init__(self, model: str, *, is_incremental: bool) -> None:
        self.name = place_of(model)
        self.config: dict[str, Any] = {}
        self._is_incremental = is_incremental
        self.sql = self.render(FILES[model].read_text(encoding="utf-8"))

    def render(self, text: str) -> str:
        dbt = SimpleNamespace(
            type_string=lambda: "string",
            hash=lambda value: f"to_hex(md5(cast({value} as string)))",
            date_trunc=lambda period, day: f"timestamp_trunc(cast({day} as timestamp), {period})",
        )
        return (
            jinja2.Environment()
            .from_string(MACROS + text)
            .render(
                adapter=Adapter(),
                dbt=dbt,
                ref=place_of,
                source=lambda source, table: f"`{PROJECT}`.`{source}`.`{table}`",
                config=lambda **given: self.config.update(given) or "",
                is_incremental=lambda: self._is_incremental and "unique_key" in self.config,
                this=self.name,
            )
        )


def place_of(model: str) -> str:
    dataset = (
        DATASETS[FILES[model].parent.name] if model in FILES else DATASETS["silver"]
    )  # else it is a seed
    return f"`{PROJECT}`.`{dataset}`.`{model}`"


def in_order() -> list[str]:
    """The models, each after those that it refers to."""
    refers = {
        name: set(re.findall(r"ref\('(\w+)'\)", path.read_text(encoding="utf-8"))) & set(FILES)
        for name, path in FILES.items()
    }
    return list(TopologicalSorter(refers).static_order())


@pytest.fixture
def bigquery() -> BigQueryServer:
    server = BigQueryServer()
    load_first(server.database.execute)
    for dataset in DATASETS.values():
        ask(server, f"CREATE SCHEMA `{dataset}`")
    seed = place_of("exchange_rates")
    ask(server, f"CREATE TABLE {seed} (currency STRING, valid_from DATE, usd_rate NUMERIC)")
    with (MODELS / "seeds" / "exchange_rates.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            values = f"'{row['currency']}', DATE '{row['valid_from']}', NUMERIC '{row['usd_rate']}'"
            ask(server, f"INSERT INTO {seed} VALUES ({values})")
    return server


def ask(server: BigQueryServer, sql: str) -> None:
    job = server.start(PROJECT, {"configuration": {"query": {"query": sql}}})
    assert job["status"].get("errorResult") is None, (job["status"], sql)


def build(server: BigQueryServer, *, is_incremental: bool) -> None:
    """What dbt-bigquery does: tables anew, incremental models by MERGE of a temporary table, then their hooks."""
    for model in in_order():
        spelling = Spelling(model, is_incremental=is_incremental)
        name, key = spelling.name, spelling.config.get("unique_key")
        if key is None or not is_incremental:
            ask(server, f"CREATE OR REPLACE TABLE {name} AS ({spelling.sql})")
        else:
            fresh = name.replace(f"`{model}`", f"`{model}__dbt_tmp`")
            ask(server, f"CREATE OR REPLACE TABLE {fresh} AS ({spelling.sql})")
            columns = [
                row[0] for row in server.database.execute(f"DESCRIBE gold_marketing.{model}").fetchall()
            ]
            sets = ", ".join(f"`{column}` = new.`{column}`" for column in columns)
            names = ", ".join(f"`{column}`" for column in columns)
            ask(
                server,
                f"MERGE INTO {name} AS old USING (SELECT {names} FROM {fresh}) AS new ON new.{key} = old.{key}"
                f" WHEN MATCHED THEN UPDATE SET {sets} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({names})",
            )
            ask(server, f"DROP TABLE {fresh}")
        if "post_hook" in spelling.config:
            ask(server, spelling.render(spelling.config["post_hook"]))


def rows_of(server: BigQueryServer, sql: str) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in server.database.execute(sql).fetchall()]


def orders(server: BigQueryServer) -> dict[str, tuple[str, str]]:
    sql = "SELECT order_id, CAST(revenue AS DECIMAL(18, 2)), country FROM gold_marketing.fact_orders"
    return {order: (revenue, country) for order, revenue, country in rows_of(server, sql)}


def test_the_models_say_the_same_in_bigquery(bigquery: BigQueryServer) -> None:
    build(bigquery, is_incremental=False)
    assert orders(bigquery) == ORDERS_FIRST
    written = rows_of(bigquery, "SELECT _loaded_at FROM gold_marketing.fact_orders WHERE order_id = 'O-1'")

    load_second(bigquery.database.execute)
    build(bigquery, is_incremental=True)

    assert orders(bigquery) == ORDERS_SECOND
    assert written == rows_of(
        bigquery, "SELECT _loaded_at FROM gold_marketing.fact_orders WHERE order_id = 'O-1'"
    )
    late = (
        "SELECT order_key, contact_key, campaign_key, order_date, order_month FROM gold_marketing.fact_orders"
    )
    assert rows_of(bigquery, f"{late} WHERE order_id = 'O-4'") == [
        (key_of("O-4"), key_of("C-2"), key_of("E-1"), "2026-01-01", "2026-01-01")
    ]
    events = "SELECT transaction_id, event_ts::TIMESTAMP FROM gold_marketing.dim_ga4_events ORDER BY 1"
    assert rows_of(bigquery, events) == [("T-1", "2026-01-05 11:00:00"), ("T-4", "2026-01-01 00:30:00")]
    ads = "SELECT clicks, conversions, ctr::DECIMAL(18, 6), cpc::DECIMAL(18, 4) FROM gold_marketing.dim_meta_ads"
    assert rows_of(bigquery, ads) == [("4", "2", "0.040000", "0.6250")]


def test_what_bigquery_does_not_take_is_refused_by_its_stand_in(bigquery: BigQueryServer) -> None:
    with pytest.raises(AssertionError, match="Parameterized types are not allowed in CAST"):
        ask(bigquery, "SELECT CAST(1 AS NUMERIC(18, 2))")
    with pytest.raises(AssertionError, match="Unrecognized name"):
        ask(bigquery, "SELECT `bronze_ga4`.`events`.event_id FROM `bronze_ga4`.`events`")
