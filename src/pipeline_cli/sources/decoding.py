"""How the answers of one resource are decoded: its records need not all become Python objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_cli.contracts.json_values import parse_json
from pipeline_cli.manifest.paginators import Paginator

if TYPE_CHECKING:
    import requests

_NAME = re.compile(r"(?:\$\.)?(\w+)", re.ASCII)
_PATH = re.compile(r"(?:\$\.)?(\w+)(?:\.\w+)*", re.ASCII)
_PATHS = ("total_path", "next_url_path", "cursor_path", "has_more_path")  # of paginators, into an answer
_PLACE = "4f1c0e5a-the-records"  # stands for them in what is around them


@dataclass(slots=True)
class Decoding:
    """A hook of requests that does nothing: so it travels with each request of its resource.

    selector: the records' place in an answer, as dlt has it; None where that is found out. decode: from the JSON of a
    list of records to what stands for them all; None where they have to be decoded one by one. It is asked by the
    thread that fetches. is_sent: whether requests carry it; not where paging may look among the records.
    """

    selector: str | None = None
    decode: Callable[[bytes], Any | None] | None = None
    is_sent: bool = False

    def __call__(self, response: requests.Response, **_: Any) -> None:
        """The answer stays as it is."""


def reads_records(paginator: Paginator | None, selector: str | None) -> bool:
    """Whether paging may look for the next page among the records: `data[-1].id`. Where none is declared, it may."""
    if paginator is None:
        return True
    paths = [path for name in _PATHS if (path := getattr(paginator, name, None))]
    place, found = _NAME.fullmatch(selector or ""), [_PATH.fullmatch(path) for path in paths]
    return bool(paths) and (place is None or any(each is None or each[1] == place[1] for each in found))


def decode_whole(request: requests.PreparedRequest, body: bytes) -> Any | None:
    """A document in which one item stands for all records of an answer; None where it has to be decoded.

    body: stripped of blanks.
    """
    hooks = request.hooks.get("response", ()) if request.hooks else ()
    decoding = next((each for each in hooks if isinstance(each, Decoding)), None)
    if decoding is None or decoding.decode is None:
        return None
    if body.startswith(b"["):
        found = decoding.decode(body)
        return None if found is None else [found]
    place = _NAME.fullmatch(decoding.selector or "")
    return _decode_inside(body, place[1], decoding.decode) if place else None


def _decode_inside(body: bytes, name: str, decode: Callable[[bytes], Any | None]) -> Any | None:
    """The same of an object, one of whose fields has the records.

    What is around them is decoded by itself: a document is JSON if a part of it is, and the rest with that part
    replaced; and where the replacement is then found is where the part was.
    """
    begin, end = body.find(b"[", body.find(f'"{name}"'.encode())), body.rfind(b"]") + 1
    if not 0 <= begin < end:
        return None
    try:
        document = parse_json(b'%s["%s"]%s' % (body[:begin], _PLACE.encode(), body[end:]))
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get(name) != [_PLACE]:
        return None
    found = decode(body[begin:end])
    return None if found is None else {**document, name: [found]}
