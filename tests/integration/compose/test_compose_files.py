"""docker-compose.yml and Dockerfile: valid, pinned, without secrets."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "docker-compose.yml"
PINNED = re.compile(r".+:\d+\.\d+(\.\d+)?(-[a-z-]+)?$")


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_the_compose_file_meets_the_compose_specification() -> None:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    finished = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_images_are_pinned(services: dict[str, Any]) -> None:
    images = [service["image"] for service in services.values()]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(images) >= 3
    for image in images:
        assert PINNED.match(image), image


def test_every_service_has_a_health_check(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "healthcheck" not in service] == []


def test_the_command_waits_for_a_healthy_database(services: dict[str, Any]) -> None:
    assert services["cli"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_there_is_no_password_and_no_default_for_one() -> None:
    text = COMPOSE.read_text()
    named = re.findall(r"\$\{(\w*(?:PASSWORD|TOKEN|SECRET)\w*)(:[^}]*)?\}", text)
    of_apis = {"CRM_TOKEN", "META_ADS_TOKEN", "GA4_ACCESS_TOKEN"}
    of_buckets = {"DATA_LAKE_SECRET_KEY", "RAW_LAKE_SECRET_KEY"}
    assert {name for name, _ in named} == {"POSTGRES_PASSWORD", *of_apis, *of_buckets}
    for name, rest in named:
        assert rest.startswith(":?") if name == "POSTGRES_PASSWORD" else rest == ":-", name
    assert not re.search(r"PASSWORD: (?!\$\{)", text)


def test_the_database_listens_on_this_machine_only(services: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in services["postgres"]["ports"])


def test_the_image_does_not_run_as_root_and_leaves_secrets_out() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert lines.index("USER pipeline") < lines.index('ENTRYPOINT ["pipeline-cli"]')
    assert {".env", ".pipeline", ".git", "**/*.duckdb"} <= set((ROOT / ".dockerignore").read_text().split())
