"""Plain SQL over a DB-API connection in autocommit: what DuckDB and Postgres share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from pipeline_cli.destinations.base import Fetched, first_line, literal
from pipeline_cli.errors import LoadError

BATCH_ROWS = 10_000

# What may hold a ? or a % that is no placeholder: strings, quoted names, comments, dollar quotes.
_TOKENS = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/
      | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | \?\? | \? | %""",
    re.VERBOSE | re.DOTALL,
)


def to_percent_style(sql: str) -> str:
    """`?` placeholders as psycopg2's `%s`; `??` is a literal question mark, every `%` stays itself.

    Only for statements with parameters: without, the driver takes the text as it is.
    """

    def translate(match: re.Match[str]) -> str:
        token = match.group()
        return {"?": "%s", "??": "?"}.get(token) or token.replace("%", "%%")

    return _TOKENS.sub(translate, sql)


def inline(sql: str, parameters: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """The statement with its values written into it, and no parameters; as it was where a value is of another kind.

    DuckDB's client imports pandas for its first parameter: 0.3 s of a command, 1 s where nothing is compiled.
    """
    written = [_written(value) for value in parameters]
    if None in written:
        return sql, tuple(parameters)
    values = iter(written)

    def write(match: re.Match[str]) -> str:
        found = match.group()
        if found == "?":
            return str(next(values))
        return "?" if found == "??" else found

    return _TOKENS.sub(write, sql), ()


def _written(value: Any) -> str | None:
    """The value as it stands in a statement; None for what is better given as a parameter."""
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        kind = "TIMESTAMP" if value.tzinfo is None else "TIMESTAMPTZ"
        return f"{kind} '{value.isoformat(sep=' ')}'"
    if isinstance(value, str) and "\0" not in value:
        return literal(value)
    return str(value).lower() if isinstance(value, int) else None


class SqlConnection:
    """A Connection (destinations/base.py) over anything with DB-API cursors, set to autocommit."""

    _begin_snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

    def __init__(self, raw: Any, errors: type[Exception], prepare: Callable[[str], str] = str) -> None:
        self._raw = raw
        self._errors = errors
        self._prepare = prepare

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._run(sql, parameters) as cursor:
            return [tuple(row) for row in cursor.fetchall()]

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        with self._run(sql, parameters):
            pass

    @contextmanager
    def fetch(self, sql: str) -> Iterator[Fetched]:
        with self._run(sql, ()) as cursor:
            columns = tuple(str(column[0]) for column in cursor.description)
            yield Fetched(columns, iter(lambda: cursor.fetchmany(BATCH_ROWS), []))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.execute(self._begin_snapshot)
        try:
            yield
        finally:
            with suppress(LoadError):  # a broken connection holds nothing any more
                self.execute("ROLLBACK")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(LoadError):  # a broken connection has rolled back already; the cause matters more
                self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def close(self) -> None:
        self._raw.close()

    @contextmanager
    def _run(self, sql: str, parameters: Sequence[Any]) -> Iterator[Any]:
        try:
            cursor = self._cursor()
        except self._errors as error:  # a connection that the server has closed
            raise self.explain(error) from error
        try:
            # Without parameters psycopg2 leaves every % alone, and must not see ours doubled.
            cursor.execute(self._prepare(sql), list(parameters)) if parameters else cursor.execute(sql)
            yield cursor
        except self._errors as error:
            raise self.explain(error) from error
        finally:
            self._close_cursor(cursor)

    def explain(self, error: BaseException) -> LoadError:
        """What an error of the driver means."""
        return LoadError(first_line(error), code="E323")

    def _cursor(self) -> Any:
        return self._raw.cursor()

    def _close_cursor(self, cursor: Any) -> None:
        cursor.close()


class SameCursorConnection(SqlConnection):
    """For drivers whose cursors are connections with a transaction of their own (DuckDB)."""

    @contextmanager
    def _run(self, sql: str, parameters: Sequence[Any]) -> Iterator[Any]:
        try:
            with super()._run(*inline(sql, parameters)) as cursor:
                yield cursor
        except RuntimeError as error:
            # DuckDB's words for what a signal's handler has raised: KeyboardInterrupt where it was Ctrl-C.
            if str(error) == "Query interrupted" and error.__cause__ is not None:
                self._raw.interrupt()  # its threads go on, and whatever comes next would wait for them
                raise error.__cause__ from None
            raise

    _begin_snapshot = "BEGIN TRANSACTION READ ONLY"  # a transaction sees one state anyway

    def _cursor(self) -> Any:
        return self._raw

    def _close_cursor(self, cursor: Any) -> None:
        """Nothing: it is the connection."""
