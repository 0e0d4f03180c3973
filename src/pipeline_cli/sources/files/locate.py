"""The line numbers of rows, found by reading their files once more."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline_cli.sources.files.lines import RecordReader
from pipeline_cli.sources.scan import ColumnSpec, Suspect

if TYPE_CHECKING:
    from pipeline_cli.sources.files.csv_scan import CsvRelation

_Key = tuple[str | None, ...]


def locate_records(
    relation: CsvRelation, specs: Sequence[ColumnSpec], suspects: Sequence[Suspect]
) -> list[int | None]:
    """The first physical line of each suspect in its file; rows that are the same in all values share theirs out.

    None where a row is not found again (a blank before a quote, which DuckDB cuts).
    """
    nulls = {"", *relation.null_values}
    compared = [index for index, spec in enumerate(specs) if not relation.is_rewritten(spec.data_type)]
    names = [specs[index].source for index in compared]
    by_file: dict[str, dict[_Key, deque[int]]] = defaultdict(lambda: defaultdict(deque))
    for index, suspect in enumerate(suspects):
        key = tuple(suspect.values.get(name) for name in names)
        by_file[suspect.file or relation.files[0].listed.path][key].append(index)
    lines: list[int | None] = [None] * len(suspects)
    for file in relation.files:
        wanted = by_file.get(file.listed.path)
        if not wanted:
            continue
        for record in RecordReader(file.place, relation.dialect).records():
            if record.values is None:
                continue
            key = tuple(None if (value := record.values[index]) in nulls else value for index in compared)
            if key in wanted:
                lines[wanted[key].popleft()] = record.line
                if not wanted[key]:
                    del wanted[key]
                    if not wanted:
                        break
    return lines
