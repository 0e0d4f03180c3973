"""The project's .env file: NAME=value lines, for a developer's own secrets. The real environment wins."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.document import read_text
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.nodes import Place

# Text, compiled by `re` on first use: most projects have no .env.
_ASSIGNMENT = r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)"
_QUOTED = r"""(?:'(?P<literal>[^']*)'|"(?P<escaped>(?:[^"\\]|\\.)*)")\s*(?:\#.*)?"""
_COMMENT = r"(?:^|\s)#.*"
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


def read_dotenv(root: Path, findings: Findings) -> dict[str, str]:
    """The variables of `<root>/.env`; {} when there is no such file. Bad lines are recorded, never shown."""
    path = root / ".env"
    if not path.is_file():
        return {}
    document = findings.open(".env")
    if read_text(path, document, findings) is None:
        document.lines = []
        return {}
    lines, document.lines = document.lines, []  # a line of .env holds a secret: it is never shown
    variables = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parsed = parse_assignment(line.strip())
        if parsed is None:
            hint = 'Write NAME=value, NAME="value with spaces" or # a comment, each on one line.'
            findings.add(codes.BAD_DOTENV, Place(document, number, 1), "this line is not NAME=value.", hint)
        else:
            variables[parsed[0]] = parsed[1]
    return variables


def parse_assignment(line: str) -> tuple[str, str] | None:
    r"""The name and value of `NAME=value`; None when it is none.

    In single quotes everything stands for itself, in double quotes \n, \t, \r, \" and \\ are escapes; without
    quotes the value ends before ` #`.
    """
    assignment = re.fullmatch(_ASSIGNMENT, line)
    if assignment is None:
        return None
    name, rest = assignment.groups()
    if not rest.startswith(("'", '"')):
        return name, re.sub(_COMMENT, "", rest).strip()
    value = re.fullmatch(_QUOTED, rest)
    if value is None:
        return None
    if value["literal"] is not None:
        return name, value["literal"]
    return name, re.sub(r"\\(.)", lambda match: _ESCAPED.get(match[1], match[1]), value["escaped"])
