"""Decompression that notices when the end is missing."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal, cast

from pipeline_cli.errors import SourceError

Compression = Literal["gzip", "zstd"]

_MAGIC: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_REFUSED = {b"PK\x03\x04": "a zip archive", b"BZh": "compressed with bzip2", b"\xfd7zX": "compressed with xz"}


def compression_of(head: bytes) -> Compression | None:
    """By the first bytes, whatever the name says."""
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def check_archive(head: bytes, path: str) -> None:
    """Raise SourceError for what is compressed in a way that is not read here."""
    for magic, what in _REFUSED.items():
        if head.startswith(magic):
            hint = "Unpack it, or compress with gzip or zstd instead."
            raise SourceError(f"{path} is {what}, which is not read.", code="E364", hint=hint)


@contextmanager
def decompress(stored: BinaryIO, compression: Compression | None, path: str) -> Iterator[BinaryIO]:
    """The content as a stream. Reading it raises SourceError where the file is cut or damaged."""
    try:
        if compression == "gzip":
            with gzip.GzipFile(fileobj=stored) as content:
                yield cast(BinaryIO, content)
        elif compression == "zstd":
            import pyarrow

            try:
                with pyarrow.CompressedInputStream(pyarrow.PythonFile(stored, "r"), "zstd") as content:
                    yield content
            except OSError as error:
                raise _damaged(path, compression, error, cut="runcated" in str(error)) from error
        else:
            yield stored
    except EOFError as error:
        raise _damaged(path, "gzip", error, cut=True) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(path, "gzip", error, cut=False) from error


def _damaged(path: str, compression: str, error: Exception, *, cut: bool) -> SourceError:
    what = "is cut off" if cut else f"is damaged: {error}"
    return SourceError(
        f"{path}: its {compression} stream {what}. Nothing of it was loaded.",
        code="E364",
        hint="Get the file again; until then leave it out with file_glob.",
    )
