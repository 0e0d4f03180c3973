"""The JSON Schema agrees with the reader: what one takes the other takes, as far as a schema can tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pipeline_cli.errors import ManifestError
from pipeline_cli.manifest.compose import compose
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.kinds import KINDS, load_kind
from pipeline_cli.manifest.nodes import Mapping, Node, Scalar, Sequence
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.manifest.scalars import resolve
from pipeline_cli.manifest.schema import entry_schema, manifest_schema
from pipeline_cli.manifest.sections import FILE_SECTIONS
from pipeline_cli.manifest.shapes import fields_of
from tests.unit.manifest.helpers import HEAD, TAIL, resource, write

SCHEMA = manifest_schema()
VARIABLES = {"X": "abcdef", "POSTGRES_URL": "postgres://x"}


def plain(node: Node | None) -> Any:
    """A node as an editor reads it: YAML 1.2's core schema."""
    if isinstance(node, Scalar):
        return resolve(node.text) if node.plain else node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    assert isinstance(node, Mapping)
    return {name: plain(entry.value) for name, entry in node.entries.items()}


def load(text: str) -> Any:
    findings = Findings()
    return plain(compose(findings.open("x"), text, findings))


def accepts(text: str, schema: dict[str, Any] = SCHEMA) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(load(text)))


def read_accepts(root: Path, text: str) -> bool:
    write(root, text)
    try:
        read_manifest(root, VARIABLES)
    except ManifestError:
        return False
    return True


def plugin(options: str) -> str:
    return f"plugins:\n  mailer: {options}\n"


ACCEPTED = [
    "",
    "sources:\n",
    resource(""),
    resource("{}"),
    resource("{primary_key: id, write_disposition: merge, keep_raw: true, max_rejected: 1%}"),
    resource("{primary_key: [a, b], max_rejected: 5, on_violation: '${env:HOW:-warn}'}"),
    resource("{endpoint: a, keep_raw: '${env:RAW:-true}', max_table_nesting: 0, incremental: }"),
    resource("{endpoint: {path: a, method: POST, params: {a: [1, {b: null}]}, json: {}, headers: {A: b}}}"),
    resource("{incremental: {cursor_path: at, initial_value: 2019-01-01, lag: 1d}}"),
    resource("{incremental: {cursor_path: at, initial_value: 5, lag: 0.5, end_value: 7.5}}"),
    resource("{columns: {a: {data_type: bigint, nullable: false}, b: }}"),
    resource("", client='auth: {type: bearer, token: "${env:X}"}, paginator: {type: page_number}'),
    resource("", client='auth: {type: api_key, api_key: "${env:X:-}", location: query}'),
    resource(
        "", client="auth: , paginator: {type: cursor, cursor_path: c}, request_timeout: 1m30s, max_retries: 0"
    ),
    resource("", client='max_retries: "${env:N:-3}", request_timeout: "${env:T:-3s}"'),
    resource("").replace('"https://api.example.com"', '"${env:URL:-http://x}/v1"'),
    plugin("{to: [a], smtp: '${env:X}', nested: {a: 1}, timeout: 5s}"),
    plugin(""),
    "plugins: {email: {smtp: smtp://mail, to: [a@b.c]}, ops: {type: pagerduty, routing_key: '${env:X}'}}\n",
]
REFUSED = [
    "nonsense: 1\n",
    "sources: []\n",
    "sources: {a: }\n",
    "sources: {a: {type: ftp}}\n",
    "sources: {a: {resources: {}}}\n",
    "sources: {a: {type: rest_api, resources: {}}}\n",
    "sources: {A: {type: python, path: pipelines.yaml}}\n",
    "sources: {a__b: {type: python, path: pipelines.yaml}}\n",
    "sources: {a_: {type: python, path: pipelines.yaml}}\n",
    "destination: {}\n",
    "transforms: {t: {engine: spark, path: x}}\n",
    "plugins: {email: {to: [a@b.c]}}\n",
    "plugins: {ops: {type: pagerduty, routing_kye: '${env:X}'}}\n",
    resource("{primry_key: id}"),
    resource("{primary_key: 5}"),
    resource("{primary_key: [a, a]}"),
    resource("{keep_raw: yes}"),
    resource("{keep_raw: 'true'}"),
    resource("{max_table_nesting: -1}"),
    resource("{max_table_nesting: 1.5}"),
    resource("{max_table_nesting: '1'}"),
    resource("{max_rejected: 101%}"),
    resource("{max_rejected: 0.5}"),
    resource("{write_disposition: upsert}"),
    resource("{endpoint: 5}"),
    resource("{endpoint: {params: {}}}"),
    resource("{endpoint: {path: a, headers: {A: 1}}}"),
    resource("{incremental: {cursor_path: at, lag: soon}}"),
    resource("{incremental: {cursor_path: ''}}"),
    resource("{incremental: {initial_value: 1}}"),
    resource("{columns: {a: {data_type: integer}}}"),
    resource("").replace("items", "_dlt_loads"),
    resource("").replace('"https://api.example.com"', "api.example.com"),
    resource("", client="auth: {type: bearer, token: plain}"),
    resource("", client="auth: {type: bearer, token: '${env:X:-plain}'}"),
    resource("", client="auth: {type: bearer}"),
    resource("", client="auth: {type: bearer, token: '${env:X}', api_key: '${env:X}'}"),
    resource("", client="auth: {type: magic}"),
    resource("", client="paginator: {type: offset}"),
    resource("", client="paginator: {type: offset, limit: 0}"),
    resource("", client="request_timeout: 30"),
    plugin("{timeout: soon}"),
    plugin("[]"),
]


