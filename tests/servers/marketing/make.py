"""Writes the marketing system's sample: sources/marketing_crm/*.csv and the recordings of meta_ads and ga4.

    python -m tests.servers.marketing.make

The same bytes each time. The recordings are what `pipeline-cli record` writes of the servers beside this file.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline_cli.testing import run_cli
from tests.servers.marketing import ga4, meta_ads
from tests.servers.marketing.campaigns import ga4_events, insights
from tests.servers.marketing.ga4 import Ga4Api
from tests.servers.marketing.meta_ads import MetaAdsApi
from tests.servers.marketing.people import CsvRow, contacts, corrections, orders

REPOSITORY = Path(__file__).parents[3]


def main(root: Path = REPOSITORY) -> None:
    """Write the files below a project's `sources/`, which has the entries of the three sources."""
    people = contacts()
    sales = orders(people)
    write_files(root / "sources" / "marketing_crm", people, sales)
    with MetaAdsApi(insights(sales)) as meta, Ga4Api(ga4_events(sales)) as google:
        variables = {
            "META_ADS_URL": meta.url,
            "META_ADS_ACCOUNT_ID": meta_ads.ACCOUNT,
            "META_ADS_TOKEN": meta.access_token,
            "GA4_URL": google.url,
            "GA4_PROPERTY_ID": ga4.PROPERTY,
            "GA4_ACCESS_TOKEN": google.access_token,
        }
        for source in ("meta_ads", "ga4"):
            done = run_cli(["record", source, "--env", "live"], cwd=root, env=variables)
            if done.exit_code:
                sys.exit(done.stdout + done.stderr)


def write_files(folder: Path, people: Sequence[CsvRow], sales: Sequence[CsvRow]) -> None:
    """Files by year. Those of 2026 begin with a few rows of 2025 as they are now."""
    folder.mkdir(parents=True, exist_ok=True)
    old = [row for row in people if row["created_at"] < "2026"]
    opted_out = [{**row, "email_opt_in": "false"} for row in old[40::120]]
    write_csv(folder / "contacts_2025.csv", old)
    write_csv(folder / "contacts_2026.csv", [*opted_out, *(row for row in people if row not in old)])
    old = [row for row in sales if row["order_date"] < "2026"]
    write_csv(folder / "orders_2025.csv", old)
    write_csv(folder / "orders_2026.csv", [*corrections(sales), *(row for row in sales if row not in old)])


def write_csv(file: Path, rows: Iterable[CsvRow]) -> None:
    rows = list(rows)
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
