"""Draw docs/run.svg: what `init shop && cd shop && run` prints on a terminal, twice, in a new folder.

make picture
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMAND = str(Path(sys.executable).with_name("pipeline-cli"))
WIDTH = 80


def run_on_terminal(arguments: list[str], folder: Path) -> str:
    """What the command prints on stdout when that is a terminal of 80 columns, escape codes included."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "HOME": str(folder)}
    with subprocess.Popen([COMMAND, *arguments], cwd=folder, env=env, stdout=theirs, stderr=subprocess.PIPE):
        os.close(theirs)
        pieces = []
        while piece := _read(ours):
            pieces.append(piece)
    os.close(ours)
    return b"".join(pieces).decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end was closed
        return b""


def main() -> None:
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: PTH123, SIM115
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_on_terminal(["init", "shop"], folder)
        for arguments in (["run"], ["run"]):
            shown = run_on_terminal(arguments, folder / "shop")
            console.print(Text(f"$ pipeline-cli {' '.join(arguments)}", style="bold"))
            console.print(Text.from_ansi(shown))
    # Without the web fonts: a page that shows the picture asks no other server for anything.
    picture = re.sub(
        r"@font-face \{.*?\}\s*", "", console.export_svg(title="pipeline-cli run"), flags=re.DOTALL
    )
    picture = picture.replace("Fira Code", "DejaVu Sans Mono")
    Path(__file__).with_name("run.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
