"""The page's own script, and the policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from pipeline_cli.reports.charts.palette import CARD, INK, LINE, PALETTE, QUIET
from pipeline_cli.reports.charts.words import KINDS

_COMMENT = re.compile(r"^\s*//.*\n", re.MULTILINE)
_INDENT = re.compile(r"^\s+", re.MULTILINE)

# Unpacks what stands in the page and runs its script. A browser of before 2023 keeps the page as it stands.
LOADER = """
(async () => {
  if (!("DecompressionStream" in window)) return;
  const packed = atob(document.getElementById("page-data").textContent);
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(unpacked).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  window.reportPage = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  window.reportPage.planes = new Uint8Array(buffer, 4 + length);
  const script = document.createElement("script");
  script.textContent = window.reportPage.script;
  document.body.append(script);
})();
"""


@cache
def script_text() -> str:
    """The parts of the script in their order, as one, without comments and indentation."""
    folder = files("pipeline_cli.reports") / "templates" / "script"
    parts = sorted(
        (part for part in folder.iterdir() if part.name.endswith(".js")), key=lambda part: part.name
    )
    looks = json.dumps(
        {"palette": PALETTE, "ink": INK, "quiet": QUIET, "line": LINE, "card": CARD, "kinds": KINDS}
    )
    text = "".join(part.read_text(encoding="utf-8") for part in parts)
    text = _INDENT.sub("", _COMMENT.sub("", text))
    return f'(() => {{\n"use strict";\nconst LOOKS = {looks};\n{text}}})();'


def content_policy(style: str, scripts: Sequence[str]) -> str:
    """The Content-Security-Policy of a page: this style and these scripts by their hashes, nothing from anywhere.

    Attributes named style are ours: no value of a user's gets into one but a number.
    """
    rules = ["default-src 'none'", f"style-src {_hash(style)}", "style-src-attr 'unsafe-inline'"]
    rules += [f"script-src {' '.join(map(_hash, scripts))}"] if scripts else []
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
