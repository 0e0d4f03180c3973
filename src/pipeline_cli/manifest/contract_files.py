"""Contracts, as far as the manifest goes: the file that a resource names is JSON and an object."""

from __future__ import annotations

from pathlib import Path

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.document import read_text
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.nodes import Place


def check_contract_file(root: Path, name: str, findings: Findings) -> None:
    """Record why the contract at `name`, relative to the root, is no JSON object; its rules are not checked."""
    import json

    document = findings.open(name)
    text = read_text(root / name, document, findings)
    if text is None:
        return
    try:
        contract = json.loads(text)
    except json.JSONDecodeError as error:
        place = Place(document, error.lineno, error.colno)
        findings.add(codes.BAD_CONTRACT, place, f"this contract is not JSON: {error.msg.lower()}.")
        return
    except RecursionError:
        findings.add(codes.BAD_CONTRACT, Place(document), "this contract is nested too deep.")
        return
    if not isinstance(contract, dict):
        hint = 'Write {"type": "object", "properties": {...}}.'
        findings.add(codes.BAD_CONTRACT, Place(document, 1, 1), "a contract must be a JSON object.", hint)
