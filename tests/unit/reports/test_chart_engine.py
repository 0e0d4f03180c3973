"""Charts drawn by a process that was started ahead: the same drawings, also when that process is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.manifest.reports import Locale
from pipeline_cli.reports.charts.engine import draw_svg, drawing_ahead

SPEC: dict[str, Any] = {
    "data": {"values": [{"city": "Łódź", "sales": 1234.5}, {"city": "Évora", "sales": 20}]},
    "mark": "bar",
    "encoding": {
        "x": {"field": "city", "type": "nominal"},
        "y": {"field": "sales", "type": "quantitative", "axis": {"format": ",.1f"}},
    },
}


def children(of: int | None = None) -> list[int]:
    """The drawing processes that a process, by default this one, has started."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (folder / "cmdline").exists():
            try:
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent == (of or os.getpid()) and b"vl_convert" in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except (OSError, IndexError):
                continue
    return found


def test_it_draws_what_this_process_draws() -> None:
    locales: tuple[Locale | None, ...] = (None, "de-DE")
    here = {locale: draw_svg(SPEC, locale) for locale in locales}
    assert "1.200,0" in here["de-DE"], "or the locale is not seen"
    with drawing_ahead():
        assert len(children()) == 1
        assert {locale: draw_svg(SPEC, locale) for locale in locales} == here
    assert not children()


def test_a_lost_process_is_done_without() -> None:
    here = draw_svg(SPEC, None)
    with drawing_ahead():
        (child,) = children()
        os.kill(child, signal.SIGKILL)
        assert [draw_svg(SPEC, None), draw_svg(SPEC, None)] == [here, here]


def test_a_process_that_cannot_be_started_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(OSError), subprocess.Popen(["/nowhere/python"]):  # or this shows nothing
        pass
    with drawing_ahead():
        assert draw_svg(SPEC, None).startswith("<svg")


def test_what_cannot_be_drawn_is_an_error_in_both() -> None:
    with pytest.raises(ValueError, match="conversion failed"):
        draw_svg({"mark": 1}, None)
    with drawing_ahead(), pytest.raises(ValueError, match="conversion failed"):
        draw_svg({"mark": 1}, None)


def test_it_ends_when_who_asks_is_killed() -> None:
    program = (
        "from pipeline_cli.reports.charts.engine import draw_svg, drawing_ahead\n"
        "with drawing_ahead():\n"
        "    draw_svg({'data': {'values': []}, 'mark': 'bar'}, None)\n"
        "    print('drawn', flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "drawn\n"
        (child,) = children(asking.pid)
        asking.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists()
