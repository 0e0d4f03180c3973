"""What the processes of warm.py have imported when they begin: the engines, with the settings of the command."""

import logging
import os
import tempfile
from importlib import import_module
from pathlib import Path

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["SQLMESH__DISABLE_ANONYMIZED_ANALYTICS"] = "true"
os.environ["DO_NOT_TRACK"] = "1"
# SQLMesh settles on it as it is imported, and would take HOME: the command takes the project's state folder.
os.environ["SQLMESH_HOME"] = str(Path(tempfile.gettempdir(), f"sqlmesh-of-tests-{os.getuid()}"))

for name in (
    "dbt.cli.main",
    "dbt.adapters.duckdb",
    "dbt.adapters.postgres",
    "dlt.sources.rest_api",
    "sqlmesh",
    "pandas",
    "pipeline_cli.run",
):
    import_module(name)

# SQLMesh and dbt give the root logger their handlers as they are imported; a command that does not use them has none.
logging.root.handlers.clear()
logging.root.setLevel(logging.WARNING)
