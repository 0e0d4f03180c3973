"""A project's environment in the commands that hints show."""

from __future__ import annotations

import pytest

from pipeline_cli.project import in_environment


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        ("pipeline-cli retry", "pipeline-cli retry --env live"),
        (
            "Fix it, then: pipeline-cli run crm --from test",
            "Fix it, then: pipeline-cli run --env live crm --from test",
        ),
        ("See: pipeline-cli quarantine list", "See: pipeline-cli quarantine list --env live"),
        ("pipeline-cli preview --env ci a.b", "pipeline-cli preview --env ci a.b"),
        ("pipeline-cli retry R1 --env ci", "pipeline-cli retry R1 --env ci"),
        ("See: pipeline-cli runs", "See: pipeline-cli runs"),
        ("pipeline-cli record crm", "pipeline-cli record crm"),
        ("No command here.", "No command here."),
    ],
)
def test_a_commands_environment_follows_its_verb(hint: str, expected: str) -> None:
    assert in_environment(hint, " --env live") == expected


def test_in_the_default_environment_hints_stay_as_they_are() -> None:
    assert in_environment("pipeline-cli retry", "") == "pipeline-cli retry"
