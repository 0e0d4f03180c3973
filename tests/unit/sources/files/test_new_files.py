"""Which files are read, what is said where there are none, and that nothing of ours is left behind."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.files.listing import glob_pattern
from pipeline_cli.sources.scan import Known
from tests.unit.sources.files.world import World, known_of

CSV = "id,name\n1,x\n2,y\n"


def zstd(content: str) -> bytes:
    packed: bytes = pyarrow.compress(content.encode(), codec="zstd", asbytes=True)
    return packed


def test_only_files_that_are_new_are_read(tmp_path: Path) -> None:
    world = World(tmp_path).write({"contacts_1.csv": "id\n1\n", "contacts_2.csv": "id\n2\n"})
    first = world.load()
    assert sorted(first.values("id")) == ["1", "2"]
    assert world.load(known_of(first)).rows == []
    second = world.write({"contacts_2.csv": "id\n22\n", "contacts_3.csv": "id\n3\n"}).load(known_of(first))
    assert sorted(second.values("id")) == ["22", "3"]
    assert sorted(second.done) == ["contacts_2.csv", "contacts_3.csv"]


def test_by_name_a_changed_file_is_not_read_again(tmp_path: Path) -> None:
    world = World(tmp_path, "incremental_by: name").write({"contacts_1.csv": "id\n1\n"})
    first = world.load()
    assert world.write({"contacts_1.csv": "id\n11\n"}).load(known_of(first)).rows == []


def test_by_hash_only_content_counts(tmp_path: Path) -> None:
    world = World(tmp_path, "incremental_by: hash").write({"contacts_1.csv": "id\n1\n"})
    first = world.load()
    os.utime(world.data / "contacts_1.csv", (1, 1))
    assert world.load(known_of(first)).rows == []
    stat = (world.data / "contacts_1.csv").stat()
    world.write({"contacts_1.csv": "id\n2\n"})
    os.utime(world.data / "contacts_1.csv", ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert world.load(known_of(first)).values("id") == ["2"]


def test_a_table_that_is_replaced_is_read_whole(tmp_path: Path) -> None:
    world = World(tmp_path, "write_disposition: replace").write({"contacts_1.csv": "id\n1\n"})
    first = world.load()
    world.write({"contacts_2.csv": "id\n2\n"})
    assert sorted(world.load(known_of(first)).values("id")) == ["1", "2"]


@pytest.mark.parametrize("ending", ["gz", "zst"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_compressed_files_are_read(tmp_path: Path, ending: str, kind: str) -> None:
    content = CSV if kind == "csv" else '{"id": 1}\n{"id": 2}\n'
    packed = gzip.compress(content.encode()) if ending == "gz" else zstd(content)
    world = World(tmp_path).write({f"contacts.{kind}.{ending}": packed})
    loaded = world.load()
    assert loaded.values("id") == ["1", "2"]
    assert loaded.files == [f"contacts.{kind}.{ending}"] * 2
    assert loaded.lines == ([2, 3] if kind == "csv" else [1, 2])
    assert world.spooled() == []


@pytest.mark.parametrize("kept", [1, 0.5, 0.9])
@pytest.mark.parametrize("ending", ["gz", "zst"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_cut_file_is_an_error_and_never_half_a_file(
    tmp_path: Path, kind: str, ending: str, kept: float
) -> None:
    content = "".join(
        f'{{"id": {index}}}\n' if kind == "jsonl" else f"{index},x\n" for index in range(50_000)
    )
    content = content if kind == "jsonl" else "id,name\n" + content
    packed = gzip.compress(content.encode()) if ending == "gz" else zstd(content)
    cut = packed[:-1] if kept == 1 else packed[: int(len(packed) * kept)]
    world = World(tmp_path).write({f"contacts_1.{kind}.{ending}": cut})
    with pytest.raises(
        SourceError, match=rf"contacts_1\.{kind}\.{ending}: its \w+ stream is cut off"
    ) as caught:
        world.load()
    assert caught.value.code == "E364"
    assert world.spooled() == []


def test_a_zip_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"contacts\.csv is a zip archive"):
        World(tmp_path).write({"contacts.csv": b"PK\x03\x04rest"}).load()


@pytest.mark.parametrize("change", ["grown", "rewritten", "gone"])
def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path: Path, change: str) -> None:
    world = World(tmp_path).write({"contacts.csv": CSV})
    path = world.data / "contacts.csv"

    def touch() -> None:
        if change == "grown":
            path.write_text(CSV + "3,z\n")
        elif change == "rewritten":
            path.write_text(CSV.replace("x", "w"))
            os.utime(path, (5, 5))
        else:
            path.unlink()

    with pytest.raises(SourceError, match=r"contacts\.csv changed while it was read") as caught:
        world.load(during=touch)
    assert caught.value.code == "E365"


def test_each_trouble_has_its_own_message_and_setting(tmp_path: Path) -> None:
    troubles: dict[str, tuple[dict[str, Any], str, str]] = {
        "on_missing_folder": ({"url": "nowhere"}, "E360", "the folder nowhere does not exist"),
        "on_no_files": ({}, "E362", "no file in data matches contacts"),
        "on_empty_file": ({}, "E363", "contacts.csv is empty"),
    }
    for setting, (place, code, message) in troubles.items():
        for on in ("fail", "warn", "ignore"):
            root = tmp_path / setting / on
            root.mkdir(parents=True)
            world = World(root, f"{setting}: {on}", **place)
            world.write({"contacts.csv": ""} if setting == "on_empty_file" else {"other.csv": CSV})
            if on == "fail":
                with pytest.raises(SourceError, match=message) as caught:
                    world.load()
                assert (caught.value.code, bool(caught.value.hint)) == (code, True)
            else:
                loaded = world.load()
                assert loaded.rows == []
                assert [message in warning for warning in loaded.warnings] == ([True] if on == "warn" else [])


def test_an_empty_file_is_done_with_the_others(tmp_path: Path) -> None:
    loaded = World(tmp_path).write({"contacts_1.csv": "", "contacts_2.csv": CSV}).load()
    assert sorted(loaded.done) == ["contacts_1.csv", "contacts_2.csv"]
    assert loaded.warnings == ["crm.contacts: contacts_1.csv is empty: not one byte."]


@pytest.mark.parametrize("what", ["folder", "file"])
def test_no_permission_is_told_as_such(tmp_path: Path, what: str) -> None:
    world = World(tmp_path).write({"contacts.csv": CSV})
    target = world.data if what == "folder" else world.data / "contacts.csv"
    target.chmod(0)
    # root may read everything: another user looks.
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from pipeline_cli.sources.files.storage import LocalStorage\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "storage = LocalStorage('data', Path(sys.argv[1]))\n"
        "try:\n"
        "    [storage.open(file).read() for file in storage.list_files('*.csv')]\n"
        "except Exception as error: print(type(error).__name__, error.code, error)\n"
    )
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.getuid() and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o755)
    told = subprocess.run([sys.executable, "-c", script, str(world.data)], capture_output=True, text=True)
    target.chmod(0o755)
    assert told.stdout.startswith("SourceError E361 no permission to read"), told.stderr


def test_what_a_file_is_has_to_be_clear(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="of several formats"):
        World(tmp_path / "a").write({"contacts.csv": CSV, "contacts.jsonl": "{}\n"}).load()
    with pytest.raises(SourceError, match=r"contacts\.dat does not say what it is"):
        World(tmp_path / "b").write({"contacts.dat": CSV}).load()
    assert World(tmp_path / "c", "format: csv").write({"contacts.dat": CSV}).load().values("id") == ["1", "2"]


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("a*", ["a", "ab.csv"], ["b", "a/b", "x/a"]),
        ("*.csv", ["x.csv"], [".x.csv", "d/x.csv"]),
        ("**/*.csv", ["x.csv", "d/x.csv", "d/e/x.csv"], [".d/x.csv", "d/.x.csv"]),
        ("2026/**", ["2026/x", "2026/d/x"], ["2025/x", "2026"]),
        ("a?[0-9].csv", ["ab1.csv"], ["a1.csv", "abx.csv"]),
        ("[!a].csv", ["b.csv"], ["a.csv"]),
    ],
)
def test_globs_match_as_shells_do(glob: str, yes: list[str], no: list[str]) -> None:
    assert [name for name in [*yes, *no] if glob_pattern(glob).match(name)] == yes


def test_folders_below_are_read_where_the_glob_says(tmp_path: Path) -> None:
    world = World(tmp_path, 'file_glob: "2026/*/c*.csv"')
    world.write({"2026/01/c.csv": CSV, "2026/01/d.csv": CSV, "2025/01/c.csv": CSV, "2026/c.csv": CSV})
    assert set(world.load().files) == {"2026/01/c.csv"}


def test_copies_are_gone_also_when_reading_failed(tmp_path: Path) -> None:
    files = {
        "contacts_1.csv.gz": gzip.compress(CSV.encode()),
        "contacts_2.csv.gz": gzip.compress(b"a,a\n1,2\n"),
    }
    world = World(tmp_path).write(files)
    with pytest.raises(SourceError):
        world.load()
    assert world.spooled() == []
    # What a killed process left is removed by the next one.
    left = tmp_path / ".pipeline/dev/spool/999999999-x/1/contacts.csv"
    left.parent.mkdir(parents=True)
    left.write_text("secret")
    (world.data / "contacts_2.csv.gz").unlink()
    world.load()
    assert not left.exists()


def test_nothing_is_read_of_a_resource_that_is_done(tmp_path: Path) -> None:
    world = World(tmp_path).write({"contacts.csv": CSV})
    loaded = world.load(known_of(world.load()))
    assert (loaded.scan_count, loaded.done) == (0, {})
    assert Known().files == {}
