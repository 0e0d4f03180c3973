"""The command `pipeline-cli`: one module a verb, each of them parse, call, print."""

from __future__ import annotations

import gc
from typing import NoReturn

# Objects between two garbage collections (Python's default is 700). Importing makes objects by the ten thousand
# and no garbage: collecting among them took 18% of `validate`, and at 50,000 still 4% of a run with nothing new.
GC_THRESHOLD = 500_000


def main() -> NoReturn:
    """Run the command and leave with its exit code (errors.py)."""
    gc.set_threshold(GC_THRESHOLD)
    from pipeline_cli.cli.app import main as run

    run()
