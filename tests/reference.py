"""The reference project, run once a test session on DuckDB and shared by all workers; each test copies it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline_cli.scaffold import copy_scaffold
from pipeline_cli.testing import run_cli
from tests.servers.json_api import Answer, JsonApi

LINEAGE_PATH = "/api/v1/lineage"
EVENTS = "events.jsonl"  # what the OpenLineage receiver was sent, an event a line
RUN_DOCUMENT = "run.json"
SECOND_RUN_DOCUMENT = "second_run.json"  # of a run right after it, of which nothing else is left
# Seven records that break the contract, some of whose values would be markup.
BAD_ORDERS = """\
order_id,user_id,ordered_at,status,items,amount
9001,abc,2026-01-05T10:00:00+00:00,paid,1,10.00
9002,1,2026-01-05T10:00:00+00:00,lost,1,10.00
9003,1,2026-13-05T10:00:00+00:00,paid,-1,10.00
9004,1,2026-01-05T10:00:00+00:00,paid,1,-4
9005,1,2026-01-05T10:00:00+00:00,paid
9006,1,2026-01-05T10:00:00+00:00,"<script>alert('status')</script>",1,10.00
"""
BAD_USERS = """\
user_id,name,email,city,country,signed_up_at
x1,"<img src=x onerror=alert('name')>",nobody,Rome,Italy,2026-01-05T10:00:00+00:00
"""


def build_reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's folder after a run of everything. Not to be written into: copy it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    project = shared / "reference"
    with FileLock(shared / "reference.lock"):
        if not (project / "done").exists():
            shutil.rmtree(project, ignore_errors=True)
            copy_scaffold(project)
            (project / "sources/customer_360/orders_2.csv").write_text(BAD_ORDERS, encoding="utf-8")
            (project / "sources/customer_360/users_2.csv").write_text(BAD_USERS, encoding="utf-8")
            with JsonApi(
                {LINEAGE_PATH: lambda _: Answer({}, status=201)}, token="of-the-receiver"
            ) as receiver:
                env = {"OPENLINEAGE_URL": receiver.url, "OPENLINEAGE_TOKEN": "of-the-receiver"}
                result = run_cli(["run", "--json"], cwd=project, env=env)
            assert result.exit_code == 0, result.stdout + result.stderr
            (project / RUN_DOCUMENT).write_text(result.stdout, encoding="utf-8")
            (project / EVENTS).write_bytes(b"\n".join(request.body for request in receiver.requests))
            (project / SECOND_RUN_DOCUMENT).write_text(_run_again(project), encoding="utf-8")
            (project / "done").touch()
    return project


def _run_again(project: Path) -> str:
    """The document of a second run; the project is as it was before. Another folder would be another project."""
    kept = project.with_name("kept")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(project, kept, symlinks=True)
    result = run_cli(["run", "--json"], cwd=project)
    assert result.exit_code == 0, result.stdout + result.stderr
    shutil.rmtree(project)
    kept.rename(project)
    return result.stdout


@pytest.fixture(scope="session")
def built_reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_reference(tmp_path_factory)


@pytest.fixture
def copy_reference(built_reference: Path, tmp_path: Path) -> Callable[[], Path]:
    """A factory of copies to write into."""

    def copy() -> Path:
        target = tmp_path / "reference"
        # What no command reads again is half of the bytes.
        left_out = shutil.ignore_patterns(
            "index.html", "graph.gpickle", "partial_parse.msgpack", "run", "site"
        )
        shutil.copytree(built_reference, target, symlinks=True, ignore=left_out)
        return target

    return copy
