"""Pages taken apart while the next ones are on their way; dlt's normalize step finds their tables' files written.

That is done on a copy of dlt's schema, and counts only where dlt's own comes to the same columns. Where it does not,
where a thread or the disk fails, and where the process dies in between, the normalize step takes the pages apart from
their files in the package: nothing of what is here has to outlive the process.
"""

from __future__ import annotations

import copy
import logging
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from pipeline_cli.nested.pages import SpooledPage
from pipeline_cli.threads import start_thread

if TYPE_CHECKING:
    from dlt.common.schema import Schema
    from dlt.common.schema.typing import TTableSchemaColumns

log = logging.getLogger(__name__)

_opened: dict[tuple[str, str], Ahead] = {}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was done ahead of one root table.

    pages: keys of those that are done. exemplars: what its schema was evolved by, in order; columns: what that came
    to, by table. files: as dlt's writers tell of them; spec: what these writers were.
    """

    pages: frozenset[str]
    exemplars: Sequence[Any]
    columns: Mapping[str, TTableSchemaColumns]
    files: Sequence[Any]
    spec: Any


class Ahead:
    """The pages of one source, which dlt extracts in one thread. Memory: two batches."""

    batch_bytes: ClassVar[int] = 8 << 20  # in memory; of all tables together

    def __init__(self, folder: Path, file_format: str) -> None:
        """folder: for the files, until dlt has linked them; file_format: that dlt was told to load by."""
        self._folder = folder
        self._file_format = file_format
        self._package: tuple[str, str] | None = None
        self._has_failed = False
        self._waiting: dict[str, list[SpooledPage]] = {}
        self._bytes: Counter[str] = Counter()  # of those that wait
        self._roots: dict[str, _Root] = {}
        self._at_work: Future[None] | None = None

    @contextmanager
    def opened(self) -> Iterator[Ahead]:
        """The folder is emptied when this begins and ends."""
        self._begin(None)
        try:
            yield self
        finally:
            self._begin(None)

    def add(self, root: str, page: SpooledPage) -> None:
        """In dlt's thread, while it extracts: a page whose file goes into the package. root: its table."""
        try:
            self._add(root, page)
        except Exception as error:
            self._give_up(error)

    def _add(self, root: str, page: SpooledPage) -> None:
        import dlt

        load_id = dlt.current.load_package_state()["load_id"]
        if self._package is None or load_id != self._package[1]:
            self._begin((dlt.current.source_schema().name, load_id))
        if self._has_failed:
            return
        self._waiting.setdefault(root, []).append(page)
        self._bytes[root] += page.table.get_total_buffer_size()
        if self._bytes.total() < self.batch_bytes:
            return
        [(largest, _)] = self._bytes.most_common(1)
        pages = self._waiting.pop(largest)
        del self._bytes[largest]
        schema: Schema = dlt.current.source_schema()
        if largest not in schema.tables:  # dlt knows nothing of it before it has taken its first page
            return
        if largest not in self._roots:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._roots[largest] = _Root.of(largest, schema, load_id, self._file_format, self._folder)
        self._wait()
        self._at_work = start_thread(partial(self._roots[largest].take_apart, pages), "unnest ahead")

    def take(self, root: str) -> Prepared | None:
        """What is done of this root table, once: its last pages, too, where there were so many that some were done.

        In files of their own these would be loaded by statements of their own, after which DuckDB writes the last rows
        of a table twice: half a second for a million.
        """
        try:
            self._wait()
            found = None if self._has_failed else self._roots.pop(root, None)
            if found is None:
                return None
            found.take_apart(self._waiting.pop(root, ()))
            return found.close()
        except Exception as error:
            self._give_up(error)
            return None

    def _wait(self) -> None:
        at_work, self._at_work = self._at_work, None
        if at_work is not None:
            at_work.result()

    def _begin(self, package: tuple[str, str] | None) -> None:
        """Forget the package before: its extraction was given up, or it is loaded."""
        if self._package is not None:
            _opened.pop(self._package, None)
        self._clear()
        self._package, self._has_failed = package, False
        if package is not None:
            _opened[package] = self

    def _give_up(self, error: Exception) -> None:
        log.debug("pages are taken apart later: %r", error)
        self._has_failed = True
        self._clear()

    def _clear(self) -> None:
        if self._at_work is not None:
            self._at_work.exception()  # it is at an end when this returns
        self._at_work, self._waiting, self._roots = None, {}, {}
        self._bytes.clear()
        shutil.rmtree(self._folder, ignore_errors=True)


