"""SQLMesh notes the packages of Python models' imports, and looks for none where there are none."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline_cli.transforms.sqlmesh_packages import LateMetadata, look_up_packages_late
from tests.integration.transforms.conftest import Shop

MODEL = "MODEL (name gold_shop.all_orders, kind FULL);\nSELECT id FROM bronze_shop.orders\n"


@pytest.fixture(autouse=True)
def _sqlmesh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLMesh writes there as it is imported; the command sets it first."""
    monkeypatch.setenv("SQLMESH_HOME", str(tmp_path / "sqlmesh"))


@pytest.mark.parametrize("make_shop", ["duckdb"], indirect=True)
def test_a_plan_of_sql_alone_looks_at_no_package(
    make_shop: Callable[[str], Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlmesh.core import context_diff

    def look_up() -> None:
        raise AssertionError("no model imports anything")

    monkeypatch.setattr(
        context_diff, "metadata", LateMetadata(SimpleNamespace(packages_distributions=look_up))
    )
    shop = make_shop("sqlmesh")
    shop.write({"models/all_orders.sql": MODEL})
    assert [model.status for model in shop.build().models] == ["succeeded"]
    assert shop.query("SELECT count(*) FROM gold_shop.all_orders") == [(3,)]


def test_the_packages_of_imports_are_found_as_sqlmesh_finds_them_with_one_look() -> None:
    from sqlmesh.core import context_diff
    from sqlmesh.core.macros import Executable

    looks: list[int] = []

    def look_up() -> dict[str, list[str]]:
        looks.append(1)
        return dict(metadata.packages_distributions())

    lines = ["import faker", "from pypdf import PdfWriter as Writer", "import json", "import not_installed_1"]
    imports = {line: Executable(payload=line, kind="import") for line in lines}
    snapshot = SimpleNamespace(is_model=True, model=SimpleNamespace(python_env=imports))
    late = LateMetadata(
        SimpleNamespace(
            packages_distributions=look_up, version=metadata.version, PackageNotFoundError=KeyError
        )
    )
    before = context_diff.metadata
    context_diff.metadata = late
    try:
        found = [context_diff._build_requirements({}, set(), [snapshot]) for _ in range(2)]
    finally:
        context_diff.metadata = before
    names = metadata.packages_distributions()
    expected = {names[lib][0]: metadata.version(lib) for lib in ("faker", "pypdf")}
    assert found == [expected, expected]
    assert len(looks) == 1


def test_a_second_call_changes_nothing() -> None:
    from sqlmesh.core import context_diff

    look_up_packages_late()
    once = context_diff.metadata
    look_up_packages_late()
    assert context_diff.metadata is once
    assert list(once.packages_distributions()["faker"]) == metadata.packages_distributions()["faker"]
    assert once.version("faker") == metadata.version("faker")
