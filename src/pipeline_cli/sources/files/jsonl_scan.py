"""JSON Lines as a relation: each line's top-level fields, as JSON texts that are exactly what the line says.

DuckDB's JSON reader takes what is no JSON (NaN, a comma at the end), the first of two equal keys, and makes
0.1000000000000000055511151231257827 a 0.1. Lines that may be of that kind are read in Python (json_lines.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline_cli.contracts.fitting import MAX_KEYS
from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.sources.files.json_lines import NotAnObjectError, field_texts
from pipeline_cli.sources.files.lines import physical_lines
from pipeline_cli.sources.files.names import name_problems
from pipeline_cli.sources.files.reading import LocalFile
from pipeline_cli.sources.files.rejects import Rejects, file_sql
from pipeline_cli.sources.files.sql import FILE, LINE, literals, path_literal
from pipeline_cli.sources.scan import Malformed, Place, Suspect

_LONGEST_LINE = 16 << 20
# 18 digits or more around a point: more than a double's text ever has.
_LONG = "|".join(rf"[1-9][0-9]{{{before}}}\.[0-9]{{{17 - before},}}" for before in range(17))
_DOUBTFUL = rf"(?i)[:\[,]\s*-?(({_LONG}|0\.0*[1-9][0-9]{{17,}}|[1-9][0-9]{{17,}}\.)|nan|inf)|,\s*[\]}}]"


@dataclass(slots=True)
class Doubtful:
    """What Python made of the doubtful lines: rows (file, line, {field: JSON text}), and what is malformed."""

    rows: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    bad: list[Malformed] = field(default_factory=list)  # without their numbers


class JsonLines:
    """Files of JSON Lines as one relation."""

    def __init__(self, files: Sequence[LocalFile]) -> None:
        self.files = files
        self.names: tuple[str, ...] = ()
        self._rejects = Rejects(files)
        self._doubtful = Doubtful()
        self._table = f"pipeline_cli_lines_{id(self)}"
        self._has_twice = False
        self._is_too_wide = False
        self._sure_names: list[str] = []
        self._problems: dict[str, str] = {}

    def look(self, connection: Any) -> None:
        """Read all of it once: which fields there are, and which lines DuckDB is not to be trusted with."""
        rows = connection.execute(
            f"""SELECT keys, count(*), list({{'file': {file_sql(self.files)}, 'line': {LINE}}}) FILTER (keys IS NULL)
                FROM (SELECT *, CASE WHEN {_sure()} THEN json_keys({LINE}) END AS keys FROM {self._lines()})
                WHERE {LINE} IS NOT NULL GROUP BY keys ORDER BY count(*) DESC, keys"""
        ).fetchall()
        doubtful = [(each["file"], each["line"]) for keys, _, lines in rows if keys is None for each in lines]
        sure = self._common_names([keys for keys, _, _ in rows if keys is not None])
        self._problems = name_problems(sure)
        self._has_twice = any(len(set(keys)) < len(keys) for keys, _, _ in rows if keys is not None)
        self._sure_names = [name for name in sure if name not in self._problems]
        if self._has_twice or self._problems or self._is_too_wide:
            doubtful += connection.execute(
                f"""SELECT {file_sql(self.files)}, {LINE} FROM {self._lines()}
                    WHERE CASE WHEN {_sure()} THEN NOT ({self._fine()}) ELSE false END"""
            ).fetchall()
        names = list(self._sure_names)
        self._doubtful = self._judge(doubtful, names)
        self.names = tuple(names)
        if not names:  # objects without a field are no rows, as there are no columns
            empty = f"SELECT {file_sql(self.files)}, {LINE} FROM {self._lines()} WHERE {LINE} IS NOT NULL AND {_sure()}"
            found = connection.execute(empty).fetchall()
            self._doubtful.bad += [
                Malformed(file, None, line, "an object without a field") for file, line in found
            ]

    def _common_names(self, key_sets: Sequence[Sequence[str]]) -> list[str]:
        """The fields of the lines, of the most frequent ones first, as far as a table has room for them."""
        names: dict[str, None] = {}
        for keys in key_sets:
            new = dict.fromkeys(name for name in keys if name not in names)
            if len(names) + len(new) > MAX_KEYS:
                self._is_too_wide = True
            else:
                names |= new
        return list(names)

    def _judge(self, lines: Sequence[tuple[str, str]], names: list[str]) -> Doubtful:
        """Read lines strictly; `names` gets the fields that only they have."""
        judged = Doubtful()
        for file, line in lines:
            try:
                fields = field_texts(line)
            except NotAnObjectError as error:
                judged.bad.append(Malformed(file, None, line, str(error)))
                continue
            new = [name for name in fields if name not in names]
            if (problem := _too_many(fields, new, names)) is not None:
                judged.bad.append(Malformed(file, None, line, problem, "keys"))
                continue
            problems = name_problems([*names, *new]) if new else {}
            if problems:
                judged.bad.append(Malformed(file, None, line, next(iter(problems.values()))))
                continue
            names += new
            judged.rows.append((file, line, fields))
        return judged

    def sql(self, names: Sequence[str] | None = None) -> str:
        """The FROM clause, with these fields or all; `objects` belong to it."""
        names = self.names if names is None else names
        if not names:
            return "(SELECT 1 LIMIT 0)"
        paths = ", ".join(literal(f"/{_pointer(name)}") for name in names)
        columns = ", ".join(f"v[{index}]::VARCHAR AS {quote(name)}" for index, name in enumerate(names, 1))
        sure = f"CASE WHEN {_sure()} THEN {self._fine()} ELSE false END"
        plain = f"""SELECT {columns}, {LINE}, {file_sql(self.files)} AS {FILE} FROM (
            SELECT json_extract({LINE}, [{paths}]) AS v, {LINE}, {FILE} FROM {self._lines()}
            WHERE {LINE} IS NOT NULL AND {sure})"""
        if not self._doubtful.rows:
            return f"({plain})"
        fields = ", ".join(quote(name) for name in (*names, LINE, FILE))
        return f"({plain} UNION ALL SELECT {fields} FROM {quote(self._table)})"

    def objects(self) -> dict[str, Any]:
        """The rows that Python read, as an Arrow table of texts."""
        if not self._doubtful.rows:
            return {}
        import pyarrow

        rows = self._doubtful.rows
        columns = {name: [fields.get(name) for _, _, fields in rows] for name in self.names}
        columns |= {LINE: [line for _, line, _ in rows], FILE: [file for file, _, _ in rows]}
        return {
            self._table: pyarrow.table(
                {name: pyarrow.array(each, "string") for name, each in columns.items()}
            )
        }

    def malformed(self, connection: Any) -> list[Malformed]:
        """The lines that are no JSON objects, with their numbers."""
        found = self._rejects.malformed(connection)
        suspects = [Suspect({}, each.file, each.raw) for each in self._doubtful.bad]
        for each, place in zip(self._doubtful.bad, self.locate(suspects), strict=True):
            found.append(replace(each, line=place.line if place else None))
        return sorted(found, key=lambda each: (each.file, each.line or 0))

    def malformed_now(self, connection: Any) -> None:
        """Forget what this connection's reading left out; the scan itself finds it again."""
        self._rejects.malformed(connection)

    def files_changed(self) -> None:
        """The files stand elsewhere now."""
        self._rejects = Rejects(self.files)

    def locate(self, suspects: Sequence[Suspect]) -> list[Place | None]:
        """The places of lines, by their text; equal ones share theirs out in order."""
        places: list[Place | None] = [None] * len(suspects)
        for file in self.files:
            wanted: dict[str, list[int]] = {}
            for index, suspect in enumerate(suspects):
                if suspect.file in (file.listed.path, None) and suspect.raw is not None:
                    wanted.setdefault(suspect.raw, []).append(index)
            if wanted:
                for number, text in _numbered(file):
                    if text in wanted:
                        places[wanted[text].pop(0)] = Place(number, text)
                        if not wanted[text]:
                            del wanted[text]
        return places

    def _fine(self) -> str:
        """Of a line that is sure: whether its keys are, too."""
        keys = f"json_keys({LINE})"
        unique = [f"len(list_distinct({keys})) = len({keys})"] if self._has_twice else []
        named = [f"NOT list_has_any({keys}, {literals(self._problems)})"] if self._problems else []
        known = [f"list_has_all({literals(self._sure_names)}, {keys})"] if self._is_too_wide else []
        return " AND ".join([*unique, *named, *known]) or "true"

    def _lines(self) -> str:
        options = {
            "auto_detect": "false",
            "columns": f"{{{literal(LINE)}: 'VARCHAR'}}",
            "header": "false",
            "delim": "'\x01'",  # no JSON holds it
            "quote": "''",
            "escape": "''",
            "compression": "'none'",
            "filename": literal(FILE),
            "max_line_size": str(_LONGEST_LINE),
            "buffer_size": str(2 * _LONGEST_LINE),  # by default 16 lines of that length: 256 MB
            **self._rejects.options(),
        }
        paths = ", ".join(path_literal(str(file.place)) for file in self.files)
        return f"read_csv([{paths}], {', '.join(f'{key} = {value}' for key, value in options.items())})"


def _too_many(fields: Collection[str], new: Sequence[str], names: Sequence[str]) -> str | None:
    """What is wrong with a line whose fields are too many for a table, alone or with those of other lines."""
    if len(fields) > MAX_KEYS:
        return f"more than {MAX_KEYS} keys in one object"
    if len(names) + len(new) > MAX_KEYS:
        return f"with the keys of other lines more than {MAX_KEYS}, the first of them {new[0]!r}"
    return None


def _sure() -> str:
    """Whether DuckDB reads the line as it should; never an error, whatever the line is."""
    is_object = f"CASE WHEN json_valid({LINE}) THEN json_type({LINE}) = 'OBJECT' ELSE false END"
    return f"{is_object} AND NOT regexp_matches({LINE}, {literal(_DOUBTFUL)})"


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _numbered(file: LocalFile) -> Iterator[tuple[int, str]]:
    with file.place.open("rb") as stored:
        for number, line in enumerate(physical_lines(stored), 1):
            text = line.rstrip(b"\r\n").decode(errors="replace")
            yield number, text.removeprefix("\ufeff") if number == 1 else text
