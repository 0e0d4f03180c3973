"""The mails of the five systems, read on a real mail server."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_cli.testing import run_cli
from tests.servers.json_api import JsonApi
from tests.servers.smtp import MailServer


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def variables(server: MailServer, **more: str) -> dict[str, str]:
    return {
        "SMTP_URL": server.url,
        "SMTP_ENCRYPTION": "none",
        "ALERT_EMAIL": "team@example.com",
        "ALERT_SENDER": "Shop pipelines <pipelines@example.com>",
        **more,
    }


def test_crm_tells_its_success_and_its_failure_and_its_end(project_copy: Path, server: MailServer) -> None:
    env = variables(server)
    assert run_cli(["run", "crm"], cwd=project_copy, env=env).exit_code == 0
    (success,) = server.mails
    assert success.subject == "[shop dev] crm succeeded"
    assert (success.to, success.message["From"]) == (
        ["team@example.com"],
        "Shop pipelines <pipelines@example.com>",
    )
    assert "ingest:crm  succeeded" in success.text
    assert "checks passed" in success.html

    model = next((project_copy / "transforms/crm/models").rglob("fact_regional_sales.sql"))
    right = model.read_text()
    model.write_text(right + "\nWHERE no_such_column = 1")
    assert run_cli(["run", "crm"], cwd=project_copy, env=env).exit_code == 1
    failure = server.mails[1]
    assert failure.subject == "[shop dev] crm failed at transform:crm"
    for told in (
        "no_such_column",
        "Pipeline: crm",
        "Step: transform:crm, try 1",
        "Stopped: test:crm",
        "Affected: the models of crm are not brought up to date",
        "Last good run: ",
        "Next: pipeline-cli retry ",
        "Log: pipeline-cli logs ",
        "Log file: .pipeline/logs/",
    ):
        assert told in failure.text, told
    model.write_text(right)
    assert run_cli(["run", "crm"], cwd=project_copy, env=env).exit_code == 0
    ends = [mail.subject.split(" after")[0] for mail in server.mails[2:]]
    assert sorted(ends) == ["[shop dev] crm is well again", "[shop dev] crm succeeded"]


def test_retail_dailys_report_comes_by_mail_with_its_files_and_pictures(
    project_copy: Path, server: MailServer
) -> None:
    result = run_cli(["run", "retail_daily"], cwd=project_copy, env=variables(server))
    assert result.exit_code == 0, result.stdout + result.stderr
    (mail,) = server.mails
    assert mail.subject == "[shop dev] Daily sales"
    files = mail.attachments
    assert {"daily_sales.html", "daily_sales.pdf", "daily_sales.kpis.csv"} <= set(files)
    assert files["daily_sales.pdf"].startswith(b"%PDF-")
    assert b"<!doctype html>" in files["daily_sales.html"][:200].lower()
    (totals,) = csv.DictReader(io.StringIO(files["daily_sales.kpis.csv"].decode("utf-8-sig")))
    assert f"{float(totals['total_sales']):,.2f}" in mail.html
    assert len(mail.pictures) >= 3
    for name, picture in mail.pictures.items():
        assert picture.startswith(b"\x89PNG")
        assert f'src="cid:{name}"' in mail.html
    assert "http://" not in mail.html, "nothing is loaded from anywhere"


def test_marketing_is_watched_by_mail_and_by_slack(project_copy: Path, server: MailServer) -> None:
    with JsonApi({"/services/hook": "ok"}) as slack:
        env = variables(server, SLACK_WEBHOOK=f"{slack.url}/services/hook")
        (project_copy / "sources/marketing_crm/orders_2026.csv").rename(project_copy / "orders.csv")
        (project_copy / "sources/meta_ads.py").write_text("raise RuntimeError('the ads are down')")
        assert run_cli(["run", "marketing"], cwd=project_copy, env=env).exit_code != 0
        assert run_cli(["run", "marketing"], cwd=project_copy, env=env).exit_code != 0
        assert server.subjects == ["[shop dev] marketing failed at ingest:meta_ads"]
        assert "the ads are down" in server.mails[0].text
        assert "report:executive_overview" in server.mails[0].text
        (post,) = slack.requests
        payload = json.loads(post.body)
        assert payload["blocks"][0]["text"]["text"].endswith("marketing failed at ingest:meta_ads")


def test_without_variables_nobody_is_told_and_nothing_is_kept(project_copy: Path) -> None:
    result = run_cli(["run", "crm", "--json"], cwd=project_copy)
    assert result.document is not None
    assert (result.exit_code, result.document["warnings"]) == (0, [])
    listed = run_cli(["alerts", "list", "--json"], cwd=project_copy).document
    assert listed is not None
    assert (listed["incidents"], listed["alerts"]) == ([], [])
