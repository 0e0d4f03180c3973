"""Which characters a file's bytes stand for, by its beginning."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MULTIBYTE = re.compile(rb"[\xc3-\xf4][\x80-\xbf]")


def find_encoding(head: bytes) -> str:
    """By the BOM; else UTF-8 where it is that (or nearly); UTF-16 by its zeros; else windows-1252."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    try:
        # Not final: the sample may end inside a character.
        codecs.getincrementaldecoder("utf-8")().decode(head)
        if b"\0" not in head:
            return "utf-8"
    except UnicodeDecodeError:
        pass
    zeros = head[0::2].count(0), head[1::2].count(0)
    if max(zeros) > len(head) // 5:
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    if _MULTIBYTE.search(head) or b"\xff" in head or b"\0" in head:
        return "utf-8"  # with bad bytes, which are quarantined line by line
    try:
        head.decode("windows-1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "windows-1252" if re.search(rb"[\x80-\x9f]", head) else "latin-1"
