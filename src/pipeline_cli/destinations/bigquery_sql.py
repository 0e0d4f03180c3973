"""Plain SQL on BigQuery: our statements, which DuckDB and Postgres understand, in its dialect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn

from pipeline_cli.destinations.base import Fetched, first_line
from pipeline_cli.destinations.sql import inline
from pipeline_cli.errors import LoadError

_REASONS = (
    ("invalid_grant", "refuses the key", "The key was revoked, or this machine's clock is wrong."),
    (
        "Access Denied",
        "does not let the service account in",
        "It needs the roles BigQuery Data Editor and Job User.",
    ),
    ("Not found: Project", "has no such project", "Correct `project` of the destination."),
    ("NameResolutionError", "cannot be reached", "Check the network."),
    ("ConnectionError", "cannot be reached", "Check the network."),
)


def to_bigquery(sql: str, parameters: Sequence[Any] = ()) -> str:
    """A statement with its values written into it, in BigQuery's dialect."""
    import sqlglot

    texts = [value if value is None or isinstance(value, (str, int)) else str(value) for value in parameters]
    (statement,) = sqlglot.transpile(inline(sql, texts)[0], read="postgres", write="bigquery")
    return str(statement)


class BigQueryConnection:
    """A Connection (destinations/base.py) over Google's client. What is written in a transaction goes at its end,
    as one script; tables are made at once, for BigQuery makes none in a transaction."""

    def __init__(self, client: Any, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._script: list[str] | None = None

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self._run(to_bigquery(sql, parameters))]

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        statement = to_bigquery(sql, parameters)
        if self._script is None or statement.startswith("CREATE "):
            self._run(statement)
        else:
            self._script.append(statement)

    def fetch(self, sql: str) -> AbstractContextManager[Fetched]:
        _refuse_reports()

    def snapshot(self) -> AbstractContextManager[None]:
        _refuse_reports()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._script = []
        try:
            yield
            if self._script:
                self._run(";\n".join(["BEGIN TRANSACTION", *self._script, "COMMIT TRANSACTION"]))
        finally:
            self._script = None

    def close(self) -> None:
        self._client.close()

    def _run(self, statement: str) -> Any:
        from google.cloud.bigquery import DEFAULT_RETRY

        retry = DEFAULT_RETRY.with_timeout(self._timeout_s)
        with translated_errors():
            return self._client.query(
                statement, retry=retry, timeout=self._timeout_s, job_retry=None
            ).result()


@contextmanager
def translated_errors(spare: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Google's errors as LoadError; `spare` is left as it is."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except spare:
        raise
    except (GoogleAPIError, GoogleAuthError, RequestException) as error:
        text = f"{type(error).__name__}: {error}"
        for sign, meaning, hint in _REASONS:
            if sign in text:
                raise LoadError(f"BigQuery {meaning}", code="E321", hint=hint) from error
        raise LoadError(f"BigQuery: {first_line(error)}", code="E323") from error


def _refuse_reports() -> NoReturn:
    raise LoadError(
        "reports are not written from BigQuery yet",
        code="E327",
        hint="Write them from an environment on DuckDB or Postgres.",
    )
