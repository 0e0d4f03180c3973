"""What a run imports: nothing that it does not use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from pipeline_cli.dlt_import import _LoadedLate, exported_names
from pipeline_cli.testing import make_project
from tests.servers.json_api import JsonApi

MANIFEST = """\
version: 1
name: small
default_environment: dev
environments: {{dev: {{destination: warehouse}}}}
destinations: {{warehouse: {{type: duckdb}}}}
sources:
  shop:
    type: rest_api
    client: {{base_url: "{url}"}}
    resources: {{items: {{primary_key: id, write_disposition: merge}}}}
pipelines: {{shop: {{sources: [shop]}}}}
"""
NEVER = {"sqlmesh", "dbt", "vcr", "aiohttp", "psycopg2", "jinja2", "sqlalchemy"}
# A run into DuckDB needs none of dlt's other destinations.
NEVER |= {
    f"dlt.destinations.impl.{name}.factory" for name in ("postgres", "snowflake", "filesystem", "lancedb")
}
# An answer is JSON: nobody guesses its encoding.
NEVER |= {"chardet.detector", "charset_normalizer.api"}
# pyarrow imports pandas to look at Python's values; rows that are written one by one are such.
ONLY_FOR_NEW_ROWS = {"pyarrow", "numpy", "pandas"}
ONLY_FOR_NEW_ROWS |= {
    f"pipeline_cli.nested.{name}" for name in ("contract", "reading", "shape", "normalizer")
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    with JsonApi({"/items": [{"id": number, "tags": ["a"]} for number in range(20)]}) as api:
        yield make_project(tmp_path, MANIFEST.format(url=api.url))


def imported_by_a_run(project: Path, first: str = "") -> set[str]:
    code = (
        f"{first}import os, sys\nfrom pipeline_cli.cli.app import Settings, run_command\n"
        "code = run_command(['run'], Settings())\n"
        "print('imported', code, *sorted(sys.modules), file=sys.stderr, flush=True)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=120
    )
    line = next(each for each in ran.stderr.splitlines() if each.startswith("imported "))
    _, exit_code, *modules = line.split()
    assert exit_code == "0", ran.stderr
    return set(modules)


def test_a_run_imports_only_what_it_uses(project: Path) -> None:
    assert not imported_by_a_run(project) & NEVER
    assert not imported_by_a_run(project) & (NEVER | ONLY_FOR_NEW_ROWS)  # there is nothing new


@pytest.mark.parametrize("destination", ["duckdb", "postgres_url"])
@pytest.mark.parametrize("disposition", ["merge", "scd2"])
def test_new_records_that_are_loaded_by_column_need_no_pandas(
    project: Path,
    destination: str,
    disposition: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor may a thread import it while dlt's looks whether a record is one of its tables: a half of it is no pandas."""
    items = [{"id": n, "at": "2026-01-02T03:04:05Z", "price": n / 4, "tags": ["a"]} for n in range(100)]
    with JsonApi({"/items": items}) as api:
        hints = f"write_disposition: {disposition}, columns: {{price: {{data_type: decimal}}}}"
        manifest = MANIFEST.format(url=api.url).replace("write_disposition: merge", hints)
        if destination != "duckdb":
            monkeypatch.setenv("START_UP_URL", request.getfixturevalue(destination))
            postgres = '{type: postgres, credentials: "${env:START_UP_URL}"}'
            manifest = manifest.replace("{type: duckdb}", postgres)
        make_project(project, manifest)
        imported = imported_by_a_run(
            project, "from pipeline_cli.nested.ahead import Ahead\nAhead.batch_bytes = 1\n"
        )
    assert ("pyarrow.parquet" if destination == "duckdb" else "pyarrow.csv") in imported
    assert "pandas" not in imported


def test_dlts_destinations_are_there_for_whoever_asks(project: Path) -> None:
    code = (
        "from pipeline_cli.dlt_import import import_dlt\nimport_dlt()\nimport dlt\n"
        "from dlt.common.destination import Destination\nfrom dlt.destinations import *\n"
        "assert dlt.destinations.postgres is postgres and 'snowflake' in dir(dlt.destinations)\n"
        "assert Destination.from_reference('filesystem', bucket_url='x').destination_name == 'filesystem'\n"
        "try: dlt.destinations.nowhere\n"
        "except AttributeError as error: print(error)"
    )
    assert printed_by(code, project) == "module 'dlt.destinations' has no attribute 'nowhere'\n"


