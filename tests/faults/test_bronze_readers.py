"""Somebody reads a bronze table all the time, on Postgres: a load shows whole or not at all, and waits for nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from pipeline_cli.testing import run_cli
from tests.faults.recovering import MakeWorld, start
from tests.faults.world import World

COUNTED = "SELECT count(*), sum(version), sum(id) FROM bronze_things.items"
Seen = tuple[int, int, int]


class Reader(threading.Thread):
    """Reads in transactions of two statements that see one moment (REPEATABLE READ), as `pg_dump` does."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.over = threading.Event()
        self.seen: list[Seen] = []
        self.torn: list[tuple[Seen, Seen]] = []

    def run(self) -> None:
        import psycopg2

        with closing(psycopg2.connect(self._url)) as connection:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            while not self.over.is_set():
                with connection, connection.cursor() as cursor:
                    pair = []
                    for _ in range(2):
                        cursor.execute(COUNTED)
                        pair.append(tuple(int(each or 0) for each in cursor.fetchone()))  # None: no rows
                        time.sleep(0.01)
                self.seen.append(pair[0])
                if pair[0] != pair[1]:
                    self.torn.append((pair[0], pair[1]))


def read_during(url: str, work: Callable[[], None]) -> Reader:
    reader = Reader(url)
    reader.start()
    work()
    reader.over.set()
    reader.join(60)
    return reader


@pytest.mark.faults
@pytest.mark.parametrize("disposition", ["replace", "merge", "append"])
@pytest.mark.parametrize("path", ["rows", "api", "columns"])
def test_a_reader_sees_a_load_whole_or_not_at_all(
    make_world: MakeWorld, path: str, disposition: str, postgres_url: str
) -> None:
    world = make_world(path, disposition, postgres_url)
    start(world)
    whole = {facts(world)}
    ends = []

    def load() -> None:
        for _ in range(4):
            world.grow()
            whole.add(facts(world))
            ends.append(run_cli(["run"], cwd=world.root, timeout_s=90))

    reader = read_during(postgres_url, load)
    assert [end.exit_code for end in ends] == [0] * 4, ends[-1].stderr
    assert set(reader.seen) <= whole, set(reader.seen) - whole
    assert not reader.torn
    assert len(reader.seen) > 20 and len(set(reader.seen)) > 1
    verdict = world.judge()
    assert (verdict.lost, verdict.doubled) == ({}, {})


def facts(world: World) -> Seen:
    """What the table holds once everything so far is loaded, counted in Python: rows, sum of versions, sum of ids."""
    rows = world.versions.elements() if world.disposition == "append" else world.current.items()
    listed = list(rows)
    return len(listed), sum(version for _, version in listed), sum(id_ for id_, _ in listed)
