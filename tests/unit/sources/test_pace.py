"""What an API's headers say of how many more requests it takes."""

from __future__ import annotations

import pytest
from requests.structures import CaseInsensitiveDict

from pipeline_cli.sources.pace import remaining_of

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "30"}, (7, 30.0)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000060"}, (0, 60.0)),
        ({"X-Rate-Limit-Remaining": "1", "X-Rate-Limit-Reset": "1790000060000"}, (1, 60.0)),
        ({"RateLimit-Remaining": "3", "RateLimit-Reset": "0.5"}, (3, 0.5)),
        ({"RateLimit-Remaining": "3", "RateLimit-Reset": "2026-09-21T14:14:20+00:00"}, (3, 60.0)),
        ({"RateLimit": '"default";r=50;t=30'}, (50, 30.0)),
        ({"RateLimit": "limit=100, remaining=50, reset=20"}, (50, 20.0)),
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "1789999999"}, (7, 0.0)),
        ({"X-RateLimit-Remaining": "7"}, None),
        ({"X-RateLimit-Remaining": "many", "X-RateLimit-Reset": "soon"}, None),
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "soon"}, None),
        ({"RateLimit": "unlimited"}, None),
        ({}, None),
    ],
)
def test_remaining(headers: dict[str, str], expected: tuple[int, float] | None) -> None:
    assert remaining_of(CaseInsensitiveDict(headers), NOW) == expected
