"""Entries of `plugins` that are told of runs, steps and lineage as OpenLineage events. An entry named `openlineage`
is one, and so is one of any name whose `type` says so.

No `from __future__ import annotations` here, as keys.py says.
"""

from datetime import timedelta
from typing import Literal

from pipeline_cli.manifest.keys import entry, key


@entry
class OpenLineage:
    """Events for what reads OpenLineage (Marquez, DataHub): over HTTP, or into a file."""

    type: Literal["openlineage"] = key("OpenLineage.", default="openlineage")
    url: str | None = key("The server, http://marquez:5000 say.", default=None, url=True)
    endpoint: str = key("What is added to url.", default="api/v1/lineage")
    token: str | None = key("Sent as a bearer token.", default=None, secret=True)
    file: str | None = key(
        "Instead of url, a file that gets a line of JSON an event; a relative path is inside the environment's state.",
        default=None,
        path="data",
    )
    namespace: str | None = key("The jobs' namespace; by default <project>/<environment>.", default=None)
    timeout: timedelta = key(
        "How long one event may take to be taken.", default=timedelta(seconds=5), minimum=0.001
    )
    deadline: timedelta = key(
        "How long a run waits at its end for events that have not arrived.",
        default=timedelta(seconds=10),
        minimum=0.001,
    )
