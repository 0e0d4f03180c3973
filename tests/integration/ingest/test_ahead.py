"""Pages taken apart before dlt asks: where that fails, or comes to something else, they are loaded as ever."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline_cli.loading import rows
from pipeline_cli.manifest.paginators import PageNumber
from pipeline_cli.manifest.sources import Endpoint, RestResource
from pipeline_cli.nested import ahead
from pipeline_cli.nested.ahead import Ahead, Prepared
from pipeline_cli.nested.package_files import FolderStorage
from pipeline_cli.sources.landing.opening import StaleLandingError
from tests.integration.ingest.test_by_column import SOME, watch_adopted
from tests.integration.ingest.world import World, pages_of
from tests.servers.json_api import JsonApi

COUNT = 4 * SOME


@pytest.fixture
def adopted(duck: World, api: JsonApi, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Four pages are served, each large enough; how many of them were taken over."""
    monkeypatch.setattr(Ahead, "batch_bytes", 1)
    records = [{"id": number, "lines": [{"n": number}, {"n": -number}]} for number in range(COUNT)]
    api.data["/items"] = pages_of([records[start : start + SOME] for start in range(0, COUNT, SOME)])
    paginator = PageNumber("page_number", base_page=0, total_path=None)
    duck.rest(items=RestResource(endpoint=Endpoint("items", paginator=paginator)))
    return watch_adopted(monkeypatch)


def check_loaded_once(world: World) -> None:
    assert sorted(world.rows("id", "items")) == [(number,) for number in range(COUNT)]
    lines = world.query(
        "SELECT i.id, l._dlt_list_idx, l.n FROM bronze_shop.items__lines l"
        " JOIN bronze_shop.items i ON i._dlt_id = l._dlt_parent_id ORDER BY 1, 2"
    )
    assert lines == [(id_, at, n) for id_ in range(COUNT) for at, n in enumerate((id_, -id_))]
    assert not list(world.project.loads_dir.glob("dlt/ahead/*"))


def test_every_page_is_done_when_dlt_asks(duck: World, adopted: list[int]) -> None:
    duck.ingest()
    check_loaded_once(duck)
    assert adopted == [COUNT // SOME]


@pytest.mark.parametrize(
    ("column", "compression"), [("_dlt_id", "Uncompressed"), ("_dlt_parent_id", "Dictionary")]
)
def test_duckdb_is_told_how_to_keep_ids_of_rows(
    duck: World, api: JsonApi, column: str, compression: str
) -> None:
    """It would find another way for each: lists of one tag leave no parent's id twice."""
    api.data["/items"] = [{"id": number, "tags": ["a"]} for number in range(48_000)]
    duck.rest(items=RestResource())
    duck.ingest()
    kinds = duck.query(
        "SELECT DISTINCT compression FROM pragma_storage_info('bronze_shop.items__tags')"
        f" WHERE column_name = '{column}' AND segment_type = 'VARCHAR'"
    )
    assert kinds == [(compression,)]


def test_a_full_disk_there_is_no_error_of_the_load(
    duck: World, adopted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*arguments: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FolderStorage, "write_data_item", write)
    duck.ingest()
    check_loaded_once(duck)
    assert adopted == []


def test_a_thread_that_the_machine_does_not_give_is_no_error_of_the_load(
    duck: World, adopted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batch is done, the second cannot begin."""
    starts = iter([True])

    def start(*arguments: Any) -> Any:
        if next(starts, None) is None:
            raise RuntimeError("can't start new thread")
        return start_thread(*arguments)

    start_thread = ahead.start_thread
    monkeypatch.setattr(ahead, "start_thread", start)
    duck.ingest()
    check_loaded_once(duck)
    assert adopted == []


def test_what_has_other_columns_than_dlt_comes_to_is_not_taken(
    duck: World, adopted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Ahead.take

    def take_with_less(self: Ahead, root: str) -> Prepared | None:
        found = take(self, root)
        assert found is not None and set(found.columns) == {"items", "items__lines"}
        return replace(found, columns={"items": found.columns["items"]})

    monkeypatch.setattr(Ahead, "take", take_with_less)
    duck.ingest()
    check_loaded_once(duck)
    assert adopted == []


def test_an_extraction_that_was_given_up_leaves_nothing(
    duck: World, adopted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had been landed was of another state: the source is read once more, from its beginning."""
    read, times = rows._read, []

    def read_twice(*arguments: Any) -> None:
        read(*arguments)
        times.append(1)
        if len(times) == 1:
            arguments[1].abort_packages()
            raise StaleLandingError("it has moved")

    monkeypatch.setattr(rows, "_read", read_twice)
    duck.ingest()
    check_loaded_once(duck)
    assert adopted == [COUNT // SOME]
