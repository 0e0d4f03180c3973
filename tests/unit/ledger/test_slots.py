"""Slots in the ledger: of all that want one, one gets it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline_cli.ledger import Ledger, RunEntry
from pipeline_cli.ledger.slots import SlotBook, SlotTaken, slot_time

SLOT = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
BEFORE = SLOT - timedelta(minutes=1)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "runs.db"
    create: Callable[[], str] = request.getfixturevalue("postgres_database")
    return create()


def open_run(ledger: Ledger, token: str, run_id: str) -> None:
    ledger.start_run(RunEntry(run_id, "dev", "run", {"shop": []}, datetime.now(UTC), slot=token))


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """What `work` returned or raised, in as many threads that begin together."""
    found: list[object] = [None] * count
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        try:
            found[number] = work(number)
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_one_of_many_schedulers_gets_a_slot(database: Path | str) -> None:
    ledgers = [Ledger.open(database) for _ in range(6)]
    books = [SlotBook(ledger.database, "dev") for ledger in ledgers]
    begins = at_once(6, lambda number: books[number].decided_until("shop", "0 * * * *", BEFORE))
    assert begins == [BEFORE] * 6
    tokens = at_once(6, lambda number: books[number].take("shop", SLOT, BEFORE))
    (token,) = [token for token in tokens if token is not None]
    assert slot_time(str(token)) == "2026-11-21T06:00:00Z"
    assert books[0].decided_until("shop", "0 * * * *", BEFORE) == SLOT
    for ledger in ledgers:
        ledger.close()


def test_a_scheduler_that_saw_too_little_takes_nothing(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "runs.db")
    book = SlotBook(ledger.database, "dev")
    assert book.take("shop", SLOT, book.decided_until("shop", "0 * * * *", BEFORE))
    assert book.take("shop", SLOT + timedelta(hours=1), BEFORE) is None
    assert book.take("shop", SLOT + timedelta(hours=1), SLOT)


def test_one_of_many_runs_is_opened_for_a_token(database: Path | str) -> None:
    ledgers = [Ledger.open(database) for _ in range(4)]
    book = SlotBook(ledgers[0].database, "dev")
    token = book.take("shop", SLOT, book.decided_until("shop", "0 * * * *", BEFORE))
    assert token is not None
    found = at_once(4, lambda number: open_run(ledgers[number], token, f"run-{number}"))
    assert sorted(type(each).__name__ for each in found) == ["NoneType", *["SlotTaken"] * 3]
    (run,) = ledgers[0].recent()
    slot = book.find(token)
    assert slot is not None
    assert (slot.status, slot.run_id, slot.run) == ("started", run.run_id, "running")
    for ledger in ledgers:
        ledger.close()


def test_a_slot_that_is_taken_again_makes_the_old_token_worthless(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "runs.db")
    book = SlotBook(ledger.database, "dev")
    old = book.take("shop", SLOT, book.decided_until("shop", "0 * * * *", BEFORE))
    (slot,) = book.open_slots()
    new = book.take_again(slot)
    assert old is not None and new is not None
    assert book.take_again(slot) is None
    with pytest.raises(SlotTaken):
        open_run(ledger, old, "run-1")
    assert ledger.recent() == []
    open_run(ledger, new, "run-2")
    book.end(old, "failed")
    assert [(each.status, each.times_taken) for each in book.open_slots()] == [("started", 2)]


def test_a_run_knows_its_slot_and_one_by_hand_has_none(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "runs.db")
    book = SlotBook(ledger.database, "dev")
    token = book.take("shop", SLOT, book.decided_until("shop", "0 * * * *", BEFORE))
    open_run(ledger, token or "", "run-1")
    ledger.start_run(RunEntry("run-2", "dev", "run", {"shop": []}, datetime.now(UTC)))
    assert [(slot.at, slot.run_id) for slot in book.newest("shop", 5)] == [(SLOT, "run-1")]


def test_environments_have_slots_of_their_own(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "runs.db")
    for environment in ("dev", "prod"):
        book = SlotBook(ledger.database, environment)
        assert book.take("shop", SLOT, book.decided_until("shop", "0 * * * *", BEFORE))
        assert len(book.open_slots()) == 1


# -- what is kept --------------------------------------------------------------------------------------------


def test_old_slots_go_but_for_the_newest_and_what_is_not_over(database: Path | str) -> None:
    ledger = Ledger.open(database)
    book = SlotBook(ledger.database, "dev")
    day = timedelta(days=1)
    decided = book.decided_until("shop", "@daily UTC", SLOT - 10 * day)
    tokens = []
    for number in range(6):
        slot = SLOT - (6 - number) * day
        token = book.take("shop", slot, decided)
        assert token is not None
        tokens.append(token)
        decided = slot
    for number in (0, 1, 2, 5):
        book.end(tokens[number], "succeeded")
    (left,) = [slot for slot in book.open_slots() if slot.token == tokens[4]]
    book.drop(left, "catch_up: latest")
    other = SlotBook(ledger.database, "prod")
    only = other.take("shop", SLOT, other.decided_until("shop", "@daily UTC", SLOT - day))
    assert only is not None
    other.end(only, "succeeded")
    soon = datetime.now(UTC) + day

    assert ledger.prune("dev", alerts_before=soon, slots_before=datetime.now(UTC) - day) == 0
    assert ledger.prune("dev", alerts_before=soon, slots_before=soon) == 4

    # One was never run to an end, and one is the pipeline's newest.
    assert [slot.token for slot in book.newest("shop", 9)] == [tokens[5], tokens[3]]
    assert [slot.token for slot in book.open_slots()] == [tokens[3]]
    assert book.decided_until("shop", "@daily UTC", SLOT) == SLOT - day
    assert other.find(only) is not None
    ledger.close()
