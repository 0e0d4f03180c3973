"""What nobody hears costs nothing: no module of alerts, mail or HTTP is imported for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CHILD = """
import sys
from dataclasses import replace
from pathlib import Path
from pipeline_cli.manifest.channels import EmailChannel
from tests.unit.alerts.world import fail, make_alert_world
from tests.unit.run.world import make_world
for name in [name for name in sys.modules if "alerts" in name or name in ("smtplib", "jinja2")]:
    del sys.modules[name]
if sys.argv[2] == "none":
    world = make_world(Path(sys.argv[1]))
else:
    world = make_alert_world(Path(sys.argv[1]), {"email": EmailChannel(smtp="", to=("",))})
    world.project = replace(world.project, missing={"plugins.email": ("SMTP_URL",)})
from tests.unit.alerts.world import fail
world.loader.during["api"] = fail()
print(world.run().status, world.run().warnings)
print(*sorted(name for name in sys.modules if name.startswith("pipeline_cli.alerts") or name in ("smtplib", "jinja2")))
"""


@pytest.mark.parametrize("alerts", ["none", "off"])
def test_a_run_that_tells_nobody_imports_nothing_to_tell_with(tmp_path: Path, alerts: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path), alerts],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told, modules = done.stdout.splitlines()
    assert told == "failed []"
    assert set(modules.split()) <= {"pipeline_cli.alerts", "pipeline_cli.alerts.switches"}
