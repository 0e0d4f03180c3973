"""The same pages extracted and normalized as rows, by column and ahead, and what is in the load package then.

Nothing is loaded: that is the warehouse's part, and the same for both.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

from pipeline_cli.contracts.json_values import parse_json
from pipeline_cli.gate import check
from pipeline_cli.gate.rules import GateContext
from pipeline_cli.loading.intake import attach_gates
from pipeline_cli.loading.pipeline import open_pipeline
from pipeline_cli.manifest.sources import RestResource
from pipeline_cli.nested.ahead import Ahead, Prepared
from pipeline_cli.nested.spool import SpoolFolder
from pipeline_cli.progress import tell_nobody
from pipeline_cli.sources.decoding import Decoding
from tests.integration.ingest.world import World

LINKS = {"_dlt_id", "_dlt_parent_id", "_dlt_root_id", "_dlt_load_id", "_extracted_at"}


@dataclass
class Package:
    """schema: dlt's tables; filled: by table and column, what the gate has counted; rows: how often each (table, place
    below its root, values) is there.

    by_column: how many records came by column; undecoded: how many pages, without a look at any record; ahead: how
    many were taken apart before dlt asked for them.
    """

    schema: dict[str, Any]
    rows: Counter[Any]
    result: dict[str, Any]
    filled: dict[tuple[str, str], Any]
    by_column: int
    jobs: list[Path]
    undecoded: int = 0
    ahead: int = 0


# As rows; by column, in dlt's normalize step; by column, page by page before that step, and with a shape that two
# records of the first page gave.
Way = Literal["rows", "columns", "ahead"]


class _CountingAhead(Ahead):
    batch_bytes = 1
    count = 0

    def take(self, root: str) -> Prepared | None:
        found = super().take(root)
        self.count += len(found.pages) if found else 0
        return found


def extract(
    world: World, bodies: Sequence[bytes], *, way: Way, resource: RestResource, run_id: str = "run1"
) -> Package:
    """One run of the resource `items`, whose pages have these bodies, up to the finished package.

    The package stays, so that a second run in the same world finds its schema.
    """
    import dlt

    world.rest(items=resource)
    with ExitStack() as stack:
        stack.enter_context(world.warehouse.exclusive())
        pipeline = open_pipeline(world.project, world.warehouse, "shop")

        decoding = Decoding(is_sent=True)
        undecoded = []

        @dlt.resource(name="items")
        def items() -> Any:
            for body in bodies:
                whole = decoding.decode(body) if decoding.decode is not None else None
                undecoded.extend([whole] if whole is not None else [])
                yield parse_json(body) if whole is None else [whole]

        source = dlt.source(lambda: items, name="shop")()
        source.root_key = True
        file_format: Any = "parquet" if world.warehouse.type == "duckdb" else "insert_values"
        ahead = stack.enter_context(_CountingAhead(world.root / "ahead", file_format).opened())
        if way == "ahead":
            stack.enter_context(patch.object(check, "_SAMPLE", 2))
        folder = SpoolFolder(world.root / "spool", 1, ahead if way == "ahead" else None)
        spool = stack.enter_context(folder.opened()) if way != "rows" else None
        context = GateContext(
            run_id=run_id,
            tables=frozenset(),
            known=lambda table, column, values: set(),
            current_version=lambda table, key: None,
            progress=tell_nobody,
            stop_if_cancelled=threading.Event().clear,
            spool=spool,
        )
        (intake,) = attach_gates(world.project, "shop", source, context, {"items": decoding})
        pipeline.extract(source, loader_file_format=file_format)
        pipeline.normalize()
        folders = [
            Path(pipeline._get_load_storage().new_packages.storage.storage_path).parent
            / "normalized"
            / load_id
            / "new_jobs"
            for load_id in pipeline.list_normalized_load_packages()[-1:]
        ]
        jobs = [job for folder in folders for job in folder.iterdir()]
        return Package(
            pipeline.default_schema.to_dict()["tables"],  # type: ignore[arg-type]
            read_rows(jobs),
            asdict(intake.writer.result),
            {
                (table, name): (fields.rows, each)
                for table, fields in intake.check.fields().items()
                for name, each in fields.fields.items()
                if each.filled
            },
            intake.writer.by_column_count,
            jobs,
            len(undecoded),
            ahead.count,
        )


def read_rows(jobs: Sequence[Path]) -> Counter[Any]:
    """All rows of a package's Parquet files, each with its place below its root instead of its ids."""
    import pyarrow.parquet

    tables: dict[str, list[dict[str, Any]]] = {}
    for job in jobs:
        if job.suffix == ".parquet" and not job.name.startswith("_dlt_"):
            tables.setdefault(job.name.split(".")[0], []).extend(
                pyarrow.parquet.read_table(job, partitioning=None).to_pylist()
            )
    by_id = {row["_dlt_id"]: row for rows in tables.values() for row in rows}
    assert len(by_id) == sum(map(len, tables.values())), "row ids are not unique"

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        parent = row.get("_dlt_parent_id")
        if parent is None:
            return (row.get("id"), row.get("record"))
        above = by_id[parent]
        root = above
        while root.get("_dlt_parent_id"):
            root = by_id[root["_dlt_parent_id"]]
        assert row["_dlt_root_id"] == root["_dlt_id"]
        return (*place(above), row["_dlt_list_idx"])

    def shown(row: dict[str, Any]) -> str:
        return repr(sorted((k, v) for k, v in row.items() if k not in LINKS and v is not None))

    return Counter((table, place(row), shown(row)) for table, rows in tables.items() for row in rows)


def assert_equal(as_rows: Package, by_column: Package) -> None:
    assert by_column.result == as_rows.result
    assert by_column.filled == as_rows.filled
    only_rows, only_columns = as_rows.rows - by_column.rows, by_column.rows - as_rows.rows
    assert not only_rows and not only_columns, f"only as rows: {only_rows}\nonly by column: {only_columns}"
    assert set(by_column.schema) == set(as_rows.schema)
    for name, table in as_rows.schema.items():
        assert by_column.schema[name] == table, name


def body_of(page: Sequence[Any]) -> bytes:
    """A page as an API sends it: NaN, halves of surrogate pairs and any number of digits included."""
    digits = "@digits@"
    text = json.dumps(page, default=lambda number: f"{digits}{number:f}{digits}")
    return text.replace(f'"{digits}', "").replace(f'{digits}"', "").encode("utf-8", "surrogatepass")
