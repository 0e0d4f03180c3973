"""The command `pipeline-cli`: one module a verb, each of them parse, call, print."""

from __future__ import annotations

from pipeline_cli.cli.app import main

__all__ = ["main"]
