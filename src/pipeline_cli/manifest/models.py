"""The manifest's shape: one frozen dataclass a section entry.

The reader builds these, the JSON Schema is derived from them, and everything else only reads them. They are
plain dataclasses and not pydantic models: `import pydantic` with a first BaseModel costs 145 ms compiled,
more than the whole budget of `validate` (8 times `python -c pass`, about 95 ms).

Types stand for their YAML: `timedelta` is a duration ("30m", "1d"), `Limit` a count or a share ("1%"),
`tuple[str, ...]` a list or a single string. `key()` adds what a type cannot say.

No `from __future__ import annotations` here and in sources.py, as keys.py says.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pipeline_cli.manifest.alerts import Alert
from pipeline_cli.manifest.keys import entry, key
from pipeline_cli.manifest.limits import Limit
from pipeline_cli.manifest.monitors import Monitor
from pipeline_cli.manifest.reports import Report
from pipeline_cli.manifest.retention import Retention
from pipeline_cli.manifest.retries import Retries
from pipeline_cli.manifest.schedules import Schedule

OPENLINEAGE = "openlineage"

__all__ = [
    "OPENLINEAGE",
    "Alert",
    "Environment",
    "Limit",
    "Manifest",
    "Monitor",
    "Pipeline",
    "Plugin",
    "Report",
    "Transform",
    "entry",
    "key",
]


@entry
class Environment:
    destination: str = key(
        "The destination that runs in this environment load into; a copy has that of its original.",
        default="",
        refers_to="destinations",
    )
    copy_of: str | None = key(
        "The environment that this one is a cheap copy of: it reads the same loaded tables, and builds only the models"
        " that are different, in schemas with this environment's name behind theirs.",
        default=None,
        refers_to="environments",
    )
    replay: bool = key(
        "Answer API requests from the recordings in the project instead of the network.", default=False
    )
    protected: bool = key(
        "Ask for --yes before anything is rebuilt from nothing here, and run only changes that an applied plan holds.",
        default=False,
    )
    variables: Mapping[str, Any] = key(
        "Variables of every transform here, in the place of its own of the same name.", default={}
    )
    schedules: Mapping[str, Schedule | str | None] = key(
        "When pipelines run here, in the place of their own schedule; null: not by themselves.", default={}
    )
    state: str | None = key(
        "Where the ledger is kept: postgresql://USER:PASSWORD@HOST/DATABASE, or sqlite:/// and a file; "
        "by default SQLite in .pipeline/runs.db.",
        default=None,
        secret=True,
    )


@entry
class Transform:
    engine: Literal["sqlmesh", "dbt"] = key("The engine that the transform's project is written for.")
    path: str = key("The folder of the dbt or SQLMesh project.", path="folder")
    variables: Mapping[str, Any] = key(
        "Variables given to the engine (dbt vars, SQLMesh variables).", default={}
    )
    retries: Retries | None = key(
        "How its steps are tried again; by default as the pipeline's.", default=None
    )


@entry
class Plugin:
    """A plugin's options: free keys, read by the plugin itself (`plugins/<name>.py`)."""

    options: Mapping[str, Any] = key("The plugin's own options.", default={}, rest=True)
    timeout: timedelta = key(
        "How long one call of the plugin may take.", default=timedelta(seconds=30), minimum=0.001
    )


@entry
class Pipeline:
    sources: tuple[str, ...] = key("The sources to ingest.", default=(), refers_to="sources")
    transforms: tuple[str, ...] = key(
        "The transforms to run, in this order.", default=(), refers_to="transforms"
    )
    reports: tuple[str, ...] = key(
        "The reports to write once every test has passed.", default=(), refers_to="reports"
    )
    alerts: tuple[Alert, ...] = key("What is told about its runs, and to whom.", default=())
    description: str | None = key("What this pipeline is for.", default=None)
    retries: Retries | None = key(
        "How steps that fail for a passing reason are tried again; by default they are not.", default=None
    )
    schedule: Schedule | str | None = key(
        'When `schedule run` runs it: cron\'s five fields or "@daily", or a map with a time zone.',
        default=None,
    )
    service_level: timedelta | None = key(
        "How long after its slot (without a schedule: after its beginning) a run must have succeeded.",
        default=None,
        minimum=1,
    )
    monitor: Monitor | None = key(
        "From when on `monitor` says that it is not well; what is not said here, the manifest's `monitor` says.",
        default=None,
    )


@entry
class Manifest:
    """pipelines.yaml and its section files, read and checked."""

    version: Literal[1] = key("The manifest's version.")
    name: str = key("The project's name.")
    default_environment: str = key("The environment of commands without --env.", refers_to="environments")
    environments: Mapping[str, Environment] = key("Where pipelines run.", names="entries")
    destinations: Mapping[str, Any] = key(
        "Databases to load into, by name; the type decides the keys.", names="entries", kinds="destinations"
    )
    pipelines: Mapping[str, Pipeline] = key("What runs together, by name.", names="entries")
    sources: Mapping[str, Any] = key(
        "Where records come from, by name; the type decides the keys.",
        default={},
        names="entries",
        kinds="sources",
    )
    transforms: Mapping[str, Transform] = key(
        "dbt and SQLMesh projects, by name.", default={}, names="entries"
    )
    reports: Mapping[str, Report] = key(
        "Pages of figures, charts and tables, by name.", default={}, names="entries"
    )
    # Channels (channels.py), OpenLineage (openlineage.py) and the options of the project's own plugins (Plugin).
    plugins: Mapping[str, Plugin] = key(
        "Channels for alerts, OpenLineage, and options for the project's own plugins, by name.",
        default={},
        names="entries",
        named="plugins",
    )

    monitor: Monitor | None = key(
        "Thresholds of `monitor` for every pipeline; a pipeline's own go before them, key by key.",
        default=None,
    )
    retention: Retention = key("How long the ledger keeps what is over.", default=Retention())

    @property
    def own_plugins(self) -> Mapping[str, Plugin]:
        """The entries of `plugins` that are none of ours."""
        return {name: each for name, each in self.plugins.items() if isinstance(each, Plugin)}

    @property
    def channels(self) -> Mapping[str, Any]:
        """The entries of `plugins` that are channels."""
        return {name: each for name, each in self._built_in.items() if each.type != OPENLINEAGE}

    @property
    def lineage_receivers(self) -> Mapping[str, Any]:
        """The entries of `plugins` that OpenLineage events go to."""
        return {name: each for name, each in self._built_in.items() if each.type == OPENLINEAGE}

    @property
    def _built_in(self) -> Mapping[str, Any]:
        return {name: each for name, each in self.plugins.items() if not isinstance(each, Plugin)}
