"""DuckDB's words for what a source's data did, in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipeline_cli.destinations.base import first_line
from pipeline_cli.errors import LoadError, SourceError, StepError
from pipeline_cli.sources.scan import ColumnResource, Scan


class OrderNeededError(Exception):
    """Which row of a key is the last can only be told by their numbers: roll back, and read with these."""


class RoomNeededError(Exception):
    """The rows do not fit into the memory that loads are held to: roll back, and read with as much as there is."""


@contextmanager
def reading_errors() -> Iterator[None]:
    """What fails while a scan is read is the source's fault, except where the disk or memory gave out."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException as error:
        raise StepError(
            "interrupted while reading; nothing of this source was loaded", code="E130"
        ) from error
    except duckdb.OutOfMemoryException:
        raise  # the machine's
    except duckdb.Error as error:
        text = first_line(error)
        if "No space left" in text or "disk" in text.lower():
            raise LoadError(f"the disk is full or fails: {text}", code="E323") from error
        raise SourceError(
            f"DuckDB cannot read it: {text}",
            hint="Nothing is loaded and no file counts as done. Mend the source, then run again.",
        ) from error


def duckdb_batches(reader: Any) -> Iterator[Any]:
    """The record batches of a query of DuckDB. Raises DuckDB's errors, of which Arrow's stream gives the text alone."""
    import duckdb

    kinds = {"INTERRUPT Error": duckdb.InterruptException, "Out of Memory Error": duckdb.OutOfMemoryException}
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except OSError as error:
            raise kinds.get(str(error).partition(":")[0], duckdb.Error)(str(error)) from error
        yield batch


def explain(resource: ColumnResource, error: Exception, scan: Scan) -> Exception:
    """DuckDB's refusal of a scan in the words of its resource, where that has some: it knows its files."""
    import duckdb

    failed: Callable[[Any, Scan], Exception] | None = getattr(resource, "failed", None)
    refusal = error.__cause__
    is_of_source = isinstance(error, SourceError) and isinstance(refusal, duckdb.Error)
    return failed(refusal, scan) if failed and is_of_source else error
