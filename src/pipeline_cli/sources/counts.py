"""`expected_count`: the number of records that the API says it has, held against those that came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_cli.document import CheckResult
from pipeline_cli.errors import ChecksFailed, SourceError
from pipeline_cli.manifest.sources import ExpectedCount, RestApiSource
from pipeline_cli.project import Project
from pipeline_cli.sources.build import open_client


def check_counts(project: Project, source: str, extracted: Mapping[str, int]) -> list[CheckResult]:
    """One check for each resource with expected_count. extracted: records by resource.

    Raises ChecksFailed for a different number where `on_mismatch: fail`, SourceError where the API tells none.
    """
    entry = project.manifest.sources[source]
    if not isinstance(entry, RestApiSource):
        return []
    wanted = {name: each.expected_count for name, each in entry.resources.items() if each.expected_count}
    checks = []
    for name, expected in wanted.items():
        told = ask_count(project, source, name, expected)
        checks.append(_compare(source, name, expected, told, extracted.get(name, 0)))
    return checks


def ask_count(project: Project, source: str, name: str, expected: ExpectedCount) -> int:
    """The number that the API tells for a resource. Raises SourceError when its answer holds no number."""
    from dlt.common import jsonpath

    answer = open_client(project, source).get(expected.path).json()
    found: list[Any] = list(jsonpath.find_values(expected.field, answer)) if isinstance(answer, dict) else []
    if len(found) == 1 and isinstance(found[0], int) and not isinstance(found[0], bool):
        return found[0]
    raise SourceError(
        f"{source}.{name}: {expected.path} tells no number at {expected.field!r}.",
        code="E318",
        hint="Check expected_count: {path, field} against what the API answers.",
    )


def _compare(source: str, name: str, expected: ExpectedCount, told: int, extracted: int) -> CheckResult:
    message = f"the API tells {told} records, {extracted} were extracted"
    check = f"count:{name}"
    if told == extracted:
        return CheckResult(check, "passed", "critical" if expected.on_mismatch == "fail" else "warning")
    if expected.on_mismatch == "warn":
        return CheckResult(check, "warned", "warning", abs(told - extracted), message)
    raise ChecksFailed(
        f"{source}.{name}: {message}. Nothing of this source was loaded.",
        code="E412",
        hint="Records may have changed while they were read: run again; or use on_mismatch: warn.",
    )
