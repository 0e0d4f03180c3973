"""Whether what went wrong may pass by itself: the network, a lock, a conflict of transactions, 429 and 5xx.

Everything else fails the second time as well, or worse: a contract's violation, an SQL error, a wrong password.
"""

from __future__ import annotations

import re

from pipeline_cli.errors import Busy, PipelineCliError, causes_of

_STATUSES = frozenset((408, 425, 429, 500, 502, 503, 504))
# SQLSTATE: connections, serialization, deadlock, lock, shutdown and start of the server, too many connections.
_SQL_STATES = r"08...|40001|40P01|55P03|57P0[123]|53300"
# By name: neither requests nor botocore is imported by a run that does not use it.
_TYPES = frozenset(
    {
        "requests.exceptions.ConnectionError",
        "requests.exceptions.Timeout",
        "requests.exceptions.ChunkedEncodingError",
        "urllib3.exceptions.HTTPError",
        "botocore.exceptions.HTTPClientError",
        "aiohttp.client_exceptions.ClientConnectionError",
        "paramiko.ssh_exception.NoValidConnectionsError",
        "google.api_core.exceptions.ServerError",
        "google.api_core.exceptions.TooManyRequests",
    }
)
# What databases, and engines that hand on their words, say.
_WORDS = "|".join(
    (
        r"could not serialize access",
        r"deadlock detected",
        r"deadlock found",
        r"could not obtain lock",
        r"lock wait timeout",
        r"canceling statement due to lock timeout",
        r"transaction conflict",
        r"write-write conflict",
        r"conflict on (update|tuple deletion)",
        r"could not set lock on file",
        r"database( table)? is locked",
        r"server closed the connection unexpectedly",
        r"connection (already |was |is )?(closed|refused|reset|aborted|dropped|timed out)",
        r"connection reset by peer",
        r"lost connection to",
        r"can't connect to .{0,20}server",
        r"timeout expired",
        r"terminating connection due to administrator",
        r"the database system is (starting up|shutting down|in recovery)",
        r"(too many|remaining) (clients|connection)",
        r"temporary failure in name resolution",
        r"could not translate host name",
        r"ssl connection has been closed unexpectedly",
    )
)
_LASTING_WORDS = (
    r"certificate.verify.failed|password authentication failed|syntax error|does not exist"
    r"|(binder|catalog|parser) error"
)


def may_pass(error: BaseException) -> bool:
    """Whether the same step may succeed the next time, by the error and what caused it."""
    chain = list(causes_of(error))
    if any(isinstance(each, PipelineCliError) and _is_lasting(each) for each in chain):
        return False
    if any(re.search(_LASTING_WORDS, str(each), re.IGNORECASE) for each in chain):
        return False
    return any(_passes(each) for each in chain)


def words_may_pass(message: str) -> bool:
    """As may_pass, for what an engine says about a failed model."""
    if re.search(_LASTING_WORDS, message, re.IGNORECASE):
        return False
    return bool(re.search(rf"\b({_WORDS})\b", message, re.IGNORECASE))


def _is_lasting(error: PipelineCliError) -> bool:
    """Checks, contracts and quarantine limits (E4…), what the manifest says (E1…), and an interruption."""
    return not error.transient and not isinstance(error, Busy) and error.code[:2] in ("E4", "E1", "E0")


def _passes(error: BaseException) -> bool:
    if isinstance(error, PipelineCliError):
        return error.transient or isinstance(error, Busy) or words_may_pass(error.message)
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    if {f"{each.__module__}.{each.__qualname__}" for each in type(error).__mro__} & _TYPES:
        return True
    state = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return bool(re.fullmatch(_SQL_STATES, state))
    return _status_of(error) in _STATUSES or words_may_pass(str(error))


def _status_of(error: BaseException) -> int | None:
    """The HTTP status in an error of requests or botocore."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        response = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return response if isinstance(response, int) else None
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None
