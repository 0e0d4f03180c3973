"""The ledger: every run, its steps, loads, checks and models, and what each transform was built from."""

from __future__ import annotations

from pipeline_cli.ledger.alert_entries import AlertNews, DueAlert, Incident, StoredAlert
from pipeline_cli.ledger.entries import LoadEntry, RunEntry, RunSummary, TransformState, new_run_id
from pipeline_cli.ledger.ledger import Ledger

__all__ = [
    "AlertNews",
    "DueAlert",
    "Incident",
    "Ledger",
    "LoadEntry",
    "RunEntry",
    "RunSummary",
    "StoredAlert",
    "TransformState",
    "new_run_id",
]
