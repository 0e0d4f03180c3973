"""What all cases share: sizes, folders, files, the server, the peers."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from benchmarks.files import changes_file, orders_file
from benchmarks.measure import clean_environment

if TYPE_CHECKING:
    from benchmarks.peers import Peers
    from tests.servers.postgres import PostgresServer

TITLES = {"duckdb": "DuckDB", "postgres": "Postgres"}  # destinations, by type


@dataclass(frozen=True)
class Workshop:
    """rows: of the large file; rounds: of our side and the baselines; peer_rounds: of peers with the large file."""

    cache: Path
    work: Path
    server: PostgresServer
    peers: Peers | None
    rows: int
    small_rows: int
    rounds: int
    peer_rounds: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_folder(self, name: str) -> Path:
        folder = self.work / f"{name}-{next(self._numbers)}"
        folder.mkdir()
        return folder

    def env(self, **more: str) -> dict[str, str]:
        return clean_environment(self.work / "home", **more)

    def orders(self, rows: int) -> Path:
        return orders_file(self.cache / "files", rows)

    def changes(self, rows: int, number: int) -> Path:
        return changes_file(self.cache / "files", rows, number)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of an empty database, which is dropped at the end."""
        name = self.server.create_database()
        try:
            yield self.server.url(name)
        finally:
            self.server.drop_database(name)

    def new_database(self) -> tuple[str, str]:
        """The name and the address of an empty database; the server has written what came before."""
        name = self.server.create_database()
        self.server.execute("CHECKPOINT")
        return name, self.server.url(name)


@contextmanager
def working_folder(root: Path) -> Iterator[Path]:
    """A folder for projects and warehouses, gone at the end."""
    root.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(prefix="work-", dir=root))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
