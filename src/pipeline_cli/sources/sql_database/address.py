"""A database's address: which kind it is, and how people are told of it. The password is in `url` alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.paths import check_path
from pipeline_cli.project import Project

BAD_ADDRESS, UNREACHABLE, LOGIN, NO_DATABASE = "E370", "E371", "E372", "E373"
NO_TABLE, NO_PERMISSION, BAD_QUERY, BAD_CURSOR = "E374", "E375", "E376", "E377"

Kind = Literal["postgres", "duckdb", "sqlite", "other"]
_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg2")
_SHAPES = "postgresql://user:password@host/database, mysql+pymysql://…, sqlite:///FILE or duckdb:///FILE"


@dataclass(frozen=True, slots=True)
class Address:
    """shown: for messages, no user and no password. path: of a database file."""

    kind: Kind
    url: str = field(repr=False)
    shown: str
    path: Path | None = None


def parse_address(project: Project, credentials: str) -> Address:
    """What kind of database it is. Raises SourceError, never showing the address, when it is none."""
    scheme, found, rest = credentials.strip().partition("://")
    if not found or not rest:
        raise _refuse("it is no URL")
    if scheme in ("duckdb", "sqlite", "sqlite+pysqlite"):
        return _file(project, "duckdb" if scheme == "duckdb" else "sqlite", rest)
    if scheme in _POSTGRES:
        return _postgres(credentials)
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        url = make_url(credentials.strip())
        url.get_dialect()
    except (SQLAlchemyError, ValueError):
        raise _refuse("SQLAlchemy knows no such database, or cannot read it") from None
    shown = f"{url.host or 'localhost'}{f':{url.port}' if url.port else ''}/{url.database or ''}"
    return Address("other", credentials.strip(), shown)


def _file(project: Project, kind: Kind, rest: str) -> Address:
    text = rest.removeprefix("/").partition("?")[0]
    refused = check_path(project.root, text, "data")
    if not rest.startswith("/") or refused:
        raise _refuse(f"{text!r} {refused[1] if refused else 'needs three slashes before it'}".rstrip("."))
    path = project.resolve(text)
    if not path.is_file():
        raise SourceError(
            f"the database file {text} does not exist.",
            code=NO_DATABASE,
            hint="Check credentials; a relative path begins at the folder of pipelines.yaml.",
        )
    return Address(kind, credentials_of(path), text, path)


def credentials_of(path: Path) -> str:
    return str(path.absolute())


def _postgres(credentials: str) -> Address:
    from pipeline_cli.destinations.postgres_url import parse_url
    from pipeline_cli.errors import LoadError

    try:
        url = parse_url(credentials)
    except LoadError as error:
        raise SourceError(error.message, code=BAD_ADDRESS, hint=error.hint) from None
    return Address("postgres", url.text, url.location)


def _refuse(why: str) -> SourceError:
    return SourceError(
        f"the database's credentials are not usable: {why}.",
        code=BAD_ADDRESS,
        hint=f"Its shape is {_SHAPES}.",
    )
