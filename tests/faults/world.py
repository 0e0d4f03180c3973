"""A source that changes batch by batch, and what must be in the warehouse after it: counted in Python, never in SQL.

Each batch brings new records, changes earlier ones where the disposition has keys, and holds one record that breaks
the contract. The same world is read as rows (a Python source), through an API, or as columns (CSV files).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline_cli.testing import make_project
from tests.servers.json_api import Answer, Request

BATCH = 130
PAGE = 60  # records of an API: enough to be loaded by column
DISPOSITIONS = ("append", "merge", "replace", "scd2")
PATHS = ("rows", "api", "columns")

MANIFEST = """\
version: 1
name: faults
default_environment: dev
environments: {{dev: {{destination: warehouse}}}}
destinations:
  warehouse: {destination}
sources:
  things:
{source}
pipelines:
  things: {{sources: [things]}}
"""
RESOURCE = "write_disposition: {disposition}, contract: sources/items.schema.json, on_violation: quarantine"
SOURCES = {
    "rows": """\
    type: python
    path: sources/items.py
    resources:
      items: {{{resource}}}
""",
    "api": """\
    type: rest_api
    client: {{base_url: "{url}", paginator: {{type: page_number, base_page: 1, total_path: pages}}}}
    resources:
      items:
        endpoint: {{path: items, data_selector: items, params: {{since: "{{since}}"}}}}
        {lines}
""",
    "columns": """\
    type: filesystem
    bucket_url: data
    resources:
      items: {{file_glob: "*.csv", {resource}}}
""",
}
PYTHON_SOURCE = """\
import json
import pathlib

import dlt


@dlt.resource(name="items", {hints})
def items({at}):
    records = json.loads(pathlib.Path(__file__).with_name("items.json").read_text())
    {choose}
    for start in range(0, len(records), 10):
        yield records[start : start + 10]
