"""A file to text: found, small enough, UTF-8, without control characters."""

from __future__ import annotations

from pathlib import Path

from yaml.reader import Reader

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.compose import compose
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.nodes import Document, Node, Place, Scalar

LARGEST_FILE = 1_048_576  # bytes
# Its pattern for what YAML does not allow in a stream; compiling one of our own would cost 8 ms.
_FORBIDDEN = Reader.NON_PRINTABLE


def read_document(path: Path, name: str, findings: Findings) -> tuple[Document, Node | None]:
    """The file and its top node; None for a node when it is unusable, with its mistakes in `findings`.

    name: how messages call it, relative to the project's root.
    """
    document = findings.open(name)
    text = read_text(path, document, findings)
    if text is None:
        return document, None
    before = len(findings)
    node = compose(document, text, findings)
    empty = node is None or (isinstance(node, Scalar) and node.plain and not node.text)
    if empty and len(findings) == before:
        hint = "Write at least one key, or remove the file."
        findings.add(codes.WRONG_SHAPE, Place(document), f"{name} is empty.", hint)
    return document, None if empty else node


def read_text(path: Path, document: Document, findings: Findings) -> str | None:
    """The text of a file, its lines set in `document`; None, and a mistake, when it is unusable."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        findings.add(codes.UNREADABLE, Place(document), f"{document.name} cannot be read: {reason}.")
        return None
    if len(data) > LARGEST_FILE:
        hint = "Move long entries into files of their own: sources/<name>.yaml."
        findings.add(codes.TOO_LARGE, Place(document), f"{document.name} is over 1 MiB.", hint)
        return None
    return _decode(data, document, findings)


def _decode(data: bytes, document: Document, findings: Findings) -> str | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        document.lines = data.decode("utf-8-sig", "replace").splitlines()
        hint = "Save the file as UTF-8."
        findings.add(
            codes.BAD_CHARACTER, _place_after(before, document), f"{document.name} is not UTF-8.", hint
        )
        return None
    forbidden = _FORBIDDEN.search(text)
    document.lines = text.splitlines()
    if forbidden is None:
        return text
    place = _place_after(text[: forbidden.start()], document)
    message = f"the character U+{ord(forbidden[0]):04X} is not allowed in YAML."
    findings.add(
        codes.BAD_CHARACTER, place, message, "Remove it; in a quoted value it may be written as an escape."
    )
    return None


def _place_after(before: str, document: Document) -> Place:
    lines = (before + "|").splitlines()
    return Place(document, len(lines), len(lines[-1]))
