"""What reaches the terminal: results on stdout, everything else on stderr; one JSON document with --json."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TextIO

import click

from pipeline_cli.cli.settings import Settings
from pipeline_cli.errors import ManifestError, Mistake, PipelineCliError

SCHEMA_VERSION = 1
DEFAULT_WIDTH = 80

# Where the one document goes while stdout is given to stderr; None: stdout itself.
_document_stream: TextIO | None = None


def keep_stdout_for_the_document() -> None:
    """With --json nothing but the document may reach stdout, whatever dbt, SQLMesh or a user's source prints.

    So the file descriptor itself is turned over to stderr, and the document goes to a copy of it.
    """
    global _document_stream
    if _document_stream is None:
        sys.stdout.flush()
        _document_stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)


def print_document(command: str, fields: dict[str, Any]) -> None:
    """Print the one document of --json; schema_version and command come first."""
    print_json({"schema_version": SCHEMA_VERSION, "command": command, **fields})


def print_json(document: dict[str, Any]) -> None:
    """Print one object as JSON on what is really stdout."""
    import json

    stream = _document_stream or sys.stdout
    stream.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")
    stream.flush()


def print_result(settings: Settings, fields: dict[str, Any], lines: Iterable[str]) -> None:
    """Print a verb's result: the document with --json, otherwise the lines."""
    if settings.json:
        print_document(settings.command, fields)
    else:
        for line in lines:
            click.echo(line)


def print_progress(settings: Settings, line: str) -> None:
    """Say what is going on, on stderr, unless --quiet."""
    if not settings.quiet:
        click.echo(line, err=True)


def print_failure(settings: Settings, mistakes: Sequence[Mistake], *, counted: bool = False) -> None:
    """Tell every mistake: for people on stderr, with --json as a document on stdout.

    counted: close with how many there are, which only helps for a manifest's.
    """
    from pipeline_cli.manifest.mistakes import render_mistakes

    text = render_mistakes(mistakes, color=wants_color(sys.stderr), width=terminal_width())
    click.echo(text if counted else text.rpartition("\n\n")[0], err=True)
    if settings.json:
        errors = [{"step": None, **mistake.to_dict()} for mistake in mistakes]
        print_document(settings.command, {"status": "failed", "errors": errors})


def print_error(settings: Settings, error: PipelineCliError) -> int:
    """Tell an expected error, secrets masked, and return its exit code."""
    mistakes = make_presentable(settings, error.mistakes)
    print_failure(settings, mistakes, counted=isinstance(error, ManifestError))
    return error.exit_code


def make_presentable(settings: Settings, mistakes: Iterable[Mistake]) -> list[Mistake]:
    """The mistakes with their secrets masked, and with the environment in the commands of their hints."""
    from pipeline_cli.project import in_environment
    from pipeline_cli.secrets import mask

    return [
        replace(
            mistake,
            message=mask(mistake.message, settings.secrets),
            hint=mistake.hint
            and mask(in_environment(mistake.hint, settings.command_option), settings.secrets),
        )
        for mistake in mistakes
    ]


def wants_color(stream: TextIO) -> bool:
    """Colour only on a terminal that can show it, and never with NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_width() -> int:
    """Columns to write in: the terminal's, at most 100; 80 in a pipe."""
    import shutil

    return min(shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns, 100)


def format_table(
    header: Sequence[str], rows: Sequence[Sequence[Any]], width: int = DEFAULT_WIDTH
) -> list[str]:
    """Rows as aligned columns of at most `width` characters; the last column gives way first.

    header: one title a column. rows: one sequence a row, as many values as titles; None shows as empty.
    """
    cells = [[_flatten(value) for value in row] for row in [header, *rows]]
    widths = _fit([max(len(row[index]) for row in cells) for index in range(len(header))], width)
    return [
        "  ".join(_shorten(cell, room).ljust(room) for cell, room in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _flatten(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _shorten(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


def _fit(widths: list[int], width: int) -> list[int]:
    """Take from the widest column until all fit; none below 8 characters."""
    fitted = list(widths)
    while sum(fitted) + 2 * (len(fitted) - 1) > width and max(fitted) > 8:
        widest = len(fitted) - 1 - fitted[::-1].index(max(fitted))
        fitted[widest] -= 1
    return fitted
