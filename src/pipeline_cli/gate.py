"""The gate between extraction and loading: every record is checked, counted, and sent to its table or to quarantine.

Two steps in a dlt resource's pipe, because dlt's own incremental step stands between them and must see neither a
record without a cursor nor lose one that is to be quarantined:

    pages -> CheckStep -> [dlt: incremental] -> WriteStep -> [dlt: children of a parent] -> load package

Memory: one page; a page is what the source yields at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import dlt
from dlt.extract.items_transform import ItemTransform

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.exactness import Exactness
from pipeline_cli.contracts.json_values import json_ready, plain_json, record_hash
from pipeline_cli.contracts.reasons import Reason, Record, Rejected, json_path
from pipeline_cli.document import ResourceResult
from pipeline_cli.errors import ChecksFailed
from pipeline_cli.manifest.models import Limit

QUARANTINE_TABLE = "_quarantine"
_REJECTED = "_pipeline_cli_rejected"  # carries a rejected record past dlt's incremental step
_SHOWN_VIOLATIONS = 20


@dataclass(frozen=True, slots=True)
class GateRules:
    """What the gate holds one resource's records to. cursor: the field's path, None without incremental."""

    source: str
    resource: str
    dataset: str
    table: str
    disposition: str  # append, merge, replace, scd2
    primary_key: tuple[str, ...] = ()
    contract: Contract | None = None
    on_violation: str = "quarantine"
    max_rejected: Limit | None = None
    cursor: str | None = None
    cursor_required: bool = True
    keep_raw: bool = False
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """A rejected record as plugins and the log see it."""

    resource: str
    reasons: tuple[Reason, ...]
    record: str


@dataclass(slots=True)
class GateContext:
    """What all resources of one ingest share. known: which of these hashes the table (or quarantine) holds."""

    run_id: str
    tables: frozenset[str]  # those the dataset has already
    known: Callable[[str, str, Sequence[str]], set[str]]
    progress: Callable[[str, int], None]
    stop_if_cancelled: Callable[[], None]
    violations: list[Violation] = field(default_factory=list)


class Page(list[Record]):
    """Rows to write; `received` are the page's good records as they came, for dependent resources."""

    received: Sequence[Record] = ()


class CheckStep(ItemTransform[Any, Any]):
    """Judges each record of a page; replaces a bad one by a carrier that WriteStep sends to quarantine."""

    placement_affinity: ClassVar[float] = 0.9  # after the user's own steps, before dlt's incremental (1)

    def __init__(
        self, rules: GateRules, context: GateContext, schema: Any, table_schema: Callable[[], Any]
    ) -> None:
        super().__init__(lambda item: item)
        self._rules = rules
        self._context = context
        self._schema = schema
        self._table_schema = table_schema
        self._exactness: Exactness | None = None
        self._cursor_type: type | None = None

    def __call__(self, item: Any, meta: Any = None) -> Any:
        self._context.stop_if_cancelled()
        if self._exactness is None:
            self._exactness = self._open_exactness()
        return [self._judge(record) for record in to_records(item)]

    def _open_exactness(self) -> Exactness:
        from dlt.common.schema.utils import normalize_table_identifiers

        # The declared columns come first: they decide what is JSON, and how many places a decimal has.
        declared = normalize_table_identifiers(self._table_schema(), self._schema.naming)
        self._schema.update_table(declared, normalize_identifiers=False)
        return Exactness(self._schema, self._rules.table)

    def _judge(self, record: Record) -> Record:
        assert self._exactness is not None
        broken = self._contract_reasons(record)
        if broken and self._rules.on_violation == "warn":
            self._tell(record, broken)
            broken = ()
        if broken and self._rules.on_violation == "fail":
            raise ChecksFailed(
                f"{self._rules.source}.{self._rules.resource}: a record breaks its contract: "
                f"{broken[0].path} {broken[0].message}. Nothing of this source was loaded.",
                code="E410",
                hint="Mend the source or the contract, or use on_violation: quarantine.",
            )
        reasons = broken or self._key_reasons(record) or self._exactness.reasons(record)
        if not reasons:
            return record
        self._tell(record, reasons)
        return {_REJECTED: Rejected(record, reasons)}

    def _contract_reasons(self, record: Record) -> tuple[Reason, ...]:
        return self._rules.contract.reasons(json_ready(record)) if self._rules.contract else ()

    def _key_reasons(self, record: Record) -> tuple[Reason, ...]:
        missing = [name for name in self._rules.primary_key if value_at(record, name) is None]
        found = [Reason(json_path((name,)), "primary_key", "the key has no value") for name in missing]
        if self._rules.cursor and not found:
            found.extend(self._cursor_reasons(record, self._rules.cursor))
        return tuple(found)

    def _cursor_reasons(self, record: Record, cursor: str) -> Iterator[Reason]:
        value = value_at(record, cursor)
        where = json_path((cursor.removeprefix("$."),))
        if value is None:
            if self._rules.cursor_required:
                yield Reason(where, "cursor", "the incremental cursor has no value")
            return
        kind: type = float if type(value) in (int, float) else type(value)
        self._cursor_type = self._cursor_type or kind
        if kind is not self._cursor_type:
            expected = self._cursor_type.__name__
            yield Reason(
                where, "cursor", f"the cursor is a {kind.__name__}; the records before had a {expected}"
            )

    def _tell(self, record: Record, reasons: tuple[Reason, ...]) -> None:
        if len(self._context.violations) < _SHOWN_VIOLATIONS:
            self._context.violations.append(
                Violation(self._rules.resource, reasons, plain_json(record)[:2_000])
            )


