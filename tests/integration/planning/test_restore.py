"""Back to a restore point of an API with a cursor: rows, rejects and dlt's state as they were, and on from there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline_cli.failpoints import VARIABLE
from pipeline_cli.testing import make_project
from tests.integration.planning.conftest import World
from tests.servers.json_api import Answer, JsonApi, Request
from tests.warm import run_cli

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
APPLY = ("apply", "a.plan", "--allow-destructive")
# The ids of the rows, those of the rejects, and the cursor.
LOADED = ([1, 2, 4], [3], 4)
DESTROYED = ([4, 5], [3, 6], 5)
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
        self.plan_to_destroy()
        self.call(*APPLY)
        return self.point()

    def plan_to_destroy(self) -> None:
        self.world.change("pipelines.yaml", "write_disposition: append", "write_disposition: replace")
        self.call("plan", "--no-probe", "--out", "a.plan")

    def point(self) -> str:
        (point,) = self.call("restore")["points"]
        return str(point["id"])

    def kill(self, moment: str, *arguments: str) -> None:
        """A command that kills itself at a failpoint."""
        variables = {**self.world.variables, VARIABLE: moment}
        killed = run_cli(arguments, cwd=self.world.root, env=variables)
        assert killed.exit_code == -9, (killed.exit_code, killed.stdout, killed.stderr)

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


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    """Four events were loaded; since then the API has forgotten the first ones, and only the warehouse has them."""
    with open_shop(world) as shop:
        shop.serve(e1=10, e2=20, e3=-1, e4=40)
        shop.call("run")
        assert shop.state() == LOADED
        shop.serve(e4=40, e5=50, e6=-1)
        yield shop


def run_on(shop: Shop) -> None:
    """The manifest is as it was again: two runs go on from the cursor that was restored."""
    shop.change_back()
    shop.serve(e4=40, e5=50, e6=-1, e7=70)
    for since in ("4", "7"):
        shop.call("run")
        assert shop.last_since() == since
        assert shop.state() == ([1, 2, 4, 5, 7], [3, 6], 7)


@pytest.mark.thorough
def test_restore_takes_rows_rejects_and_cursor_back_and_the_next_run_reads_on_from_there(shop: Shop) -> None:
    point = shop.destroy()
    assert shop.state() == DESTROYED
    shop.call("restore", point, "--yes")
    assert shop.state() == LOADED
    run_on(shop)


@pytest.mark.faults
@pytest.mark.parametrize("next_command", [APPLY, ("run",)], ids=["apply", "run"])
@pytest.mark.parametrize("moment", ["apply.copied", "apply.approved", "load.commit_after", "load.after"])
def test_an_apply_that_was_killed_is_done_by_the_next_command_and_its_restore_point_holds(
    shop: Shop, moment: str, next_command: tuple[str, ...]
) -> None:
    shop.plan_to_destroy()
    shop.kill(moment, *APPLY)
    shop.call(*next_command)
    assert shop.state() == DESTROYED
    shop.call("restore", shop.point(), "--yes")
    assert shop.state() == LOADED
    run_on(shop)


@pytest.mark.faults
@pytest.mark.parametrize("next_command", ["restore", "run"])
@pytest.mark.parametrize("moment", ["restore.commit_before", "restore.commit_after"])
def test_a_restore_that_was_killed_has_happened_whole_or_not_at_all(
    shop: Shop, moment: str, next_command: str
) -> None:
    point = shop.destroy()
    shop.kill(moment, "restore", point, "--yes")
    if next_command == "restore" or moment == "restore.commit_before":
        assert shop.state() == (DESTROYED if moment == "restore.commit_before" else LOADED)
        shop.call("restore", point, "--yes")
    assert shop.state() == LOADED
    run_on(shop)
