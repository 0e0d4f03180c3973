"""What names may be: they become folders, datasets, schemas and tables, in every warehouse."""

from __future__ import annotations

import re

# By what the keys of a map name (`models.key(names=…)`). No `__`, which separates a table from its child
# tables, and no `_` at an entry's end, which dlt's naming would turn into an x.
PATTERNS = {
    "entries": "(?!.{41})[a-z](?:_?[a-z0-9])*",
    "resources": "(?!.*__)[A-Za-z][A-Za-z0-9_]{0,59}",
}
_HINTS = {
    "entries": "Begin with a small letter; then small letters, digits and single _, at most 40 in all.",
    "resources": "Begin with a letter; then letters, digits and single _, at most 60 in all.",
}
_BREAK_1 = r"([^_])([A-Z][a-z]+)"
_BREAK_2 = r"([a-z0-9])([A-Z])"


def check_name(name: str, kind: str) -> tuple[str, str] | None:
    """Why `name` cannot name one of the "entries" or "resources", as (reason, hint); None when it can."""
    if re.fullmatch(PATTERNS[kind], name):
        return None
    if name.startswith("_"):
        return "is reserved: names that begin with _ are dlt's and ours.", _HINTS[kind]
    if "__" in name:
        return "is reserved: __ separates a table from its child tables.", _HINTS[kind]
    return "cannot be a name here.", _HINTS[kind]


def table_name(resource: str) -> str:
    """The table that dlt's snake_case naming makes of a resource's name: userId and UserID are user_id."""
    broken = resource
    if broken != broken.lower():
        broken = re.sub(_BREAK_2, r"\1_\2", re.sub(_BREAK_1, r"\1_\2", broken)).lower()
    stripped = broken.rstrip("_")
    table = stripped + "x" * (len(broken) - len(stripped))
    return re.sub("_+", "_", table) if "__" in table else table
