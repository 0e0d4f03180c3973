"""A message as the HTML of a mail: tables and inline styles, for that is what mail programs show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline_cli.alerts.message import Message
from pipeline_cli.alerts.texts import item_facts


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the mail itself. cid: its Content-ID; title: what it shows, for those who do not see it."""

    cid: str
    title: str


@dataclass(frozen=True, slots=True)
class _Tone:
    """What a kind of message looks like. The word says it, colour only repeats it."""

    name: str
    word: str
    line: str
    back: str
    ink: str


_BAD = ("bad", "#c62f2f", "#fdecec", "#9b1c1c")
_WARN = ("warn", "#b7791f", "#fff4dd", "#7a4d05")
_GOOD = ("good", "#2f855a", "#e5f6ec", "#1d6b40")
_INFO = ("info", "#2b6cb0", "#e8f1fb", "#1f4f86")
_TONES = {
    "failure": ("Failed", _BAD),
    "changed": ("Failing otherwise", _BAD),
    "reminder": ("Still failing", _BAD),
    "service_level": ("Late", _WARN),
    "monitor": ("Unusual", _WARN),
    "contract": ("Contract broken", _WARN),
    "drift": ("Schema changed", _INFO),
    "recovery": ("Well again", _GOOD),
    "success": ("Succeeded", _GOOD),
    "report": ("Report", _INFO),
    "test": ("Test", _INFO),
}


def render_html(
    message: Message,
    pictures: Sequence[Picture] = (),
    attached: Sequence[str] = (),
    left_out: Sequence[str] = (),
    *,
    repeated: bool = False,
) -> str:
    """The mail's HTML; every text in it is escaped.

    attached, left_out: names of files. Without pictures or styles of its own a mail program shows all of it.
    """
    page: str = _template().render(
        message=message,
        tone=_tone(message.kind),
        pictures=pictures,
        attached=attached,
        left_out=left_out,
        repeated=repeated,
        item_facts=item_facts,
    )
    return page


def _tone(kind: str) -> _Tone:
    word, (name, line, back, ink) = _TONES.get(kind, (kind.capitalize(), _INFO))
    return _Tone(name, word, line, back, ink)


@cache
def _template() -> Any:
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("mail.html.j2")
