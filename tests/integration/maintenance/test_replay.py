"""Rejected records, sent through the gate again once the contract was mended."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline_cli.errors import Busy, UsageError
from pipeline_cli.maintenance.replay.outcomes import ReplayResult
from pipeline_cli.maintenance.replaying import discard_records, replay_records
from pipeline_cli.manifest.sources import Incremental, RestResource, SchemaContract
from pipeline_cli.quarantine import Wanted, list_rejected
from tests.integration.bulk.conftest import FileWorld
from tests.integration.ingest.world import World

STRICT = {
    "required": ["id"],
    "properties": {"id": {"type": "integer"}, "price": {"type": "number", "minimum": 0}},
}
MILD = {"required": ["id"], "properties": {"id": {"type": "integer"}, "price": {"type": "number"}}}
GOOD = {"id": 1, "price": 9.5, "lines": [{"sku": "a"}]}
NEGATIVE = {"id": 2, "price": -1, "lines": [{"sku": "b"}, {"sku": "c"}]}
FREE = {"id": 3, "price": "free"}


def products(world: World, schema: dict[str, Any], **options: Any) -> None:
    hints: dict[str, Any] = {"primary_key": ("id",), "write_disposition": "merge", **options}
    world.rest(items=RestResource(contract=world.contract("items", schema), **hints))


def replay(world: World, **wanted: Any) -> ReplayResult:
    return replay_records(world.project, ["shop"], Wanted(**wanted))[1]["shop"]


def kinds(result: ReplayResult) -> dict[str, int]:
    return {kind: count for kind, count in result.counts.items() if count}


def open_records(world: World) -> list[str]:
    warehouse = world.warehouse
    with warehouse.exclusive():
        return [each.record for each in list_rejected(world.project, warehouse)]


@pytest.mark.parametrize("disposition", ["merge", "append", "replace"])
def test_what_meets_todays_contract_is_loaded_once_with_its_children(world: World, disposition: str) -> None:
    products(world, STRICT, write_disposition=disposition)
    world.api.data["/items"] = [GOOD, NEGATIVE, FREE]
    world.ingest()
    [(received,)] = world.query("SELECT _extracted_at FROM bronze_shop._quarantine WHERE record LIKE '%-1%'")
    products(world, MILD, write_disposition=disposition)
    result = replay(world)
    assert kinds(result) == {"loaded": 1, "rejected": 1}
    [account] = result.resources
    assert (account.extracted, account.loaded, account.quarantined, account.deduplicated) == (2, 1, 1, 0)
    assert world.rows("id, price") == [(1, 9.5), (2, -1.0)]
    assert sorted(world.query("SELECT sku FROM bronze_shop.items__lines")) == [("a",), ("b",), ("c",)]
    assert world.query("SELECT _extracted_at FROM bronze_shop.items WHERE id = 2") == [(received,)]
    assert len(open_records(world)) == 1 and '"free"' in open_records(world)[0]
    assert kinds(replay(world)) == {"rejected": 1}
    assert world.rows("id") == [(1,), (2,)]


def test_a_record_that_is_still_bad_stays_with_its_new_reasons(duck: World) -> None:
    products(duck, STRICT)
    duck.api.data["/items"] = [NEGATIVE]
    duck.ingest()
    products(duck, {**STRICT, "properties": {"price": {"type": "number", "minimum": 5}}})
    assert kinds(replay(duck)) == {"rejected": 1}
    [(_, reasons)] = duck.quarantine()
    assert [reason["message"] for reason in reasons] == ["-1 is less than the minimum of 5"]
    duck.ingest()  # a run that rejects it for the same reasons finds it there
    assert len(duck.quarantine()) == 1


def test_a_schema_that_is_frozen_meanwhile_does_not_end_a_replay(world: World) -> None:
    frozen = SchemaContract(tables="freeze", columns="freeze", data_type="freeze")
    products(world, STRICT)
    world.api.data["/items"] = [{"id": 1, "price": 9.5}, {"id": 2, "price": -1}, {**FREE, "price": "-1"}]
    world.ingest()
    products(world, {"required": ["id"]}, schema_contract=frozen)
    assert kinds(replay(world)) == {"loaded": 1, "rejected": 1}
    assert world.rows("id, price") == [(1, 9.5), (2, -1.0)]


def test_an_older_version_does_not_overwrite_a_newer_row(world: World) -> None:
    products(world, STRICT)
    world.api.data["/items"] = [NEGATIVE]
    world.ingest()
    world.api.data["/items"] = [{"id": 2, "price": 7}]
    world.ingest()
    products(world, MILD)
    result = replay(world)
    assert kinds(result) == {"superseded": 1}
    assert "was received later" in next(iter(result.outcomes.values())).note
    assert world.rows("id, price") == [(2, 7.0)]
    assert open_records(world) == []


def test_the_cursor_says_which_version_is_newer(world: World) -> None:
    """Received first, but changed later at its source: it is the newer."""
    cursor = Incremental("changed")
    newer = {"id": 2, "price": -1, "changed": "2026-02-01T00:00:00Z"}
    older = {"id": 3, "price": -1, "changed": "2026-01-01T00:00:00Z"}
    products(world, STRICT, incremental=cursor)
    world.api.data["/items"] = [newer, older, {"id": 9, "price": 1, "changed": "2025-12-01T00:00:00Z"}]
    world.ingest()
    world.api.data["/items"] = [
        {"id": 2, "price": 5, "changed": "2026-01-15T00:00:00Z"},
        {"id": 3, "price": 6, "changed": "2026-01-15T00:00:00Z"},
    ]
    world.ingest()
    products(world, MILD, incremental=cursor)
    result = replay(world)
    assert kinds(result) == {"loaded": 1, "superseded": 1}
    assert world.rows("id, price") == [(2, -1.0), (3, 6.0), (9, 1.0)]
    [late] = [each.note for each in result.outcomes.values() if each.kind == "superseded"]
    assert "later changed 2026-01-15" in late


def test_a_replay_moves_no_cursor(duck: World) -> None:
    cursor = Incremental("id")
    products(duck, STRICT, incremental=cursor, write_disposition="append", primary_key=())
    duck.api.data["/items"] = [{"id": 5, "price": 1}, {"id": 9, "price": -1}]
    duck.ingest()
    products(duck, MILD, incremental=cursor, write_disposition="append", primary_key=())
    assert kinds(replay(duck)) == {"loaded": 1}
    duck.api.data["/items"] = [
        {"id": 5, "price": 1},
        {"id": 7, "price": 2},
        {"id": 9, "price": -1},
        {"id": 10, "price": 3},
    ]
    duck.ingest()
    assert (7,) in duck.rows("id")
    assert (10,) in duck.rows("id")


def test_versions_of_one_key_are_replayed_to_the_last(duck: World) -> None:
    products(duck, STRICT)
    for price in (-1, -2, -3):
        duck.api.data["/items"] = [{"id": 2, "price": price}]
        duck.ingest()
    products(duck, MILD)
    assert kinds(replay(duck)) == {"loaded": 1, "superseded": 2}
    assert duck.rows("id, price") == [(2, -3.0)]


def test_scd2_with_a_cursor_gets_the_next_version(world: World) -> None:
    options: dict[str, Any] = {"write_disposition": "scd2", "incremental": Incremental("at")}
    products(world, STRICT, **options)
    world.api.data["/items"] = [{"id": 1, "price": 1, "at": 1}, {"id": 2, "price": 1, "at": 1}]
    world.ingest()
    world.api.data["/items"] = [{"id": 2, "price": -1, "at": 2}]
    world.ingest()
    products(world, MILD, **options)
    assert kinds(replay(world)) == {"loaded": 1}
    current = world.query("SELECT id, price FROM bronze_shop.items WHERE _dlt_valid_to IS NULL ORDER BY id")
    assert current == [(1, 1.0), (2, -1.0)]
    assert len(world.rows("id")) == 3


def test_scd2_of_everything_waits_for_the_next_run(duck: World) -> None:
    products(duck, STRICT, write_disposition="scd2")
    duck.api.data["/items"] = [GOOD, NEGATIVE]
    duck.ingest()
    products(duck, MILD, write_disposition="scd2")
    result = replay(duck)
    assert kinds(result) == {"held": 1}
    assert "the next run reads" in next(iter(result.outcomes.values())).note
    duck.ingest()
    assert [row[0] for row in duck.rows("id", where="WHERE _dlt_valid_to IS NULL")] == [1, 2]


def test_records_are_chosen_by_rule_run_and_resource(duck: World) -> None:
    products(duck, {**STRICT, "required": ["id", "price"]})
    duck.api.data["/items"] = [NEGATIVE, {"id": 4}]
    duck.ingest()
    products(duck, {})
    assert kinds(replay(duck, rule="required")) == {"loaded": 1}
    assert duck.rows("id") == [(4,)]
    with pytest.raises(UsageError, match="No open record in quarantine fits"):
        replay(duck, run_id="run99")
    assert kinds(replay(duck, run_id="run1", resource="items")) == {"loaded": 1}


def test_what_was_discarded_is_kept_and_not_replayed(world: World) -> None:
    products(world, STRICT)
    world.api.data["/items"] = [NEGATIVE, FREE]
    world.ingest()
    _, discarded = discard_records(world.project, ["shop"], Wanted(rule="type"), "a 'test' order")
    assert [len(ids) for ids in discarded.values()] == [1]
    products(world, MILD)
    assert kinds(replay(world)) == {"loaded": 1}
    warehouse = world.warehouse
    with warehouse.exclusive():
        found = {each.decision: each for each in list_rejected(world.project, warehouse, decided=True)}
    assert set(found) == {"discarded", "replayed"}
    assert found["discarded"].reason == "a 'test' order"
    assert "@" in str(found["discarded"].decided_by)


def test_a_replay_is_a_run_of_its_own_in_the_ledger(duck: World) -> None:
    from pipeline_cli.run import open_ledger

    products(duck, STRICT)
    duck.api.data["/items"] = [NEGATIVE]
    duck.ingest()
    products(duck, MILD)
    operation, results = replay_records(duck.project, ["shop"], Wanted())
    with open_ledger(duck.project) as ledger:
        [run] = ledger.recent()
        assert (run.run_id, run.command, run.status) == (operation.run_id, "quarantine replay", "succeeded")
        [step] = ledger.document(run.run_id)["pipelines"][0]["steps"]
        assert step["name"] == "replay:shop"
        assert step["resources"][0]["loaded"] == 1
        touched = ledger.loaded_tables("test", results["shop"].load_ids)
        assert touched == {
            results["shop"].load_ids[0]: {("bronze_shop", "items"), ("bronze_shop", "items__lines")}
        }
        assert ledger.last_load("test", ["shop"]) is None  # nothing new came from the source
        assert ledger.last_failed("test") is None


def test_a_replay_waits_for_nobody_and_names_who_holds_the_warehouse(duck: World) -> None:
    from pipeline_cli.locks import hold_lock

    products(duck, STRICT)
    duck.api.data["/items"] = [NEGATIVE]
    duck.ingest()
    lock = duck.project.state_dir / "locks" / "source-shop.lock"
    with hold_lock(lock, "source shop", "run"), pytest.raises(Busy, match="source shop is held by process"):
        replay(duck)


# -- files -----------------------------------------------------------------------------------------------------


def file_items(files: FileWorld, schema: dict[str, Any], **options: Any) -> None:
    hints: dict[str, Any] = {"primary_key": ("id",), "write_disposition": "merge", **options}
    files.files(contract=files.contract("items", schema), **hints)


@pytest.mark.parametrize("disposition", ["merge", "append", "replace", "scd2"])
def test_rows_of_files_are_replayed_in_one_transaction(files: FileWorld, disposition: str) -> None:
    file_items(files, STRICT, write_disposition=disposition)
    files.write("a.csv", "id,price,note", "1,9.5,x", "2,-1,y", "3,free,z", "4")
    files.ingest()
    assert files.rows("id, price") == [(1, 9.5)]
    file_items(files, MILD, write_disposition=disposition)
    assert kinds(replay(files)) == {"loaded": 1, "rejected": 1, "held": 1}
    assert files.rows("id, price, note") == [(1, 9.5, "x"), (2, -1.0, "y")]
    assert kinds(replay(files)) == {"rejected": 1, "held": 1}
    assert files.rows("id, price, note") == [(1, 9.5, "x"), (2, -1.0, "y")]
    assert len(open_records(files)) == 2


def test_a_replayed_row_is_the_one_that_its_file_would_have_given(files: FileWorld) -> None:
    """The same content hash: read again, the file brings nothing new."""
    file_items(files, STRICT)
    file = files.write("a.csv", "id,price,note", "1,9.5,x", "2,-1,y")
    files.ingest()
    file_items(files, MILD)
    replay(files)
    file.touch()
    result = files.ingest()
    assert files.account(result) == (2, 0, 0, 2)


def test_a_newer_row_of_a_file_stays(files: FileWorld) -> None:
    file_items(files, STRICT)
    files.write("a.csv", "id,price", "2,-1", "5,-5")
    files.ingest()
    files.write("b.csv", "id,price", "2,7")
    files.ingest()
    file_items(files, MILD)
    assert kinds(replay(files)) == {"loaded": 1, "superseded": 1}
    assert files.rows("id, price") == [(2, 7.0), (5, -5.0)]


def test_json_lines_are_judged_as_json(files: FileWorld) -> None:
    hints: dict[str, Any] = {"file_glob": "*.jsonl", "write_disposition": "append", "primary_key": ()}
    file_items(files, STRICT, **hints)
    files.write(
        "a.jsonl",
        '{"id": 1, "price": 1}',
        '{"id": 2, "price": -0.12345678901234567890}',
        '{"id": 3, "price": "5"}',
    )
    files.ingest()
    file_items(files, MILD, **hints)
    assert kinds(replay(files)) == {"rejected": 2}
