"""Copies of files that DuckDB cannot read where they are: remote, compressed, in another encoding.

They stand in a folder of their own below the environment's state, which is gone afterwards, also on failure;
what a killed process left, the next one removes.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.files.compression import compression_of, decompress
from pipeline_cli.sources.files.dialect import Dialect
from pipeline_cli.sources.files.lines import RecordReader, physical_lines
from pipeline_cli.sources.files.listing import Listed
from pipeline_cli.sources.files.storage import DAMAGED, Storage
from pipeline_cli.sources.scan import Malformed

_CHUNK = 1 << 20


class Spool:
    """A folder of copies. Copies keep the file's path below `root`, so that a row's file can be told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._serial = count(1)

    def fetch(self, storage: Storage, file: Listed) -> Path:
        """The file's content, decompressed. Raises SourceError for one that is cut or damaged."""
        stored = Path(file.address)
        if not storage.is_local:
            stored = self._place(file)
            storage.fetch(file, stored)
        with stored.open("rb") as packed:
            compression = compression_of(packed.read(4))
            if compression is None and not storage.is_local:
                return stored
            packed.seek(0)
            target = self._place(file)
            with decompress(packed, compression, file.path) as content, target.open("wb") as copy:
                shutil.copyfileobj(content, copy, _CHUNK)
        if storage.is_local:
            storage.check_unchanged(file)
        self.drop(stored)
        return target

    def transcode(self, path: Path, file: Listed, encoding: str) -> Path:
        """A copy in UTF-8, without a BOM. Raises SourceError for bytes that are not of the encoding."""
        target = self._place(file)
        decoder = codecs.getincrementaldecoder(encoding)()
        is_first = True
        try:
            with path.open("rb") as source, target.open("wb") as copy:
                for chunk in _chunks(source):
                    text = decoder.decode(chunk, final=not chunk)
                    copy.write((text.removeprefix("\ufeff") if is_first else text).encode())
                    is_first = is_first and not text
        except UnicodeError as error:
            raise SourceError(
                f"{file.path} is not {encoding} throughout: {error}.",
                code=DAMAGED,
                hint="Say the encoding: csv: {encoding: ...}.",
            ) from error
        return target

    def mend(self, path: Path, file: Listed, dialect: Dialect) -> tuple[Path, list[Malformed]]:
        """A copy with one kind of line end and without open quotes, and the lines that were left out.

        Line numbers stay what they were: a line left out is a blank one, which read_csv skips.
        """
        target = self._place(file)
        left_out = []
        with target.open("wb") as copy:
            at_line = 1
            for record in RecordReader(path, dialect).raw_records():
                copy.write(b"\n" * (record.line - at_line))
                at_line = record.line
                if record.is_open:
                    left_out.append(Malformed(file.path, record.line, record.text, record.problem))
                    continue
                copy.write(record.raw + b"\n")
                at_line += record.line_count
        return target, left_out

    def one_line_end(self, path: Path, file: Listed) -> Path:
        """A copy whose lines all end in LF."""
        target = self._place(file)
        with path.open("rb") as source, target.open("wb") as copy:
            copy.writelines(line.rstrip(b"\r\n") + b"\n" for line in physical_lines(source))
        return target

    def drop(self, path: Path) -> None:
        """Remove one copy; what is not one is left alone."""
        if path.is_relative_to(self.root):
            path.unlink(missing_ok=True)

    def _place(self, file: Listed) -> Path:
        target = self.root / str(next(self._serial)) / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
    yield b""


def content_hash(file: BinaryIO) -> str:
    """The SHA-256 of what is stored."""
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def open_spool(state_dir: Path) -> Iterator[Spool]:
    """A new spool below the environment's state, gone afterwards."""
    folder = state_dir / "spool"
    _remove_left(folder)
    folder.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=folder))
    try:
        yield Spool(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
        with suppress(OSError):  # another source's spool stands beside it
            folder.rmdir()


def _remove_left(folder: Path) -> None:
    for left in folder.iterdir() if folder.is_dir() else ():
        owner = re.match(r"(\d+)-", left.name)
        if owner and not _is_alive(int(owner[1])):
            shutil.rmtree(left, ignore_errors=True)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
