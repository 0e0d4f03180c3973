"""What dlt takes from SQLAlchemy, whose import is a seventh of a run with nothing new.

By dlt's copy of these two, which serves where SQLAlchemy is not installed. It knows nothing of escapes in a database's
name; where there could be one, SQLAlchemy is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9_./ +-]*")  # written as it stands


def make_url(address: Any) -> Any:
    """The parts of a database's address, as SQLAlchemy's function of this name finds them."""
    if isinstance(address, str) and "%" not in address:
        from dlt.common.libs import sql_alchemy_shims

        return sql_alchemy_shims.make_url(address)
    from sqlalchemy import engine

    return engine.make_url(address)


class URL:
    """Stands for SQLAlchemy's class of this name, of which dlt uses this alone."""

    @staticmethod
    def create(
        drivername: str,
        username: str | None = None,
        password: str | None = None,
        host: str | None = None,
        port: int | None = None,
        database: str | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """An address of these parts."""
        parts = (drivername, username, password, host, port, database, query or {})
        if _PLAIN.fullmatch(database or ""):
            from dlt.common.libs import sql_alchemy_shims

            return sql_alchemy_shims.URL.create(*parts)
        from sqlalchemy import engine

        return engine.URL.create(*parts)