class WriteStep(ItemTransform[Any, Any]):
    """Adds the metadata columns, leaves out what has not changed, sends rejects to quarantine, and counts."""

    placement_affinity: ClassVar[float] = 1.5  # after dlt's incremental (1), before the fork to children (2)

    def __init__(self, rules: GateRules, context: GateContext) -> None:
        super().__init__(lambda item: item)
        self._rules = rules
        self._context = context
        self._moment = datetime.min.replace(tzinfo=UTC)
        self.result = ResourceResult(rules.resource, rules.dataset, rules.table, rules.endpoint)
        self.written = 0  # rows given to dlt, before it drops earlier versions of the same key
        self.has_output = rules.disposition == "replace"  # an empty source empties the table it replaces

    def __call__(self, item: Any, meta: Any = None) -> Iterator[Any]:
        records = [record for record in item if _REJECTED not in record]
        rejected = [record[_REJECTED] for record in item if _REJECTED in record]
        before = self.result.extracted
        self.result.extracted += len(item)
        yield self._page(records, self._next_moment(), first=not before)
        if rejected:
            self._count_rejected(rejected)
            if rows := self._quarantine_rows(rejected, self._moment):
                self.has_output = True
                yield _for_quarantine(rows)
        self._context.progress(self._rules.resource, self.result.extracted)

    def _page(self, records: list[Record], moment: datetime, *, first: bool) -> Any:
        if first and not records and self._rules.table not in self._context.tables:
            # A source without records still makes its table, so that models that read it can be built.
            self.has_output = True
            return dlt.mark.materialize_table_schema()
        hashes = [record_hash(record) for record in records]
        kept = self._changed(records, hashes)
        page = Page(self._row(records[index], hashes[index], moment) for index in kept)
        page.received = records
        self.result.deduplicated += len(records) - len(kept)
        self.written += len(page)
        self.has_output = self.has_output or bool(page)
        return page

    def _changed(self, records: list[Record], hashes: list[str]) -> list[int]:
        """Indexes of the records to write: of equal keys the last, and none that the table holds unchanged."""
        if self._rules.disposition not in ("merge", "scd2"):
            return list(range(len(records)))
        last = {tuple(str(value_at(r, k)) for k in self._rules.primary_key): i for i, r in enumerate(records)}
        chosen = sorted(last.values())
        if self._rules.disposition == "scd2":
            return chosen  # dlt closes the versions of records that a load does not hold
        known = self._context.known(self._rules.table, "_record_hash", [hashes[index] for index in chosen])
        return [index for index in chosen if hashes[index] not in known]

    def _row(self, record: Record, digest: str, moment: datetime) -> Record:
        row = {
            **record,
            "_run_id": self._context.run_id,
            "_extracted_at": moment,
            "_source": self._rules.source,
        }
        if self._rules.disposition in ("merge", "scd2"):
            row["_record_hash"] = digest
        if self._rules.keep_raw:
            row["_raw"] = record
            row["_endpoint"] = self._rules.endpoint
            row["_size_bytes"] = len(plain_json(record).encode())
        return row

    def _next_moment(self) -> datetime:
        # Strictly later page by page: of two versions of a key in one load, dlt keeps the later (dedup_sort).
        self._moment = max(datetime.now(UTC), self._moment + timedelta(microseconds=1))
        return self._moment

    def _count_rejected(self, rejected: list[Rejected]) -> None:
        self.result.quarantined += len(rejected)
        limit = self._rules.max_rejected
        # A share is judged when all records are in; a count as soon as it is passed.
        if limit and limit.count is not None and self.result.quarantined > limit.count:
            raise too_many_rejected(self._rules, self.result)

    def _quarantine_rows(self, rejected: list[Rejected], moment: datetime) -> list[Record]:
        rows = [self._quarantine_row(each, moment) for each in rejected]
        if self._rules.disposition == "append":
            return rows
        known = self._context.known(QUARANTINE_TABLE, "id", [row["id"] for row in rows])
        return [row for row in {row["id"]: row for row in rows}.values() if row["id"] not in known]

    def _quarantine_row(self, rejected: Rejected, moment: datetime) -> Record:
        digest = record_hash(rejected.record)
        reasons = [reason.to_dict() for reason in rejected.reasons]
        identity: dict[str, Any] = {"resource": self._rules.resource, "record": digest, "reasons": reasons}
        if self._rules.disposition == "append":
            identity["run"] = [self._context.run_id, self.result.extracted, self.result.quarantined]
        return {
            "id": record_hash(identity)[:12],
            "resource": self._rules.resource,
            "record_hash": digest,
            "reasons": json.dumps(reasons),
            "record": plain_json(rejected.record).replace("\x00", "\\u0000"),
            "_run_id": self._context.run_id,
            "_extracted_at": moment,
            "_source": self._rules.source,
        }