def prepared(schema_name: str, load_id: str, root: str) -> Prepared | None:
    """What was done ahead, in this process, of a root table in a load package."""
    ahead = _opened.get((schema_name, load_id))
    return ahead.take(root) if ahead is not None else None


@dataclass(slots=True)
class _Root:
    """One root table and those below it. normalizer: dlt's of rows, on the copy of the schema."""

    name: str
    pipeline_name: str
    normalizer: Any
    storage: Any
    pages: set[str] = field(default_factory=set)
    exemplars: list[Any] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, schema: Schema, load_id: str, file_format: str, folder: Path) -> _Root:
        """In dlt's thread, where what the destination can do is known."""
        import dlt
        from dlt.common.configuration.container import Container
        from dlt.common.destination import DestinationCapabilitiesContext
        from dlt.common.schema import Schema
        from dlt.normalize.items_normalizers import JsonLItemsNormalizer

        from pipeline_cli.nested.package_files import FolderStorage

        capabilities = Container()[DestinationCapabilitiesContext].copy()
        config: Any = SimpleNamespace(destination_capabilities=capabilities)
        own = Schema.from_stored_schema(copy.deepcopy(schema.to_dict()))
        none: Any = None  # it writes nothing, and is asked for the schema alone
        normalizer = JsonLItemsNormalizer(none, none, none, own, load_id, config)
        storage = FolderStorage(folder, file_format)
        return cls(name, dlt.current.pipeline().pipeline_name, normalizer, storage)

    def take_apart(self, pages: Sequence[SpooledPage]) -> None:
        """In any thread; it is given what dlt's normalize step has."""
        from pipeline_cli.nested.batches import alike
        from pipeline_cli.nested.exemplar import exemplar
        from pipeline_cli.nested.normalizer import unnest

        schema, load_id = self.normalizer.schema, self.normalizer.load_id
        with self._as_in_normalize_step():
            for batch in alike(pages):
                one = exemplar(batch.nested, batch.whole)
                self.exemplars.append(copy.deepcopy(one))  # dlt changes it
                self.normalizer._normalize_chunk(self.name, [one], may_have_pua=False, skip_write=True)
                for table in unnest(self.normalizer, self.name, batch):
                    self.storage.write_data_item(load_id, schema.name, table.name, table.rows, table.columns)
        self.pages.update(page.key for page in pages)

    @contextmanager
    def _as_in_normalize_step(self) -> Iterator[None]:
        """dlt's settings and the destination's capabilities as its writers find them there."""
        from dlt.common.configuration.container import Container
        from dlt.common.configuration.resolve import inject_section
        from dlt.common.configuration.specs.config_section_context import ConfigSectionContext

        section = ConfigSectionContext(pipeline_name=self.pipeline_name, sections=("normalize",))
        with (
            Container().injectable_context(self.normalizer.config.destination_capabilities),
            inject_section(section),
        ):
            yield

    def close(self) -> Prepared:
        from pipeline_cli.nested.normalizer import columns_below

        load_id = self.normalizer.load_id
        self.storage.close_writers(load_id)
        return Prepared(
            frozenset(self.pages),
            self.exemplars,
            columns_below(self.normalizer.schema, self.name),
            self.storage.closed_files(load_id),
            self.storage.writer_spec,
        )
