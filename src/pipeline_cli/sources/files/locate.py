"""Where rows stand, found by reading their files once more."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pipeline_cli.sources.files.lines import RecordReader
from pipeline_cli.sources.scan import ColumnSpec, Place, Suspect

if TYPE_CHECKING:
    from pipeline_cli.sources.files.csv_scan import CsvRelation

_Key = tuple[str | None, ...]


def locate_records(
    relation: CsvRelation, specs: Sequence[ColumnSpec], suspects: Sequence[Suspect]
) -> list[Place | None]:
    """The place of each suspect in its file; rows that are the same in all values share theirs out.

    None where a row is not found again (a blank before a quote, which DuckDB cuts).
    """
    read = [_reader(relation, spec) for spec in specs]
    names = [spec.source for spec in specs]
    by_file: dict[str, dict[_Key, deque[int]]] = defaultdict(lambda: defaultdict(deque))
    for index, suspect in enumerate(suspects):
        key = tuple(suspect.values.get(name) for name in names)
        by_file[suspect.file or relation.files[0].listed.path][key].append(index)
    places: list[Place | None] = [None] * len(suspects)
    for file in relation.files:
        wanted = by_file.get(file.listed.path)
        if not wanted:
            continue
        for record in RecordReader(file.place, relation.dialect).records():
            if record.values is None:
                continue
            key = tuple(each(value) for each, value in zip(read, record.values, strict=False))
            if key in wanted:
                places[wanted[key].popleft()] = Place(record.line, record.text)
                if not wanted[key]:
                    del wanted[key]
                    if not wanted:
                        break
    return places


def _reader(relation: CsvRelation, spec: ColumnSpec) -> Callable[[str], str | None]:
    """What the relation makes of a value of the file."""
    nulls = {"", *relation.null_values}
    is_rewritten = relation.is_rewritten(spec.data_type)

    def read(value: str) -> str | None:
        if value in nulls:
            return None
        return relation.rewrite_number(value) if is_rewritten else value

    return read
