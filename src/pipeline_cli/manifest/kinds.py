"""Which dataclass an entry's `type` stands for. One more warehouse is one more module and one line here."""

from __future__ import annotations

from importlib import import_module

KINDS: dict[str, dict[str, str]] = {
    "sources": {
        "rest_api": "pipeline_cli.manifest.sources:RestApiSource",
        "python": "pipeline_cli.manifest.sources:PythonSource",
    },
    "destinations": {
        "duckdb": "pipeline_cli.destinations.duckdb:DuckDBDestination",
        "postgres": "pipeline_cli.destinations.postgres:PostgresDestination",
    },
}


def load_kind(section: str, type_name: str) -> type:
    """The dataclass for entries of `section` with this `type`; imported only when one is used."""
    module, _, attribute = KINDS[section][type_name].partition(":")
    found: type = getattr(import_module(module), attribute)
    return found