class ReceivedStep(ItemTransform[Any, Any]):
    """First step of a dependent resource: the parent's good records as received, without our columns."""

    placement_affinity: ClassVar[float] = -2

    def __init__(self) -> None:
        super().__init__(lambda item: item)

    def __call__(self, item: Any, meta: Any = None) -> Any:
        return list(item.received) if isinstance(item, Page) and item.received else None


def too_many_rejected(rules: GateRules, result: ResourceResult) -> ChecksFailed:
    """The error of a resource beyond its max_rejected; the caller loads nothing."""
    limit = rules.max_rejected
    allowed = (
        "none" if limit is None else str(limit.count) if limit.count is not None else f"{limit.share:.4%}"
    )
    return ChecksFailed(
        f"{rules.source}.{rules.resource}: {result.quarantined} of {result.extracted} records are rejected, more than "
        f"max_rejected allows ({allowed.replace('.0000%', '%')}). Nothing of this source was loaded.",
        code="E411",
        hint=f"See what is wrong: pipeline-cli preview {rules.source}.{rules.resource}",
    )


def to_records(item: Any) -> list[Record]:
    """What a source yields at once, as records: a dict, a list, an Arrow table or a data frame."""
    if hasattr(item, "to_pylist"):
        item = item.to_pylist()
    elif hasattr(item, "to_dict") and hasattr(item, "columns"):
        item = item.to_dict("records")
    rows = item if isinstance(item, list) else [item]
    return [row if isinstance(row, dict) else {"value": row} for row in rows]


def value_at(record: Record, path: str) -> Any:
    """The value at a field name or a simple JSONPath ("updated.at"); None where there is none."""
    if path in record:
        return record[path]
    current: Any = record
    for step in path.removeprefix("$.").split("."):
        if not isinstance(current, dict):
            return None
        current = current.get(step)
    return current


def _for_quarantine(rows: list[Record]) -> Any:
    text = {"data_type": "text", "nullable": True}
    names = ("id", "resource", "record_hash", "reasons", "record", "_run_id", "_source")
    columns: Any = {name: {"name": name, **text} for name in names}
    columns["_extracted_at"] = {"name": "_extracted_at", "data_type": "timestamp", "nullable": True}
    hints = dlt.mark.make_hints(
        table_name=QUARANTINE_TABLE, write_disposition="append", primary_key=(), merge_key=(), columns=columns
    )
    return dlt.mark.with_hints(rows, hints, create_table_variant=True)