"""
CONTRACT = {
    "type": "object",
    "required": ["id", "version", "amount"],
    "properties": {
        "id": {"type": "integer"},
        "version": {"type": "integer"},
        "amount": {"type": "integer", "minimum": 0},
    },
}

Row = tuple[int, int]  # id, version


@dataclass(slots=True)
class Verdict:
    """How the warehouse differs from what must be there: rows that are missing, and rows that are too many."""

    lost: Counter[Any] = field(default_factory=Counter)
    doubled: Counter[Any] = field(default_factory=Counter)

    def compare(self, what: str, expected: Counter[Any], found: Counter[Any]) -> None:
        self.lost.update({(what, *_as_tuple(key)): n for key, n in (expected - found).items()})
        self.doubled.update({(what, *_as_tuple(key)): n for key, n in (found - expected).items()})


def _as_tuple(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


class World:
    """The source and its project. `grow` makes the next batch, `judge` holds the warehouse against all of them."""

    def __init__(
        self,
        root: Path,
        path: str,
        disposition: str,
        destination: str,
        ask: Callable[[str], list[Any]],
        url: str = "",
    ) -> None:
        self.path, self.disposition = path, disposition
        self.batches = 0
        self.current: dict[int, int] = {}  # id -> version
        self.versions: Counter[Row] = Counter()  # every version that ever was
        self.bad: list[dict[str, Any]] = []
        self.served: list[dict[str, Any]] = []
        self._ask = ask
        keyed = disposition in ("merge", "scd2")
        resource = RESOURCE.format(disposition=disposition) + (", primary_key: id" if keyed else "")
        if path == "api" and disposition == "append":
            resource += ", incremental: {cursor_path: id,initial_value: 0}"  # its comma stays where it is
        at = 'at=dlt.sources.incremental("id", initial_value=0)' if disposition == "append" else ""
        source = SOURCES[path].format(resource=resource, url=url, lines=resource.replace(", ", "\n        "))
        source = source.replace(
            "{since}", "{incremental.start_value}" if "incremental:" in source and path == "api" else "0"
        )
        choose = "records = [each for each in records if each['id'] > at.last_value]" if at else ""
        hints = (
            f'write_disposition="{disposition}"' if disposition != "scd2" else 'write_disposition="append"'
        )
        files = {
            "sources/items.schema.json": json.dumps(CONTRACT),
            "sources/items.py": PYTHON_SOURCE.format(hints=hints, at=at, choose=choose),
        }
        self.root = make_project(root, MANIFEST.format(destination=destination, source=source), files)

    def grow(self) -> None:
        """The next batch: BATCH new records, one bad one, and (by key) new versions of every third earlier one."""
        number = self.batches
        self.batches += 1
        changed: list[int] = []
        if self.disposition in ("merge", "scd2"):
            changed = [id_ for id_ in self.current if id_ % 3 == number % 3]
        new = range(1 + number * BATCH, 1 + (number + 1) * BATCH)
        if self.disposition == "replace":
            self.current = {id_: version for id_, version in self.current.items() if id_ % 2}
        batch = dict.fromkeys((*changed, *new), number)
        self.current.update(batch)
        self.versions.update(batch.items())
        bad = {"id": max(new) + 1_000_000_000, "version": number, "amount": -1, "lines": []}
        if self.disposition == "append":  # below the cursor that the good ones set: it is not read again
            bad["id"] = min(new)
            del self.current[min(new)], self.versions[min(new), number], batch[min(new)]
        self.bad.append(bad)
        whole = self.disposition in ("replace", "scd2")
        shown = [_record(*pair) for pair in (self.current if whole else batch).items()]
        self.served = [*shown, *(self.bad if whole else [bad])]
        self._write(number, whole=whole)

    def answer(self, request: Request) -> Answer:
        """GET /items?page=1&since=0, of 60 records a page."""
        since = int(request.query["since"]) if self.disposition == "append" else -1
        left = [each for each in self.served if each["id"] > since]
        start = PAGE * (int(request.query["page"]) - 1)
        return Answer({"items": left[start : start + PAGE], "pages": -(-len(left) // PAGE)})

    def _write(self, number: int, *, whole: bool) -> None:
        text = json.dumps(self.served)
        (self.root / "sources" / "items.json").write_text(text)
        folder = self.root / "data"
        folder.mkdir(exist_ok=True)
        lines = "".join(f"{each['id']},{each['version']},{each['amount']}\n" for each in self.served)
        name = "items.csv" if whole else f"items{number:04}.csv"
        (folder / name).write_text(f"id,version,amount\n{lines}")

    def judge(self) -> Verdict:
        """What is wrong with the warehouse, after a run that succeeded."""
        verdict = Verdict()
        table = "bronze_things.items"
        if self.disposition == "scd2":
            found = self._rows(f"SELECT id, version, _dlt_valid_to IS NULL FROM {table}")
            expected = Counter(
                {(*row, self.current[row[0]] == row[1]): n for row, n in self.versions.items()}
            )
        else:
            found = self._rows(f"SELECT id, version FROM {table}")
            expected = Counter(self.versions if self.disposition == "append" else self.current.items())
        verdict.compare("items", expected, found)
        kept = (json.loads(text) for (text,) in self._ask("SELECT record FROM bronze_things._quarantine"))
        found = Counter(int(each["version"]) for each in kept)
        if self.disposition == "replace":  # what has no key is kept anew by each run that reads it
            found = Counter(dict.fromkeys(found, 1))
        verdict.compare("quarantine", Counter(each["version"] for each in self.bad), found)
        if self.path != "columns":
            roots = (
                "SELECT i.id, i.version, count(l.n), min(l.n), max(l.n) FROM bronze_things.items i LEFT JOIN"
                " bronze_things.items__lines l ON l._dlt_parent_id = i._dlt_id GROUP BY i._dlt_id, i.id, i.version"
            )
            kept = self.versions if self.disposition in ("append", "scd2") else Counter(self.current.items())
            wanted = Counter({(id_, version, 2, -id_, id_): n for (id_, version), n in kept.items()})
            verdict.compare("lines", wanted, self._rows(roots))
            ((lines,),) = self._ask("SELECT count(*) FROM bronze_things.items__lines")
            verdict.compare("all lines", Counter({"rows": 2 * sum(kept.values())}), Counter({"rows": lines}))
        return verdict

    def _rows(self, sql: str) -> Counter[Any]:
        return Counter(tuple(row) for row in self._ask(sql))


def _record(id_: int, version: int) -> dict[str, Any]:
    return {"id": id_, "version": version, "amount": id_ % 7, "lines": [{"n": id_}, {"n": -id_}]}
