"""dlt's exceptions, in a sentence: who refused what, and what to do."""

from __future__ import annotations

import re

from pipeline_cli.errors import LoadError, PipelineCliError, SourceError, StepError
from pipeline_cli.machine import MachineError, explain_refusal

_LENGTH = 300


def translate(error: BaseException, source: str, location: str) -> PipelineCliError:
    """The error that a user sees for whatever dlt raised.

    An error of ours that dlt wrapped comes out as it went in; an extraction's is the source's, a load's the
    destination's. What is neither stays what it is: a StepError that names its type.
    """
    chain = list(_causes(error))
    for each in chain:
        if isinstance(each, PipelineCliError):
            return each
    root = chain[-1]
    step = next((getattr(each, "step", None) for each in chain if hasattr(each, "step")), None)
    refused = explain_refusal(root)
    # A source may have files of its own that it must not read.
    if refused is not None and not (step == "extract" and isinstance(root, PermissionError)):
        return MachineError(f"{source}: {refused.message}", code=refused.code, hint=str(refused.hint))
    sentence = _sentence(root)
    if step in ("sync", "load", "normalize") or type(root).__module__.split(".")[0] in (
        "duckdb",
        "psycopg2",
        "_duckdb",
    ):
        return LoadError(
            f"{source}: {location} refused the {'connection' if step == 'sync' else 'load'}: {sentence}",
            hint=_load_hint(sentence, source),
        )
    if step == "extract":
        return SourceError(
            f"{source}: {_where(chain)}{sentence}",
            hint="Nothing is lost: the cursor has not moved. Mend the source, then run again.",
        )
    return StepError(f"{source}: {sentence}")


def _load_hint(sentence: str, source: str) -> str:
    if re.search(r"(relation|table|column) .*does not exist|does not have a column", sentence, re.IGNORECASE):
        return f"bronze_{source} was altered by hand. Rebuild it: pipeline-cli run --full-refresh"
    return "What was loaded before stays; run again, or look into it with: pipeline-cli doctor"


def _causes(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        # Of what a user's code raised only the causes: its context may be any error that it dealt with before.
        is_dlts = type(current).__module__.startswith("dlt.")
        current = current.__cause__ or (current.__context__ if is_dlts else None)
    return chain


def _where(chain: list[BaseException]) -> str:
    names = [getattr(each, "pipe_name", None) for each in chain]
    name = next((each for each in names if each), None)
    return f"resource {name}: " if name else ""


def _sentence(error: BaseException) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip()
    shown = text if len(text) <= _LENGTH else text[: _LENGTH - 1] + "…"
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__
