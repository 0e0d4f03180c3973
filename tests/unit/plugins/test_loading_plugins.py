"""Finding and loading plugins, and telling what is wrong with one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

import pipeline_cli
from pipeline_cli.manifest.models import Environment, Manifest, Plugin
from pipeline_cli.plugins.manager import PluginManager
from pipeline_cli.plugins.specs import MOMENTS, Hooks
from pipeline_cli.project import Project

HEAD = "from pipeline_cli import hookimpl\n"


def load(root: Path, files: Mapping[str, str], options: Mapping[str, Plugin] | None = None):  # type: ignore[no-untyped-def]
    (root / "plugins").mkdir(exist_ok=True)
    for name, text in files.items():
        (root / "plugins" / name).write_text(text, encoding="utf-8")
    environments = {"dev": Environment(destination="duckdb")}
    manifest = Manifest(
        version=1,
        name="shop",
        default_environment="dev",
        environments=environments,
        destinations={},
        plugins=options or {},
        pipelines={},
    )
    warnings: list[str] = []
    return PluginManager.load(Project(root, manifest, "dev"), warnings.append), warnings


def test_file_that_begins_with_an_underscore_is_no_plugin(tmp_path: Path) -> None:
    _, warnings = load(tmp_path, {"_helper.py": "raise ValueError"})
    assert warnings == []


def test_plugin_named_like_a_module_of_python_hides_nothing(tmp_path: Path) -> None:
    import email

    manager, warnings = load(tmp_path, {"email.py": HEAD + "@hookimpl\ndef run_finished(): pass\n"})
    assert (warnings, sys.modules["email"]) == ([], email)
    assert manager.listens("run_finished")
    assert not manager.listens("run_started")


def test_no_pycache_is_written_into_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    load(tmp_path, {"a.py": HEAD})
    assert [path.name for path in (tmp_path / "plugins").iterdir()] == ["a.py"]


def test_dataclasses_work_in_a_plugin(tmp_path: Path) -> None:
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n"
    _, warnings = load(tmp_path, {"a.py": text})
    assert warnings == []


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("def (", "plugin a failed while loading plugins/a.py: invalid syntax (line 1)"),
        ("import nowhere_to_be_found", "plugin a failed while loading plugins/a.py: ModuleNotFoundError: No module"),
        ("raise SystemExit(2)", "plugin a failed while loading plugins/a.py: it called sys.exit(2)"),
        (HEAD + "@hookimpl\ndef run_finishd(): pass", "plugin a: run_finishd is no hook and is never called: did you"),
        (HEAD + "@hookimpl\ndef zzz(): pass", "plugin a: zzz is no hook and is never called: there is run_started, "),
        ("def run_finished(): pass", "plugin a: run_finished is never called: mark it with @hookimpl"),
        (HEAD + "@hookimpl\ndef run_finished(reslt): pass", "plugin a is left out: "),
        (HEAD + "@hookimpl(wrapper=True)\ndef run_finished(): yield", "plugin a is left out: "),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_plugin_is_told_and_the_others_are_loaded(
    tmp_path: Path, text: str, warning: str
) -> None:
    good = HEAD + "@hookimpl\ndef run_started(): pass\n"
    manager, warnings = load(tmp_path, {"a.py": text, "b.py": good})
    assert len(warnings) == 1
    assert warnings[0].startswith(warning)
    assert manager.listens("run_started")


def test_wrong_argument_of_a_hook_is_told_with_the_right_ones(tmp_path: Path) -> None:
    _, warnings = load(tmp_path, {"a.py": HEAD + "@hookimpl\ndef run_finished(reslt): pass"})
    assert warnings == ["plugin a is left out: run_finished takes no argument reslt: did you mean result?"]


def test_plugin_that_hangs_while_loading_is_left_out(tmp_path: Path) -> None:
    slow = {"a": Plugin(timeout=timedelta(seconds=0.2))}
    _, warnings = load(tmp_path, {"a.py": "import time\ntime.sleep(60)"}, slow)
    assert warnings == [
        "plugin a did not return while loading plugins/a.py within 0.2 s; it is not called again"
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("slak", "did you mean slack?"), ("pager", "write plugins/pager.py, or install its package")],
)
def test_options_for_a_plugin_that_is_not_there_are_told(tmp_path: Path, name: str, hint: str) -> None:
    _, warnings = load(tmp_path, {"slack.py": HEAD}, {name: Plugin()})
    assert warnings == [f"there is no plugin {name}, which the manifest has options for: {hint}"]


def test_installed_package_is_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site"
    (package / "acme_alerts-1.0.dist-info").mkdir(parents=True)
    (package / "acme_alerts.py").write_text(
        HEAD + "@hookimpl\ndef run_finished(result): raise ValueError(result)\n"
    )
    info = package / "acme_alerts-1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-alerts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pipeline_cli]\nacme = acme_alerts\n")
    monkeypatch.syspath_prepend(str(package))
    manager, warnings = load(tmp_path, {}, {"acme": Plugin()})
    manager.tell("run_finished", run=None, result=7)
    assert warnings == ["plugin acme failed in run_finished: ValueError: 7"]


def test_hook_names_and_docstrings_are_complete() -> None:
    assert MOMENTS[0] == "run_started"
    for moment in MOMENTS:
        text = getattr(Hooks, moment).__doc__
        assert "\n" not in text
        assert "`@hookimpl def " in text, moment


def test_public_names_are_those_that_are_exported() -> None:
    assert pipeline_cli.hookimpl.project_name == "pipeline_cli"
    assert pipeline_cli.__version__
    with pytest.raises(AttributeError):
        _ = pipeline_cli.nothing
