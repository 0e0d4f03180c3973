"""The files that customer_360 reads, by the csv module: every value a text."""

from __future__ import annotations

import csv
from pathlib import Path

CsvRow = dict[str, str]
FILES = ("users", "orders", "tickets")
SAMPLES = Path(__file__).parents[2] / "sources" / "customer_360"


def read_rows(folder: Path) -> dict[str, list[CsvRow]]:
    """The rows of the folder's files by their kind."""
    return {name: read_csv(folder / f"{name}.csv") for name in FILES}


def read_csv(file: Path) -> list[CsvRow]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def write_rows(folder: Path, name: str, rows: list[CsvRow]) -> None:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
