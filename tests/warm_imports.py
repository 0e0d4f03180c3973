"""What the processes of warm.py have ready when they begin: the engines, with the settings of the command, and all of
our own modules; what dbt makes of its classes when it first needs them."""

import gc
import logging
import os
import pkgutil
import tempfile
from importlib import import_module
from pathlib import Path

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["SQLMESH__DISABLE_ANONYMIZED_ANALYTICS"] = "true"
os.environ["DO_NOT_TRACK"] = "1"
# SQLMesh reads models in processes that it forks: for a dozen models, from a process of this size, that takes longer.
os.environ["MAX_FORK_WORKERS"] = "1"
# SQLMesh settles on it as it is imported, and would take HOME: the command takes the project's state folder.
os.environ["SQLMESH_HOME"] = str(Path(tempfile.gettempdir(), f"sqlmesh-of-tests-{os.getuid()}"))

import pipeline_cli

for name in (
    "dbt.cli.main",
    "dbt.task.build",
    "dbt.task.docs.generate",
    "dbt.adapters.duckdb",
    "dbt.adapters.duckdb.environments.local",
    "dbt.adapters.postgres",
    "dlt.sources.rest_api",
    "dlt.sources.helpers.requests",
    "dlt.destinations.impl.duckdb.duck",
    "dlt.destinations.impl.postgres.postgres",
    "sqlmesh",
    "sqlmesh.magics",
    "sqlmesh.integrations.dlt",
    "sqlalchemy.dialects.sqlite",
    "sqlparse",
    "pandas",
    "pyarrow.dataset",
    "pyarrow.json",
    "pyarrow.parquet",
    "babel.dates",
    "dbt.adapters.duckdb.__version__",
    "dbt_common.clients.agate_helper",
    "dlt.common.libs.pyarrow",
    "faker",
    "filelock",
    "google.protobuf.descriptor_pb2",
    "jsonschema_rs",
    "numpy.rec",
    "pendulum.locales.en.locale",
    "sqlglot.serde",
    "sqlmesh.core.audit.builtin",
    "logging.config",
    "multiprocessing.dummy",
    *(module.name for module in pkgutil.walk_packages(pipeline_cli.__path__, "pipeline_cli.")),
):
    import_module(name)


def _make_schemas() -> None:
    """dbt makes a JSON Schema of each of these once a process: 0.7 s of every `dbt` that a test runs."""
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.artifacts.resources.v1 import components, config, model, source_definition, unit_test_definition
    from dbt.contracts import project, selection
    from dbt.contracts.graph import nodes, unparsed
    from dbt.task.test import TestResultData

    for each in (
        DuckDBCredentials,
        components.Contract,
        config.TestConfig,
        model.ModelConfig,
        source_definition.SourceConfig,
        unit_test_definition.UnitTestConfig,
        nodes.GenericTestNode,
        nodes.ModelNode,
        unparsed.UnparsedModelUpdate,
        unparsed.UnparsedSourceDefinition,
        unparsed.UnparsedUnitTest,
        project.Configuration,
        project.PackageConfig,
        project.ProfileConfig,
        project.Project,
        project.ProjectFlags,
        selection.SelectorFile,
        TestResultData,
    ):
        each.json_schema()


def _read_dbts_macros() -> None:
    """dbt reads 500 macros of its own for each project: a second of every `dbt` that a test runs.

    Its own memory for tests keeps them, for the processes that are forked.
    """
    import dbt.include
    from dbt.clients.jinja_static import statically_extract_macro_calls
    from dbt_common.clients.jinja import BlockTag, extract_toplevel_blocks, parse
    from dbt_common.tests import enable_test_caching

    enable_test_caching()
    kinds = {"macro", "materialization", "test", "data_test"}
    for folder in dbt.include.__path__:
        for file in sorted(Path(folder).glob("*/macros/**/*.sql")):
            for block in extract_toplevel_blocks(
                file.read_text(encoding="utf-8"), allowed_blocks=kinds, collect_raw_data=False
            ):
                if isinstance(block, BlockTag):
                    parse(block.full_block)
                    statically_extract_macro_calls(block.full_block, {})


def _read_fakers_names() -> None:
    """Faker imports its lists of names, megabytes of source, with the first Faker of a language."""
    from faker import Faker

    Faker("en_US")


_make_schemas()
_read_fakers_names()
_read_dbts_macros()
# SQLMesh and dbt give the root logger their handlers as they are imported; a command that does not use them has none.
logging.root.handlers.clear()
logging.root.setLevel(logging.WARNING)
# Looking at all of it for garbage would copy its pages in every process that is forked.
gc.collect()
gc.freeze()
