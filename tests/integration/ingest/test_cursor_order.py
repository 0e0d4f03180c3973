"""Cursors that come in any order and with any offset, page by page: nothing is lost between two runs."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from pipeline_cli.manifest.paginators import PageNumber
from pipeline_cli.manifest.sources import Endpoint, Incremental, RestResource
from tests.integration.ingest.world import Row, World
from tests.servers.json_api import Answer, Request

PAGED = Endpoint("items", paginator=PageNumber("page_number"))


def serve(world: World, rows: list[Row]) -> None:
    """Ten a page, whatever is asked for: as an API that filters by `since` and does not sort."""

    def answer(request: Request) -> Answer:
        since = datetime.fromisoformat(request.query["since"])
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        left = [row for row in rows if datetime.fromisoformat(row["at"]) >= since]
        start = 10 * int(request.query.get("page", 0))
        return Answer(left[start : start + 10])

    world.api.data["/items"] = answer


def load_by_instant(world: World, disposition: str, start: str = "2024-01-01") -> None:
    """A paged resource whose cursor is the text of a moment."""
    key = ("id",) if disposition == "merge" else ()
    world.rest(
        items=RestResource(
            endpoint=PAGED,
            primary_key=key,
            write_disposition=disposition,  # type: ignore[arg-type]
            incremental=Incremental("at", start, start_param="since"),
        )
    )


@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_pages_out_of_order_lose_and_double_nothing(world: World, disposition: str) -> None:
    load_by_instant(world, disposition, "2024-01-01T00:00:00+00:00")
    rows: list[Row] = []
    chance = Random(7)
    for batch in range(3):
        # Ids of a batch are later than those of the one before, and come shuffled.
        rows += [
            {"id": number, "at": f"2024-0{batch + 1}-{number % 28 + 1:02}T10:00:00+00:00"}
            for number in range(batch * 35, batch * 35 + 35)
        ]
        chance.shuffle(rows)
        serve(world, rows)
        world.ingest()
        assert sorted(id_ for (id_,) in world.rows("id")) == list(range(batch * 35 + 35))


@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_cursors_with_mixed_offsets_are_compared_as_moments(world: World, disposition: str) -> None:
    load_by_instant(world, disposition)
    # Letter by letter 23:30-05:00 is before 23:59+14:00; it is 18 and a half hours after it.
    rows = [
        {"id": 1, "at": "2024-01-02T23:30:00-05:00"},
        {"id": 2, "at": "2024-01-02T23:59:00+14:00"},
        {"id": 3, "at": "2024-01-02T12:00:00+00:00"},
    ]
    serve(world, rows)
    world.ingest()
    # Later than the last, and earlier letter by letter; then a tie, in other letters.
    for row in ({"id": 4, "at": "2024-01-02T21:00:00-08:00"}, {"id": 5, "at": "2024-01-03T05:00:00+00:00"}):
        rows.append(row)
        serve(world, rows)
        world.ingest()
    asked = datetime.fromisoformat(world.api.requests[-1].query["since"])
    assert asked == datetime(2024, 1, 3, 5, tzinfo=UTC)
    world.ingest()
    assert world.rows("id") == [(1,), (2,), (3,), (4,), (5,)]


def test_times_with_and_without_a_fraction_are_compared_as_moments(duck: World) -> None:
    load_by_instant(duck, "append")
    rows = [{"id": 1, "at": "2024-01-02T10:00:00Z"}]
    for row in ({"id": 2, "at": "2024-01-02T10:00:00.5Z"}, {"id": 3, "at": "2024-01-02T10:00:00.25Z"}):
        serve(duck, rows)
        duck.ingest()
        rows.append(row)
    serve(duck, rows)
    duck.ingest()
    # The third comes late, by a quarter of a second: without a lag it is not asked for any more.
    assert duck.rows("id") == [(1,), (2,)]
