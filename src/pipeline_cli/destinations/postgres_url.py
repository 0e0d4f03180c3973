"""A Postgres address: taken apart once, for drivers that want its parts; and why one was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pipeline_cli.destinations.base import first_line
from pipeline_cli.errors import LoadError

_SHAPE = "postgresql://user:password@host:5432/database"
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")
CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """text: the whole address with the password, as libpq and dlt read it. host: a name, or a folder."""

    text: str = field(repr=False)
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    options: dict[str, str]

    @property
    def location(self) -> str:
        """Where it is, for people: no user, no password."""
        return f"{self.host}:{self.port}/{self.database}"

    @property
    def connect_timeout_s(self) -> int:
        return int(self.options.get("connect_timeout", CONNECT_TIMEOUT_S))


def parse_url(text: str) -> PostgresUrl:
    """Take an address apart. A query parameter (`?host=/run/postgresql`) wins over its part of the address.

    Raises LoadError, never showing the address, when it is none or lacks a part that dlt or dbt needs.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        host = options.pop("host", "") or unquote(parts.hostname or "")
        found = {
            "host": host,
            "user": options.pop("user", "") or unquote(parts.username or ""),
            "password": options.pop("password", "") or unquote(parts.password or ""),
            "database": options.pop("dbname", "") or unquote(parts.path.lstrip("/")),
        }
        number = int(options.pop("port", "") or port or 5432)
        int(options.get("connect_timeout", CONNECT_TIMEOUT_S))
    except ValueError:
        raise _refuse(
            "it cannot be read; special characters in the password must be percent-encoded"
        ) from None
    if parts.scheme not in _SCHEMES:
        raise _refuse("it does not begin with postgresql://")
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise _refuse(f"it lacks {' and '.join(missing)}")
    return PostgresUrl(_spell(found, number, options), port=number, options=options, **found)


def _refuse(why: str) -> LoadError:
    return LoadError(
        f"the Postgres credentials are not usable: {why}", code="E322", hint=f"Its shape is {_SHAPE}"
    )


def _spell(parts: dict[str, str], port: int, options: dict[str, str]) -> str:
    """One address that libpq, dlt and SQLAlchemy read alike; a socket's folder goes into the query."""
    socket = parts["host"].startswith("/")
    query = {
        **({"host": parts["host"]} if socket else {}),
        "connect_timeout": str(CONNECT_TIMEOUT_S),
        **options,
    }
    rest = "&".join(f"{name}={quote(value, safe='/')}" for name, value in query.items())
    user, password, database = (quote(parts[name], safe="") for name in ("user", "password", "database"))
    return (
        f"postgresql://{user}:{password}@{'localhost' if socket else parts['host']}:{port}/{database}?{rest}"
    )


_REASONS = (
    (
        "password authentication failed",
        "refuses the user or the password",
        "Check the user and password of the address.",
    ),
    (
        "no pg_hba.conf entry",
        "does not let this machine in",
        "Its pg_hba.conf must list this machine, user and database.",
    ),
    ("role", "does not know the user", "Create the user, or correct the address."),
    ("database", "has no such database", "Create it (CREATE DATABASE …), or correct the address."),
    ("Connection refused", "is not answering", "Start the server, or correct host and port of the address."),
    (
        "No such file or directory",
        "is not answering",
        "Start the server, or correct the socket's folder (host=…).",
    ),
    ("could not translate host name", "has no such host", "Correct the host of the address."),
    (
        "timeout expired",
        "did not answer in time",
        "Check the network, or raise connect_timeout in the address.",
    ),
    ("too many clients", "has no connection left", "Try again later, or raise the server's max_connections."),
    ("starting up", "is starting up", "Try again in a moment."),
    ("shutting down", "is shutting down", "Start the server again."),
    ("SSL", "and this machine agree on no encryption", "Check sslmode in the address."),
)


def explain_refusal(error: Exception, url: PostgresUrl) -> LoadError:
    """What a failed connect means, without the password."""
    text = str(error)
    for sign, meaning, hint in _REASONS:
        known = (
            f'{sign} "' in text and "does not exist" in text if sign in ("role", "database") else sign in text
        )
        if known:
            return LoadError(f"Postgres at {url.location} {meaning}", code="E321", hint=hint)
    safe = first_line(error).replace(url.password, "***")
    return LoadError(f"Postgres at {url.location} cannot be reached: {safe}", code="E321")
