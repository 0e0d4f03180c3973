"""A run in a process of its own, to be stopped from outside: python -m tests.unit.run.child ROOT PHASE.

PHASE: the step in which it says "ready" and waits: ingest, deaf (an ingest that does not look whether it was
cancelled), transform, loaded (the ingest is committed, its ledger row is not).
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from pipeline_cli.load import IngestRequest
from pipeline_cli.run import exit_code
from tests.unit.run.world import Loader, make_world


def wait_for_the_end() -> None:
    print("ready", flush=True)
    time.sleep(60)


def main() -> None:
    root, phase = Path(sys.argv[1]), sys.argv[2]
    world = make_world(root)
    world.loader.news["api"] = 3

    def wait_until_cancelled(request: IngestRequest) -> None:
        print("ready", flush=True)
        request.cancelled.wait(60)
        raise RuntimeError("stopped between two pages")

    def commit_and_wait(request: IngestRequest) -> None:
        Loader.commit(request, "bronze_api", "1800000000.5")
        wait_for_the_end()

    if phase == "transform":
        world.engine.during["transform:marts"] = lambda _: wait_for_the_end()
    else:
        acts = {
            "ingest": wait_until_cancelled,
            "deaf": lambda _: wait_for_the_end(),
            "loaded": commit_and_wait,
        }
        world.loader.during["api"] = acts[phase]
    code = exit_code(world.run())
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
