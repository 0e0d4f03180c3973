"""vl-convert in a process of its own, which starts while this one still imports what it needs.

Its JavaScript engine takes half a second of processor before the first drawing, and lets no other Python thread work
meanwhile. Where no process was started, or it is lost, vl-convert draws in this one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline_cli.manifest.reports import Locale

# Reads a specification a line, and answers each with a line: the drawing, or why there is none. The first is drawn for
# nothing: with it the engine is warm.
_PROGRAM = """\
import json, sys
sys.path.append(sys.argv[1])
import vl_convert
def draw(asked):
    try:
        return {"svg": vl_convert.vegalite_to_svg(asked["spec"], allowed_base_urls=[], **asked["locales"])}
    except ValueError as error:
        return {"error": str(error)}
draw({"spec": {"data": {"values": []}, "mark": "bar"}, "locales": {}})
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(json.dumps(draw(json.loads(line))).encode() + b"\\n")
    sys.stdout.buffer.flush()
"""


@contextmanager
def drawing_ahead() -> Iterator[None]:
    """Charts that are drawn inside, by this thread, are drawn by a process that starts now and ends with the block.

    It holds nothing, writes nothing and ends by itself when this process is gone.
    """
    process = _start()
    token = _CURRENT.set(process)
    try:
        yield
    finally:
        _CURRENT.reset(token)
        if process is not None:
            _stop(process)


def draw_svg(spec: dict[str, Any], locale: Locale | None) -> str:
    """A Vega-Lite specification as SVG. locale: by Vega's name. Raises ValueError for one that cannot be drawn."""
    locales = {"format_locale": locale, "time_format_locale": locale}
    process = _CURRENT.get()
    if process is not None:
        answer = _ask(process, {"spec": spec, "locales": locales})
        if answer is not None:
            if "error" in answer:
                raise ValueError(answer["error"])
            return str(answer["svg"])
        _CURRENT.set(None)
    import vl_convert

    return vl_convert.vegalite_to_svg(
        spec, allowed_base_urls=[], format_locale=locale, time_format_locale=locale
    )


_Process = subprocess.Popen[bytes]
_CURRENT: ContextVar[_Process | None] = ContextVar("drawing_process", default=None)


def _start() -> _Process | None:
    found = find_spec("vl_convert")
    if found is None or found.origin is None or not sys.executable:
        return None
    packages = str(Path(found.origin).parent.parent)
    # Without `site`, whose .pth files import what no drawing needs, and without the working folder in the path.
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, packages]
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return None


def _stop(process: _Process) -> None:
    process.kill()  # it holds nothing, and its engine takes its time to end
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _ask(process: _Process, request: dict[str, Any]) -> dict[str, str] | None:
    """The process's answer; None where it is gone."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        answer: dict[str, str] = json.loads(line)
    except (OSError, ValueError):
        return None
    return answer
