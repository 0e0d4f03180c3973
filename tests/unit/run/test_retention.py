"""A run's end removes from the ledger what is over and old."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pipeline_cli.document import utc_now
from pipeline_cli.ledger import AlertNews, DueAlert
from pipeline_cli.run import open_ledger
from tests.unit.run.world import make_world


def test_a_run_removes_what_arrived_long_ago_and_not_what_is_due(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    made = utc_now() - timedelta(days=366)
    alerts = [
        DueAlert(name, "dev", "email", "failure", None, (), {"title": name}, made, made + timedelta(days=999))
        for name in ("arrived", "due", "newest")
    ]
    with open_ledger(world.project) as ledger:
        ledger.alerts.write(AlertNews([], alerts))
        for name in ("arrived", "newest"):
            ledger.alerts.note_sent(name, made, "250 OK")

        assert world.run().warnings == []

        assert [each.alert_id for each in ledger.alerts.recent_alerts(None, 9)] == ["newest", "due"]
