"""The three sources of marketing, each against a server that behaves like its API, read in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import quote
from pipeline_cli.load import IngestRequest, IngestResult, ingest_source
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.project import Project
from tests.servers.marketing import ga4, meta_ads
from tests.servers.marketing.ga4 import Ga4Api
from tests.servers.marketing.meta_ads import MetaAdsApi

Row = dict[str, Any]


@dataclass
class Marketing:
    """The reference project in a folder of its own. environment: live (DuckDB), prod (Postgres) or dev (replay)."""

    root: Path
    meta: MetaAdsApi
    google: Ga4Api
    environment: str = "live"
    variables: dict[str, str] = field(default_factory=dict)
    run_count: int = 0

    @property
    def project(self) -> Project:
        reading = read_manifest(self.root, self.variables, self.environment, pipelines=["marketing"])
        return Project(self.root, reading.manifest, self.environment, frozenset(reading.secrets))

    def ingest(self, source: str) -> IngestResult:
        """One run of one source; that its counts add up is checked here, whatever the test is about."""
        self.run_count += 1
        project = self.project
        warehouse = open_warehouse(project)
        with warehouse.exclusive():
            result = ingest_source(IngestRequest(project, warehouse, source, f"run{self.run_count}"))
        assert all(resource.balances for resource in result.resources), result.resources
        return result

    def counts(self, source: str) -> dict[str, tuple[int, int, int]]:
        """A run's resources: name to (loaded, unchanged, quarantined)."""
        found = self.ingest(source).resources
        return {each.name: (each.loaded, each.deduplicated, each.quarantined) for each in found}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        warehouse = open_warehouse(self.project)
        with warehouse.exclusive():
            connection = warehouse.connect()
            try:
                return connection.query(sql)
            finally:
                connection.close()

    def rows(self, source: str, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Columns of a bronze table, in their order."""
        names = ", ".join(quote(name) for name in columns)
        return sorted(self.query(f"SELECT {names} FROM {quote(f'bronze_{source}', table)}"), key=repr)

    def edit(self, file: str, old: str, new: str) -> None:
        """Change a file of the project copy."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")


@contextmanager
def marketing_world(root: Path, postgres_url: str | None = None) -> Iterator[Marketing]:
    """A world of empty APIs: give them rows."""
    with MetaAdsApi([]) as meta, Ga4Api([]) as google:
        variables = {
            "META_ADS_URL": meta.url,
            "META_ADS_ACCOUNT_ID": meta_ads.ACCOUNT,
            "META_ADS_TOKEN": meta_ads.TOKEN,
            "GA4_URL": google.url,
            "GA4_PROPERTY_ID": ga4.PROPERTY,
            "GA4_ACCESS_TOKEN": ga4.TOKEN,
        }
        world = Marketing(root, meta, google, "live", variables)
        if postgres_url:
            world.environment, world.variables["POSTGRES_URL"] = "prod", postgres_url
        yield world
