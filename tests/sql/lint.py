"""SQLFluff over all SQL of the reference project; `make test` runs it.

dbt         models and tests, with Jinja and macros by .sqlfluff
SQLMesh     models and audits; what SQLFluff cannot read, MODEL (...) and @variables, is covered up in place
reports     every query, on one line or many
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlfluff.core import FluffConfig, Linter

ROOT = Path(__file__).parents[2]
_HEADER = re.compile(r"(?:MODEL|AUDIT)\s*\(.*?^\);", re.DOTALL | re.MULTILINE)
_NOT_LINTED = ("macros", "target", "dbt_packages")
# Rules of .sqlfluff that do not fit: an audit gives the rows it found, a table of a report all columns of its model,
# and a query may stand on one line of YAML.
_LEFT_OUT = {
    "dbt": (),
    "sqlmesh": ("ambiguous.column_count",),
    "report": ("ambiguous.column_count", "layout.keyword_newline", "layout.select_targets"),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL as the linter gets it. place: its file; line: where it begins there; kind: dbt, sqlmesh or report."""

    place: str
    sql: str
    kind: str
    line: int = 1


def find_statements(root: Path = ROOT) -> Iterator[Statement]:
    """All SQL of the project in `root`."""
    for file in sorted(root.glob("transforms/**/*.sql")):
        parts = file.relative_to(root).parts
        if not set(parts) & set(_NOT_LINTED):
            is_dbt = (root / parts[0] / parts[1] / "dbt_project.yml").exists()
            sql = file.read_text(encoding="utf-8")
            yield Statement("/".join(parts), sql if is_dbt else cover(sql), "dbt" if is_dbt else "sqlmesh")
    for file in sorted(root.glob("reports/*.yaml")):
        node = yaml.compose(file.read_text(encoding="utf-8"))
        yield from _queries(node, file.relative_to(root).as_posix())


def cover(sql: str) -> str:
    """SQLMesh's SQL, as long as it was: its header a comment of Jinja, its variables plain names."""
    return re.sub(r"@(?=\w)", "_", _HEADER.sub(lambda found: "{#" + found[0][2:-2] + "#}", sql, count=1))


def _queries(node: yaml.Node, place: str, inside: str = "") -> Iterator[Statement]:
    """The queries below a node of a report: under `queries`, and what is called sql or as_of."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _queries(item, place)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        if isinstance(value, yaml.ScalarNode) and (inside == "queries" or key.value in ("sql", "as_of")):
            is_block = value.style in ("|", ">")
            yield Statement(
                place, value.value.rstrip("\n") + "\n", "report", value.start_mark.line + 1 + is_block
            )
        else:
            yield from _queries(value, place, key.value)


@cache
def _linter(kind: str) -> Linter:
    config = FluffConfig.from_path(str(ROOT))
    left_out = ",".join([config.get("exclude_rules"), *_LEFT_OUT[kind]])
    config = FluffConfig.from_path(str(ROOT), overrides={"exclude_rules": left_out})
    if kind != "dbt":
        config.set_value(["indentation", "tab_space_size"], 2)
    return Linter(config=config)


def lint(statement: Statement) -> list[str]:
    """What is wrong with a statement, a line each."""
    found: Any = _linter(statement.kind).lint_string(statement.sql, fname=statement.place)
    return [
        f"{statement.place}:{each.line_no + statement.line - 1}:{each.line_pos}  {each.rule_code()}  {each.desc()}"
        for each in found.get_violations()
    ]


def main() -> int:
    statements = list(find_statements())
    with ProcessPoolExecutor(2) as workers:
        wrong = [line for lines in workers.map(lint, statements, chunksize=4) for line in lines]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
