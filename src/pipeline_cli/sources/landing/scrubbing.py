"""Secrets in answers: replaced before they are written, put back when they are read."""

from __future__ import annotations

import re
from collections.abc import Collection

from pipeline_cli.secrets import written_forms

_MARK = b"@landed:"
# The next-links of some APIs bear the token that they were asked with, which need not be one that we know.
_TOKEN = re.compile(rb"((?:[?&]|\\u0026|&amp;)access_token=)(?!@landed:)[^&\"'\s\\<]+")


class Scrubber:
    """A mark stands for each written form of a secret, by its place in a fixed order.

    salt: makes a landing's marks unlike anything that an API sends.
    """

    def __init__(self, secrets: Collection[str], salt: str) -> None:
        self._forms = [form.encode("utf-8", "surrogateescape") for form in written_forms(secrets)]
        self._places = {form: place for place, form in enumerate(self._forms)}
        self._any = re.compile(b"|".join(map(re.escape, self._forms)))
        self._start = _MARK + salt.encode() + b":"
        self._mark = re.compile(re.escape(self._start) + rb"(\d+)@")

    def scrub(self, body: bytes) -> tuple[bytes, bool]:
        """The body without secrets, and whether `restore` makes it what it was: not where it holds a strange token."""
        if any(form in body for form in self._forms):  # ten times as fast as the pattern where there is none
            body = self._any.sub(lambda found: b"%s%d@" % (self._start, self._places[found[0]]), body)
        if b"=" not in body or b"access_token=" not in body:  # one byte is soon looked for
            return body, True
        scrubbed, count = _TOKEN.subn(rb"\1***", body)
        return scrubbed, not count

    def restore(self, body: bytes) -> bytes:
        """What was scrubbed, with the same secrets as then."""
        if _MARK not in body:
            return body
        return self._mark.sub(lambda found: self._forms[int(found[1])], body)