def test_dlts_runner_of_dbt_is_there_for_whoever_asks(project: Path) -> None:
    code = (
        "import sys\nfrom pipeline_cli.dlt_import import import_dlt\nimport_dlt()\nimport dlt\n"
        "print('dlt.helpers.dbt' in sys.modules, callable(dlt.dbt.package), 'dlt.helpers.dbt' in sys.modules)"
    )
    assert printed_by(code, project) == "False True True\n"


def test_encodings_are_guessed_for_whoever_asks(project: Path) -> None:
    code = (
        "from pipeline_cli.dlt_import import import_dlt\nimport_dlt()\nimport requests, charset_normalizer\n"
        "answer = requests.Response()\nanswer._content = 'Größe und Maß, für alle'.encode('utf-8') * 9\n"
        "print(answer.apparent_encoding.lower(), answer.text[:5], requests.compat.chardet.__version__[0].isdigit())\n"
        "print(charset_normalizer.from_bytes(answer.content).best().encoding, len(charset_normalizer.VERSION) > 1)\n"
        "try: requests.compat.chardet.nothing\n"
        "except AttributeError as error: print(error)"
    )
    told = "module 'chardet' has no attribute 'nothing'"
    assert printed_by(code, project) == f"utf-8 Größe True\nutf_8 True\n{told}\n"


def test_a_package_that_is_executed_late_is_waited_for() -> None:
    """Its own __getattr__ is there before all of its names are."""
    ran: list[str] = []

    class Slow(SourceFileLoader):
        def exec_module(self, module: ModuleType) -> None:
            def refuse(name: str) -> None:
                raise AttributeError(name)

            ran.append(module.__name__)
            vars(module)["__getattr__"] = refuse
            time.sleep(0.2)
            vars(module)["detect"] = len

    package = ModuleType("slow")
    _LoadedLate(Slow("slow", ""), {"path": ("os", "path")}).exec_module(package)
    assert package.path is os.path
    assert not ran
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: package.detect, range(4))) == [len] * 4
    assert ran == ["slow"]
    with pytest.raises(AttributeError, match="another"):
        _ = package.another


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://shop:password@db.example.com:6432/shop?sslmode=require&connect_timeout=5",
        "postgresql://shop:x@/shop?host=/run/postgresql",
        "postgresql://shop:x@[::1]:5432/shöp-1.2",
        "duckdb:////data/my shop/ü:+?.duckdb",
        "duckdb:///:memory:",
        "postgresql://shop:pass%40word@db/my%20shop%25",
    ],
    ids=["plain", "socket", "odd names", "file", "memory", "escapes"],
)
def test_dlt_takes_addresses_apart_as_sqlalchemy_does(project: Path, address: str) -> None:
    code = (
        "import sys\nfrom pipeline_cli.dlt_import import import_dlt\nimport_dlt()\n"
        "from dlt.common.libs.sql_alchemy_compat import URL, make_url\n"
        f"ours = make_url({address!r})\nimport sqlalchemy\ntheirs = sqlalchemy.make_url({address!r})\n"
        "assert ours._asdict() == theirs._asdict(), (ours._asdict(), theirs._asdict())\n"
        "written = URL.create(**{**ours._asdict(), 'query': dict(ours.query)})\n"
        "for hidden in (True, False):\n"
        "    assert written.render_as_string(hidden) == theirs.render_as_string(hidden)\n"
        "print(str(written._replace(query=None)) == str(theirs._replace(query={})))"
    )
    assert printed_by(code, project) == "True\n"


def printed_by(code: str, folder: Path) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("more", ["import os", "def duckdb(): ...", "from a import *", "from . import b"])
def test_a_package_that_does_more_than_import_names_is_left_as_it_is(more: str) -> None:
    plain = '"""Names."""\nfrom a.b import c, d as e\n__all__ = ["c", "e"]\n'
    assert exported_names(plain) == {"c": ("a.b", "c"), "e": ("a.b", "d")}
    assert exported_names(plain + more) is None
