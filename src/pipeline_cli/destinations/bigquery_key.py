"""A service account's key: the JSON that Google's console gives, or a file of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline_cli.errors import LoadError

_NEEDED = ("project_id", "client_email", "private_key", "token_uri")
_HINT = (
    "Give the key's JSON, or the path of its file: Google Cloud console, IAM, Service accounts, Keys, JSON."
)


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """text: the whole key as JSON, as dlt reads it. info: the same, decoded."""

    text: str = field(repr=False)
    info: dict[str, Any] = field(repr=False)

    @property
    def private_key(self) -> str:
        return str(self.info["private_key"])

    @property
    def public(self) -> dict[str, Any]:
        """All of it but the private key."""
        return {name: value for name, value in self.info.items() if name != "private_key"}


def read_key(credentials: str, root: Path) -> ServiceKey:
    """The key that `credentials` is, or names; a relative path starts at the project's root.

    Raises LoadError, never showing what it read.
    """
    text = credentials.strip()
    if not text.startswith("{"):
        path = root / Path(text).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise LoadError(f"the key's file {path} cannot be read", code="E322", hint=_HINT) from None
    try:
        info = json.loads(text)
    except ValueError:
        raise LoadError("the BigQuery key is not JSON", code="E322", hint=_HINT) from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise LoadError("the BigQuery key is not that of a service account", code="E322", hint=_HINT)
    missing = [name for name in _NEEDED if not isinstance(info.get(name), str) or not info[name]]
    if missing:
        raise LoadError(f"the BigQuery key lacks {' and '.join(missing)}", code="E322", hint=_HINT)
    return ServiceKey(json.dumps(info), info)
