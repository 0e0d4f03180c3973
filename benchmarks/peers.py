"""sling and ingestr, in an environment of their own, and the commands with which they do what we do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PEERS_TXT = Path(__file__).with_name("peers.txt")
# ingestr writes to DuckDB through its library, which no Python package carries; npm's does.
LIBDUCKDB = "@duckdb/node-bindings-linux-x64@1.5.6-r.1"
INSTALL_TIMEOUT_S = 600
# Like our side and the baselines, ingestr is told the types of files.COLUMNS and takes half the time then. sling finds
# them out from the first rows: told so, it writes booleans that Postgres refuses.
INGESTR_TYPES = {
    "order_id": "bigint",
    "customer_id": "bigint",
    "transaction_id": "text",
    "customer_name": "text",
    "email": "text",
    "payment_method": "text",
    "amount": "decimal(10,2)",
    "quantity": "bigint",
    "score": "double",
    "is_repeat": "boolean",
    "order_date": "date",
    "created_at": "timestamp",
}


@dataclass(frozen=True, slots=True)
class Peer:
    """One of them. title: with its version. lacks: why it cannot be measured with a destination, by its type."""

    title: str
    program: Path
    env: Mapping[str, str]
    lacks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Peers:
    sling: Peer
    ingestr: Peer


def install_peers(folder: Path) -> Peers:
    """Install them below the folder, unless they are there."""
    done = folder / "installed.txt"
    if not done.exists() or done.read_text() != PEERS_TXT.read_text():
        print("Installing sling and ingestr (once)", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        venv = [sys.executable, "-m", "venv", str(folder / "venv")]
        subprocess.run(venv, check=True, timeout=INSTALL_TIMEOUT_S)
        # No dependencies: these are programs, each one file.
        pip = [str(folder / "venv/bin/pip"), "install", "--quiet", "--no-deps", "-r", str(PEERS_TXT)]
        subprocess.run(pip, check=True, timeout=INSTALL_TIMEOUT_S)
        _install_libduckdb(folder)
        _fill_home(folder)
        done.write_text(PEERS_TXT.read_text())
    return Peers(_sling(folder), _ingestr(folder))


def _install_libduckdb(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        return
    command = [npm, "pack", "--silent", LIBDUCKDB]
    packed = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S
    )
    shutil.unpack_archive(folder / packed.stdout.split()[-1], folder / "libduckdb")


def _fill_home(folder: Path) -> None:
    """The home folder in which both run: DuckDB's extensions for sling, the driver for ingestr."""
    for extension in (folder / "venv").glob("lib/*/site-packages/duckdb_extension_*/extensions/*/*"):
        target = folder / "home/.duckdb/extensions" / extension.parent.name / "linux_amd64"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(extension, target)
    drivers = folder / "home/.config/adbc/drivers"
    drivers.mkdir(parents=True, exist_ok=True)
    library = folder / "libduckdb/package/libduckdb.so"
    if library.exists():
        (drivers / "duckdb.toml").write_text(
            "manifest_version = 1\nname = 'DuckDB'\n[Driver]\nentrypoint = 'duckdb_adbc_init'\n"
            f"[Driver.shared]\nlinux_amd64 = '{library}'\n"
        )


def _sling(folder: Path) -> Peer:
    (packages,) = (folder / "venv").glob("lib/*/site-packages")
    program = Path(os.environ.get("SLING_BINARY") or packages / "sling_linux_amd64/bin/sling-linux-amd64")
    program.chmod(0o755)
    env = {
        "HOME": str(folder / "home"),
        "SLING_HOME_DIR": str(folder / "home/.sling"),
        "DUCKDB_PATH": str(packages / "duckdb_cli/duckdb"),
        "SLING_DISABLE_TELEMETRY": "TRUE",
    }
    return Peer(f"sling {_version([program, '--version'], env)}", program, env)


def _ingestr(folder: Path) -> Peer:
    program = Path(os.environ.get("INGESTR_BINARY_PATH") or folder / "venv/bin/ingestr")
    env = {"HOME": str(folder / "home"), "DISABLE_TELEMETRY": "true", "TELEMETRY_OPTOUT": "1"}
    driver = folder / "home/.config/adbc/drivers/duckdb.toml"
    lacks = (
        {} if driver.exists() else {"duckdb": "ingestr's driver for DuckDB comes by npm, which is not here"}
    )
    return Peer(f"ingestr {_version([program, '--version'], env)}", program, env, lacks)


def _version(command: Sequence[str | Path], env: Mapping[str, str]) -> str:
    """The last word of the first line that it prints."""
    told = subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, check=True, timeout=60
    )
    return (told.stdout or told.stderr).split("\n")[0].split()[-1]


def sling_command(peer: Peer, source: Path, target: str, *, key: str | None = None) -> list[str]:
    """Replace the table main.orders or public.orders by the file, or merge the file into it by the key."""
    mode = ["--mode", "incremental", "--primary-key", key] if key else ["--mode", "full-refresh"]
    address = target if target.startswith("duckdb") else f"{target}?sslmode=disable"
    command = [str(peer.program), "run", "--src-stream", f"file://{source}", "--tgt-conn", address]
    return [*command, "--tgt-object", _table(target), *mode]


def ingestr_command(peer: Peer, source: Path, target: str) -> list[str]:
    """Replace the table main.orders or public.orders by the file."""
    types = ",".join(f"{name}:{kind}" for name, kind in INGESTR_TYPES.items())
    command = [str(peer.program), "ingest", "--source-uri", f"csv://{source}", "--source-table", "orders"]
    command += ["--dest-uri", target, "--dest-table", _table(target), "--yes"]
    return [*command, "--columns", types, "--no-inference"]


def _table(target: str) -> str:
    return "main.orders" if target.startswith("duckdb") else "public.orders"
