"""The command `pipeline-cli`: one module a verb, each of them parse, call, print."""

from __future__ import annotations

from typing import NoReturn

from pipeline_cli.garbage import collect_seldom


def main() -> NoReturn:
    """Run the command and leave with its exit code (errors.py)."""
    collect_seldom()
    from pipeline_cli.cli.app import main as run

    run()
