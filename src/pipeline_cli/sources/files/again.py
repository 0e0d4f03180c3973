"""What the fast way read wrongly, to be read again the careful way."""

from __future__ import annotations

from pipeline_cli.errors import SourceError


class ReadAgainError(SourceError):
    """The reader met what it gets wrong: roll back, and ask the same resource for its scans once more.

    The resource remembers the file, and splits its records itself then. Raised by `Scan.malformed`, and made of
    the reader's own error by `FilesResource.failed`; once for each file.
    """

    code = "E369"

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path} has {what}.", hint="It is read again, line by line.")
        self.path = path
