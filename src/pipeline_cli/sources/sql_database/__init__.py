"""Tables and queries of a database, read as columns in constant memory, all from one snapshot.

address.py   which database; backend.py: what each kind gives (postgres, sqlite, duckdb_file, alchemy)
cursor.py    conditions of an incremental reading; bookmark.py: how far it came; plan.py: what one reading takes
resource.py  a table or query as scans
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline_cli.project import Project
    from pipeline_cli.sources.scan import ColumnSource


def open_database(project: Project, name: str) -> ColumnSource:
    """The source of a sql_database entry; nothing is connected before its scans are asked for."""
    from pipeline_cli.contracts.contract import Contract
    from pipeline_cli.sources.scan import ColumnSource
    from pipeline_cli.sources.sql_database.address import parse_address
    from pipeline_cli.sources.sql_database.resource import Connections, TableResource

    entry = project.manifest.sources[name]
    connections = Connections(lambda: parse_address(project, entry.credentials))
    resources = [
        TableResource(
            name,
            resource,
            entry.schema,
            hints,
            Contract.read(project.resolve(hints.contract), hints.contract) if hints.contract else None,
            connections,
        )
        for resource, hints in entry.resources.items()
    ]
    return ColumnSource(name, resources, session=connections.session)
