"""Files in a bucket or on a server, on real servers of this machine: read, refused in words, no secret told."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from pipeline_cli.errors import SourceError
from tests.servers.gcs import GcsServer, run_gcs
from tests.servers.s3 import S3Server
from tests.servers.sftp import SftpServer, run_sftp
from tests.unit.sources.files.world import World, known_of

CSV = b"id,name\n1,x\n2,y\n"
S3_KEYS = (
    'credentials: {aws_access_key_id: "${env:KEY}", aws_secret_access_key: "${env:SECRET}", '
    "endpoint_url: %s, region_name: %s}"
)


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return s3_server.create_bucket("files")


def s3_world(tmp_path: Path, server: S3Server, url: str, keys: str = "", **changed: str) -> World:
    credentials = S3_KEYS % (changed.get("endpoint", server.endpoint_url), server.region)
    return World(tmp_path, keys, url=url, source_keys=credentials)


def variables(server: S3Server) -> dict[str, str]:
    return {"KEY": server.access_key, "SECRET": server.secret_key}


def test_s3_files_of_all_formats_are_read_and_their_copies_are_gone(
    tmp_path: Path, s3_server: S3Server, bucket: str
) -> None:
    s3_server.put(bucket, "lake/contacts_1.csv", CSV)
    s3_server.put(bucket, "lake/contacts_2.csv.gz", gzip.compress(b"id;name\n3;z\n"))
    s3_server.put(bucket, "lake/other.csv", b"id\n9\n")
    s3_server.put(bucket, "lake/deeper/contacts_3.csv", b"id\n9\n")
    world = s3_world(tmp_path, s3_server, f"s3://{bucket}/lake")
    loaded = world.load(**variables(s3_server))
    assert sorted(loaded.values("id")) == ["1", "2", "3"]
    assert set(loaded.files) == {"contacts_1.csv", "contacts_2.csv.gz"}
    assert loaded.lines == [2, 3, 2]
    assert world.spooled() == []
    version = loaded.done["contacts_1.csv"]
    assert (version.size_bytes, version.modified_at is not None) == (len(CSV), True)


def test_s3_files_that_are_done_are_not_fetched_again(
    tmp_path: Path, s3_server: S3Server, bucket: str
) -> None:
    s3_server.put(bucket, "contacts_1.csv", CSV)
    world = s3_world(tmp_path, s3_server, f"s3://{bucket}")
    first = world.load(**variables(s3_server))
    assert world.load(known_of(first), **variables(s3_server)).scan_count == 0
    s3_server.put(bucket, "contacts_2.csv", b"id,name\n7,w\n")
    assert world.load(known_of(first), **variables(s3_server)).values("id") == ["7"]


def test_s3_folders_below_are_read_where_the_glob_says(
    tmp_path: Path, s3_server: S3Server, bucket: str
) -> None:
    for key in ("lake/2026/01/c.jsonl", "lake/2026/02/c.jsonl", "lake/2025/01/c.jsonl"):
        s3_server.put(bucket, key, b'{"id": 1}\n')
    world = s3_world(tmp_path, s3_server, f"s3://{bucket}/lake/", 'file_glob: "2026/**/*.jsonl"')
    assert set(world.load(**variables(s3_server)).files) == {"2026/01/c.jsonl", "2026/02/c.jsonl"}


def test_s3_many_files_are_fetched_side_by_side(tmp_path: Path, s3_server: S3Server, bucket: str) -> None:
    for index in range(40):
        s3_server.put(bucket, f"contacts_{index}.csv", b"id\n%d\n" % index)
    loaded = s3_world(tmp_path, s3_server, f"s3://{bucket}").load(**variables(s3_server))
    assert sorted(map(int, loaded.values("id"))) == list(range(40))
    assert loaded.scan_count == 1


@pytest.mark.parametrize("where", ["bucket", "folder", "match", "server"])
def test_s3_what_is_not_there_is_told_and_no_secret_with_it(
    tmp_path: Path, s3_server: S3Server, bucket: str, where: str
) -> None:
    s3_server.put(bucket, "lake/other.csv", CSV)
    url = {"bucket": "s3://no-such-bucket/lake", "folder": f"s3://{bucket}/none"}.get(
        where, f"s3://{bucket}/lake"
    )
    changed = {"endpoint": "http://127.0.0.1:9"} if where == "server" else {}
    world = s3_world(tmp_path, s3_server, url, **changed)
    with pytest.raises(SourceError) as caught:
        world.load(**variables(s3_server))
    expected = {"bucket": "E360", "folder": "E360", "match": "E362", "server": "E366"}
    assert caught.value.code == expected[where]
    told = f"{caught.value.message} {caught.value.hint}"
    assert s3_server.secret_key not in told
    assert s3_server.access_key not in told


@contextmanager
def checking_keys(server: S3Server) -> Iterator[None]:
    """Meanwhile the server checks who asks, and knows nobody."""

    def check_after(requests: int) -> None:
        url, kind = f"{server.endpoint_url}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        urlopen(Request(url, str(requests).encode(), kind, method="POST")).close()

    check_after(0)
    try:
        yield
    finally:
        check_after(10**9)


def test_s3_keys_that_are_wrong_are_no_permission(tmp_path: Path, s3_server: S3Server, bucket: str) -> None:
    s3_server.put(bucket, "contacts.csv", CSV)
    world = s3_world(tmp_path, s3_server, f"s3://{bucket}")
    with checking_keys(s3_server), pytest.raises(SourceError, match="no permission to read") as caught:
        world.load(**variables(s3_server))
    assert caught.value.code == "E361"
    assert s3_server.access_key not in caught.value.message
    assert len(world.load(**variables(s3_server)).rows) == 2


def test_s3_a_file_that_is_cut_is_an_error(tmp_path: Path, s3_server: S3Server, bucket: str) -> None:
    s3_server.put(bucket, "contacts.csv.gz", gzip.compress(CSV * 1000)[:-20])
    world = s3_world(tmp_path, s3_server, f"s3://{bucket}")
    with pytest.raises(SourceError, match="is cut off"):
        world.load(**variables(s3_server))
    assert world.spooled() == []


def test_s3_a_file_that_changed_since_it_was_listed_is_an_error(
    tmp_path: Path, s3_server: S3Server, bucket: str
) -> None:
    from pipeline_cli.sources.files.storage import open_storage

    s3_server.put(bucket, "contacts.csv", CSV)
    project = s3_world(tmp_path, s3_server, f"s3://{bucket}").project(**variables(s3_server))
    storage = open_storage(project, project.manifest.sources["crm"])
    (listed,) = storage.list_files("*.csv")
    storage.check_unchanged(listed)
    s3_server.put(bucket, "contacts.csv", CSV.replace(b"x", b"w"))
    with pytest.raises(SourceError, match=r"contacts\.csv changed while it was read") as caught:
        storage.fetch(listed, tmp_path / "copy.csv")
    assert caught.value.code == "E365"


@pytest.fixture(scope="module")
def gcs_server() -> Iterator[GcsServer]:
    with run_gcs() as server:
        yield server


def test_gcs_files_are_read(tmp_path: Path, gcs_server: GcsServer) -> None:
    gcs_server.create_bucket("lake")
    gcs_server.put("lake", "crm/contacts.csv", CSV)
    credentials = (
        f"credentials: {{anonymous: true, project_id: test, endpoint_url: {gcs_server.endpoint_url}}}"
    )
    world = World(tmp_path / "a", url="gs://lake/crm", source_keys=credentials)
    loaded = world.load()
    assert loaded.values("name") == ["x", "y"]
    assert world.load(known_of(loaded)).scan_count == 0
    with pytest.raises(SourceError) as caught:
        World(tmp_path / "b", url="gs://no-lake/crm", source_keys=credentials).load()
    assert caught.value.code == "E360"


@pytest.fixture
def sftp_server(tmp_path: Path) -> Iterator[SftpServer]:
    root = tmp_path / "served"
    (root / "crm").mkdir(parents=True)
    (root / "crm/contacts.csv").write_bytes(CSV)
    with run_sftp(root) as server:
        yield server


def sftp_world(tmp_path: Path, server: SftpServer, more: str = "", path: str = "/crm") -> World:
    hosts = tmp_path / "hosts"
    hosts.write_text(server.host_key_line)
    keys = f'{{sftp_username: {server.user}, sftp_password: "${{env:PASSWORD}}", sftp_port: {server.port}{more}}}'
    keys = keys.replace("HOSTS", str(hosts))
    return World(tmp_path / "w", url=f"sftp://{server.host}{path}", source_keys=f"credentials: {keys}")


def test_sftp_files_are_read(tmp_path: Path, sftp_server: SftpServer) -> None:
    world = sftp_world(tmp_path, sftp_server, ", sftp_known_hosts: HOSTS")
    loaded = world.load(PASSWORD=sftp_server.password)
    assert (loaded.values("name"), set(loaded.files)) == (["x", "y"], {"contacts.csv"})
    os.utime(sftp_server.root / "crm/contacts.csv", (1000, 1000))
    assert world.load(known_of(loaded), PASSWORD=sftp_server.password).values("id") == ["1", "2"]


@pytest.mark.parametrize(
    ("more", "path", "password", "code"),
    [
        ("", "/crm", None, "E366"),  # nobody has said that this server is the one
        (", sftp_known_hosts: HOSTS", "/crm", "canary-wrong-password", "E361"),
        (", sftp_accept_any_host: true", "/none", None, "E360"),
    ],
    ids=["unknown host", "wrong password", "no folder"],
)
def test_sftp_refusals_are_told_apart(
    tmp_path: Path, sftp_server: SftpServer, more: str, path: str, password: str | None, code: str
) -> None:
    with pytest.raises(SourceError) as caught:
        sftp_world(tmp_path, sftp_server, more, path).load(PASSWORD=password or sftp_server.password)
    assert caught.value.code == code, caught.value.message
    assert (password or sftp_server.password) not in f"{caught.value.message} {caught.value.hint}"


def test_an_address_of_another_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="ftp:// is not read here"):
        World(tmp_path, url="ftp://host/crm").load()
