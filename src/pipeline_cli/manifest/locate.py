"""Where in pipelines.yaml a pipeline names something: for refusals that only a run can know of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline_cli.errors import ManifestError
from pipeline_cli.manifest import codes
from pipeline_cli.manifest.document import read_document
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.frozen import freeze
from pipeline_cli.manifest.nodes import Node, Place, Scalar, child
from pipeline_cli.manifest.nodes import Sequence as SequenceNode


@freeze
class Refusal:
    """What cannot be: the name that stands under `section` (sources, transforms, reports) of a pipeline."""

    pipeline: str
    section: str
    name: str
    message: str
    hint: str


def refuse(root: Path, manifest_name: str, refusals: Sequence[Refusal]) -> ManifestError:
    """The refusals as one error, each with its place."""
    findings = Findings()
    document, top = read_document(root / manifest_name, manifest_name, findings)
    pipelines = child(top, "pipelines")
    for each in refusals:
        listed = child(child(pipelines, each.pipeline), each.section)
        place = next((node for node in _items(listed) if node.text == each.name), None)
        findings.add(codes.WRONG_KIND, place or Place(document), each.message, each.hint)
    return ManifestError(findings.mistakes())


def _items(listed: Node | None) -> list[Scalar]:
    if isinstance(listed, SequenceNode):
        return [item for item in listed.items if isinstance(item, Scalar)]
    return [listed] if isinstance(listed, Scalar) else []
