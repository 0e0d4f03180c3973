"""Back to a restore point of an API with a cursor: rows, rejects and dlt's state as they were, and on from there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline_cli.testing import make_project
from tests.integration.planning.conftest import World
from tests.servers.json_api import Answer, JsonApi, Request

MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: warehouse}}
sources:
  api:
    type: rest_api
    client: {base_url: "${env:API_URL}"}
    resources:
      events:
        endpoint: {path: events, params: {since: "{incremental.start_value}"}}
        primary_key: id
        write_disposition: append
        incremental: {cursor_path: id, initial_value: 0}
        contract: sources/events.schema.json
        on_violation: quarantine
pipelines:
  shop: {sources: [api]}
"""
CONTRACT = {"properties": {"price": {"type": "number", "minimum": 0}}}


@dataclass
class Shop:
    """An API of events, where a price below 0 is against the contract, and its pipeline."""

    world: World
    api: JsonApi

    def serve(self, **prices: int) -> None:
        """The events that the API has now: e4=10 is the one of id 4."""
        self.api.data["/all"] = [{"id": int(name[1:]), "price": price} for name, price in prices.items()]

    def call(self, *arguments: str) -> dict[str, Any]:
        result = self.world.run(*arguments, "--json")
        assert (result.exit_code, result.document is not None) == (0, True), result.stdout + result.stderr
        assert result.document is not None
        return result.document

    def destroy(self) -> str:
        """Replace all rows by what comes from now on; the restore point that the applied plan made."""
        self.world.change("pipelines.yaml", "write_disposition: append", "write_disposition: replace")
        self.call("plan", "--no-probe", "--out", "a.plan")
        self.call("apply", "a.plan", "--allow-destructive")
        (point,) = self.call("restore")["points"]
        return str(point["id"])

    def change_back(self) -> None:
        self.world.change("pipelines.yaml", "write_disposition: replace", "write_disposition: append")

    def state(self) -> tuple[list[int], list[int], int]:
        """The ids of the rows, those of the rejects, and the cursor."""
        rows = self.world.query("SELECT id FROM bronze_api.events ORDER BY id")
        rejects = sorted(
            json.loads(text)["id"]
            for (text,) in self.world.query("SELECT record FROM bronze_api._quarantine")
        )
        (cursor,) = self.call("state", "list")["cursors"]
        return [id_ for (id_,) in rows], rejects, cursor["value"]

    def last_since(self) -> str:
        """From where the newest run has read."""
        return self.api.requests[-1].query["since"]


@contextmanager
def open_shop(world: World) -> Iterator[Shop]:
    def answer(request: Request) -> Answer:
        since = int(request.query["since"])
        return Answer([event for event in api.data["/all"] if event["id"] >= since])

    with JsonApi({"/all": [], "/events": answer}) as api:
        make_project(world.root, MANIFEST, {"sources/events.schema.json": json.dumps(CONTRACT)})
        world.variables = {**world.variables, "API_URL": api.url}
        yield Shop(world, api)


@pytest.mark.thorough
def test_restore_takes_rows_rejects_and_cursor_back_and_the_next_run_reads_on_from_there(
    world: World,
) -> None:
    with open_shop(world) as shop:
        shop.serve(e1=10, e2=20, e3=-1, e4=40)
        shop.call("run")
        assert shop.state() == ([1, 2, 4], [3], 4)

        # The API has forgotten what came first: nobody but the restore point has it.
        shop.serve(e4=40, e5=50, e6=-1)
        point = shop.destroy()
        assert shop.state() == ([4, 5], [3, 6], 5)

        shop.call("restore", point, "--yes")
        assert shop.state() == ([1, 2, 4], [3], 4)

        shop.change_back()
        shop.serve(e4=40, e5=50, e6=-1, e7=70)
        for since in ("4", "7"):
            shop.call("run")
            assert shop.last_since() == since
            assert shop.state() == ([1, 2, 4, 5, 7], [3, 6], 7)
