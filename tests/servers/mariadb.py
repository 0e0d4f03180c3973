"""A real MariaDB server for tests: the system's, or Debian's packages unpacked into a temporary folder.

No package of the Python registry brings one. Nothing is installed, and the folder goes with the server.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PASSWORD = "canary-maria-pass"
_PACKAGES = (
    "mariadb-server-core",
    "mariadb-server",
    "libsnappy1v5",
    "liburing2",
    "libpmem1",
    "libaio1",
    "libnuma1",
)
_TABLES = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")


@contextmanager
def run_mariadb() -> Iterator[str]:
    """The SQLAlchemy address of a new, empty database; the server stops at the end."""
    folder = Path(tempfile.mkdtemp(prefix="maria-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        root = _find_root(folder)
        process, port = _start(folder, root)
        try:
            _make_user(folder)
            yield f"mysql+pymysql://shop:{PASSWORD}@127.0.0.1:{port}/shop"
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_root(folder: Path) -> Path:
    """The folder that has usr/sbin/mariadbd."""
    if Path("/usr/sbin/mariadbd").exists():
        return Path("/")
    packages = folder / "packages"
    packages.mkdir()
    subprocess.run(["apt-get", "download", "-q", *_PACKAGES], cwd=packages, check=True, capture_output=True)
    for package in packages.iterdir():
        subprocess.run(["dpkg", "-x", package, folder / "root"], check=True, capture_output=True)
    return folder / "root"


def _start(folder: Path, root: Path) -> tuple[subprocess.Popen[bytes], int]:
    data, share = folder / "data", root / "usr/share/mysql"
    data.mkdir()
    user = pwd.getpwnam("nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
    for path in (folder, data):
        os.chown(path, user.pw_uid, user.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [root / "usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", f"--user={user.pw_name}"]
    command += [f"--lc-messages-dir={share}", f"--plugin-dir={root / 'usr/lib/mysql/plugin'}"]
    environment: dict[str, Any] = {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(map(str, (root / "usr/lib").glob("*-linux-gnu")))
        if root != Path("/")
        else "",
    }
    script = "CREATE DATABASE mysql;\nUSE mysql;\n" + "".join((share / name).read_text() for name in _TABLES)
    subprocess.run(
        [*command, "--bootstrap"], input=script.encode(), env=environment, check=True, capture_output=True
    )
    command += [f"--socket={folder / 'socket'}", f"--port={port}", "--bind-address=127.0.0.1"]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [*command, f"--pid-file={folder / 'pid'}"], stdout=log, stderr=log, env=environment
    )
    log.close()
    deadline = time.monotonic() + 60
    while not (folder / "socket").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"MariaDB did not start:\n{(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.05)
    return process, port


def _make_user(folder: Path) -> None:
    import pymysql

    connection = pymysql.connect(unix_socket=str(folder / "socket"), user="root")
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE shop")
        cursor.execute(f"CREATE USER 'shop'@'%' IDENTIFIED BY '{PASSWORD}'")
        cursor.execute("GRANT ALL ON shop.* TO 'shop'@'%'")
    connection.close()
