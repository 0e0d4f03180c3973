"""Views of others on what a dbt build replaces: on Postgres they would go with the table.

dbt builds a table beside the old one, renames both, and drops the old one with CASCADE. A copy of the environment, or
a dashboard, may have a view on it. What is gone at the end of a build is put back before it commits, on the new table.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from pipeline_cli.destinations.base import Warehouse, quote
from pipeline_cli.transforms.described import TableName

# A materialized view has indexes, too, and may take hours: it is told, and not made again.
_VIEWS = (
    "SELECT schemaname, viewname, definition FROM pg_views"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    " UNION ALL SELECT schemaname, matviewname, NULL FROM pg_matviews"
)
_GRANTS = (
    "SELECT table_schema, table_name, grantee, privilege_type FROM information_schema.table_privileges"
    " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND grantee <> current_user"
)


@dataclass(frozen=True, slots=True)
class DependentViews:
    """The views of a database before a build, and who may do what with them."""

    definitions: Mapping[TableName, str | None]
    grants: Mapping[TableName, list[tuple[str, str]]]

    def put_back(self, connection: Any) -> list[str]:
        """Make again the views that are gone; returns those that stay so: they do not fit what was built.

        connection: a driver's, inside the build's transaction.
        """
        cursor = connection.cursor()
        left = self._gone(cursor)
        while left:
            stuck = [table for table in left if not self._make(cursor, table)]
            if len(stuck) == len(left):  # each may stand on another one
                break
            left = stuck
        return [".".join(table) for table in left]

    def _gone(self, cursor: Any) -> list[TableName]:
        cursor.execute(
            "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        )
        there = {(str(schema), str(name)) for schema, name in cursor.fetchall()}
        return [table for table in self.definitions if table not in there]

    def _make(self, cursor: Any, table: TableName) -> bool:
        definition = self.definitions[table]
        if definition is None:
            return False
        cursor.execute("SAVEPOINT pipeline_cli_view")
        try:
            cursor.execute(f"CREATE VIEW {quote(*table)} AS {definition}")
            for grantee, privilege in self.grants.get(table, ()):
                to = "PUBLIC" if grantee == "PUBLIC" else quote(grantee)
                cursor.execute(f"GRANT {privilege} ON {quote(*table)} TO {to}")
        except Exception:  # of the driver, which is not imported here
            cursor.execute("ROLLBACK TO SAVEPOINT pipeline_cli_view")
            return False
        cursor.execute("RELEASE SAVEPOINT pipeline_cli_view")
        return True


def read_dependent_views(warehouse: Warehouse) -> DependentViews | None:
    """The database's views; None where a table can be replaced below them (all but Postgres)."""
    if warehouse.type != "postgres":
        return None
    grants: dict[TableName, list[tuple[str, str]]] = {}
    with closing(warehouse.connect()) as connection:
        definitions = {(schema, name): text for schema, name, text in connection.query(_VIEWS)}
        for schema, name, grantee, privilege in connection.query(_GRANTS) if definitions else ():
            grants.setdefault((schema, name), []).append((grantee, privilege))
    return DependentViews(definitions, grants)