@pytest.mark.parametrize("body", ACCEPTED)
def test_what_the_reader_takes_the_schema_takes(tmp_path: Path, body: str) -> None:
    assert read_accepts(tmp_path, HEAD + body + TAIL)
    assert accepts(HEAD + body + TAIL)


@pytest.mark.parametrize("body", REFUSED)
def test_what_the_reader_refuses_the_schema_refuses(tmp_path: Path, body: str) -> None:
    assert not read_accepts(tmp_path, HEAD + body + TAIL)
    assert not accepts(HEAD + body + TAIL)


@pytest.mark.parametrize("key", ["version", "name", "default_environment", "environments", "pipelines"])
def test_required_keys_are_required_by_both(tmp_path: Path, key: str) -> None:
    manifest = load(HEAD + TAIL)
    del manifest[key]
    text = json.dumps(manifest)  # JSON is YAML
    assert not read_accepts(tmp_path, text)
    assert not accepts(text)


def test_sections_that_may_stand_in_files_are_not_required() -> None:
    assert accepts(
        "version: 1\nname: x\ndefault_environment: d\nenvironments: {d: {destination: a}}\npipelines: {}\n"
    )


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for section in FILE_SECTIONS:
        jsonschema.Draft202012Validator.check_schema(entry_schema(section))


def test_section_files_have_schemas_of_their_own() -> None:
    assert accepts("type: duckdb\n", entry_schema("destinations"))
    assert not accepts("type: duckdb\nnonsense: 1\n", entry_schema("destinations"))
    assert accepts("to: me\ntimeout: 5s\n", entry_schema("plugins"))
    assert not accepts("engine: dbt\n", entry_schema("transforms"))
    assert not accepts("type: rest_api\n", entry_schema("sources"))


def test_the_reference_manifest_agrees() -> None:
    root = Path(__file__).parents[3]
    text = (root / "pipelines.yaml").read_text(encoding="utf-8")
    assert read_manifest(root, {}).environment == "dev"
    assert accepts(text)


def test_every_kind_says_its_own_type_and_describes_every_key() -> None:
    for section, types in KINDS.items():
        for name in types:
            record = load_kind(section, name)
            fields = fields_of(record)
            assert fields["type"].hint.__args__ == (name,), record
            assert all(field.doc.endswith(".") for field in fields.values() if field.name != "type"), record
            assert record.__name__ in SCHEMA["$defs"]
