"""Plugins are looked at without running them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.plugins.loading import check_plugins
from pipeline_cli.testing import MINIMAL_MANIFEST, make_project, run_cli


def test_a_plugin_that_is_no_python_is_told_with_its_line(tmp_path: Path) -> None:
    make_project(tmp_path, files={"plugins/email.py": "x = 1\ndef f(:\n", "plugins/_draft.py": "def f(:"})
    (mistake,) = check_plugins(tmp_path, [])
    assert (mistake.file, mistake.line) == ("plugins/email.py", 2)


def test_options_of_a_plugin_that_is_not_there_name_the_nearest(tmp_path: Path) -> None:
    make_project(tmp_path, files={"plugins/email.py": "raise SystemExit('it was run')"})
    assert check_plugins(tmp_path, ["email"]) == []
    (mistake,) = check_plugins(tmp_path, ["emial"])
    assert mistake.hint == "Did you mean email?"


@pytest.mark.parametrize("verb", ["validate", "doctor"])
def test_validate_and_doctor_look_at_plugins(tmp_path: Path, verb: str) -> None:
    manifest = MINIMAL_MANIFEST + "plugins: {emial: {to: a}}\n"
    make_project(tmp_path, manifest, {"plugins/email.py": ""})
    result = run_cli([verb], cwd=tmp_path)
    assert result.exit_code == (2 if verb == "validate" else 1)
    assert "Did you mean email?" in result.stdout + result.stderr
