"""A look as metrics in Prometheus' text format: to a file for the node exporter, or to a push gateway."""

from __future__ import annotations

import math
import os
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from pipeline_cli.errors import StepError, UsageError
from pipeline_cli.ledger.observations import SeenLoad
from pipeline_cli.monitoring.findings import CHECKS, Health

TIMEOUT_S = 10.0
JOB = "pipeline_cli"
READABLE = 0o644  # the node exporter is another user

Sample = tuple[Mapping[str, str], float]

# Name, help and value of each gauge that a pipeline has one of; None where there is nothing to tell.
_OF_PIPELINES: tuple[tuple[str, str, Callable[[Health], float | None]], ...] = (
    ("pipeline_well", "1 when nothing is wrong with the pipeline.", lambda h: float(h.is_well)),
    ("pipeline_running", "1 while a run is under way.", lambda h: float(h.status == "running")),
    (
        "pipeline_last_run_success",
        "1 when the newest run that has ended succeeded.",
        lambda h: float(h.ended.is_done) if h.ended else None,
    ),
    (
        "pipeline_last_run_timestamp_seconds",
        "When the newest run that has ended began.",
        lambda h: _seconds(h.ended.started_at) if h.ended else None,
    ),
    (
        "pipeline_last_run_duration_seconds",
        "How long the newest run that has ended took.",
        lambda h: h.ended.duration_s if h.ended else None,
    ),
    (
        "pipeline_usual_duration_seconds",
        "The median of the last successful runs.",
        lambda h: h.usual_duration_s,
    ),
    (
        "pipeline_last_success_timestamp_seconds",
        "When the newest successful run ended.",
        lambda h: _seconds(h.last_success),
    ),
    (
        "pipeline_next_slot_timestamp_seconds",
        "When the pipeline is due next by its schedule.",
        lambda h: _seconds(h.next_slot),
    ),
)


class MetricsError(StepError):
    code = "E382"


def write_text(project: str, environment: str, healths: Sequence[Health], now: datetime) -> str:
    """The metrics as text, format version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
    common = {"project": project, "environment": environment}
    lines: list[str] = []
    for name, doc, samples in _families(healths, now):
        if samples:
            lines += [f"# HELP {JOB}_{name} {_escape_help(doc)}", f"# TYPE {JOB}_{name} gauge"]
            lines += [
                f"{JOB}_{name}{{{_labels({**common, **labels})}}} {_number(value)}"
                for labels, value in samples
            ]
    return "\n".join(lines) + "\n"


def write_metrics(path: Path, text: str) -> None:
    """Put the text in place of the file at once: whoever reads sees all of the old or of the new one."""
    hint = "The folder must be there, and this user must be allowed to write in it."
    temporary = ""
    try:
        # Not *.prom: the node exporter would read it.
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(READABLE)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with suppress(OSError):
                Path(temporary).unlink()
        raise MetricsError(f"{path} cannot be written: {error.strerror}", hint=hint) from error


def push_metrics(url: str, project: str, environment: str, text: str) -> None:
    """Put the metrics in place of what the gateway has of this project and environment. Raises StepError.

    A name and password in the URL go as basic authentication; redirects are not followed.
    """
    import requests

    parts = _split(url)
    host = parts.hostname or ""
    place = parts.netloc.rpartition("@")[2]
    group = f"{_group('project', project)}{_group('environment', environment)}"
    address = urlunsplit((parts.scheme, place, f"{parts.path.rstrip('/')}/metrics/job/{JOB}{group}", "", ""))
    try:
        with requests.Session() as session:
            session.trust_env = False  # neither .netrc nor proxies: only the address that is given
            session.auth = _user(parts)
            answer = session.put(
                address,
                data=text.encode(),
                headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
                timeout=TIMEOUT_S,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        reason = "did not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
        raise MetricsError(f"the push gateway {host} {reason}", hint="Is its address right?") from None
    if not 200 <= answer.status_code < 300:
        said = " ".join(answer.text.split())[:200]
        raise MetricsError(f"the push gateway {host} answered {answer.status_code} {said}".rstrip())


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:  # http://[
        parts = SplitResult("", "", "", "", "")
    if parts.scheme in ("http", "https") and parts.hostname:
        return parts
    raise UsageError(
        "--push-gateway takes an address such as http://localhost:9091.",
        hint="A name and a password may stand before the host: https://me:secret@push.example.com",
    )


def _user(parts: SplitResult) -> tuple[str, str] | None:
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def _families(healths: Sequence[Health], now: datetime) -> Iterator[tuple[str, str, list[Sample]]]:
    yield "monitor_timestamp_seconds", "When the ledger was looked at.", [({}, now.timestamp())]
    for name, doc, value in _OF_PIPELINES:
        numbers = [({"pipeline": health.pipeline}, value(health)) for health in healths]
        yield name, doc, [(labels, number) for labels, number in numbers if number is not None]
    yield "pipeline_findings", "How many things of a kind are wrong.", list(_findings(healths))
    loads = [(_table(health, load), load) for health in healths for load in health.loads]
    ended = [(labels, load.ended_at.timestamp()) for labels, load in loads]
    yield (
        "table_last_load_timestamp_seconds",
        "When the table was last loaded, or found to have nothing new.",
        ended,
    )
    rows: list[Sample] = [
        ({**labels, "outcome": outcome}, float(getattr(load, outcome)))
        for labels, load in loads
        for outcome in ("extracted", "loaded", "quarantined")
    ]
    yield "table_last_load_rows", "Rows of the table's last load.", rows


def _findings(healths: Sequence[Health]) -> Iterator[Sample]:
    """Each check of each pipeline, 0 too: a series that ends looks like one that is well."""
    for health in healths:
        for check in CHECKS:
            count = sum(finding.check == check for finding in health.findings)
            yield {"pipeline": health.pipeline, "check": check}, float(count)


def _table(health: Health, load: SeenLoad) -> Mapping[str, str]:
    return {"pipeline": health.pipeline, "source": load.source, "table": load.resource}


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return "NaN"
    return str(int(value)) if value == int(value) else repr(round(value, 3))


def _group(name: str, value: str) -> str:
    """A label of the gateway's address; base64, so that any name may stand there."""
    return f"/{name}@base64/{urlsafe_b64encode(value.encode()).decode() or '='}"
