"""Characters that a warehouse's own way in takes for itself arrive as the file has them."""

from __future__ import annotations

import csv
import io

from tests.integration.bulk.conftest import FileWorld

TEXTS = (
    "\\N", "\\", "\\\\.", "\\.", "a\tb", "tab at the end\t", "two\nlines", "carriage\r\nreturn", "bell\x07\x08\x0b",
    '"quoted", with a comma', "'", "NULL", "null", "\\t", "C:\\new\\table", "\\x41", "\\101", " ", "ü€𝄞",
)  # fmt: skip


def test_every_text_arrives_as_it_stands(world: FileWorld) -> None:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["id", "note", "also"])
    for number, text in enumerate(TEXTS):
        writer.writerow([number, text, "" if number % 2 else text[::-1]])
    world.write("a.csv", file.getvalue().removesuffix("\n"))
    world.ingest()
    wanted = [(number, text, None if number % 2 else text[::-1]) for number, text in enumerate(TEXTS)]
    assert world.query("SELECT id, note, also FROM bronze_shop.items ORDER BY id") == wanted
