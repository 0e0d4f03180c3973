"""Pieces of single verbs that need no run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline_cli.cli.logs import keep_step
from pipeline_cli.cli.names import require_name, split_resource
from pipeline_cli.cli.progress import LINE_EVERY_S, LineProgress
from pipeline_cli.cli.show import choose_source
from pipeline_cli.cli.sqlmesh import choose_transform
from pipeline_cli.document import ResourceResult, RunResult, StepResult, utc_now
from pipeline_cli.errors import UsageError
from pipeline_cli.manifest.models import Manifest
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.plan import PipelinePlan
from pipeline_cli.progress import Progress
from pipeline_cli.scaffold import scaffold_root
from pipeline_cli.testing import make_project, run_cli

LOG = """\
2026-11-21 13:21:08,525 INFO    ingest:crm dlt: read
2026-11-21 13:21:08,526 ERROR   ingest:crm dlt: went wrong
Traceback (most recent call last):
  a: line
2026-11-21 13:21:08,527 INFO    test:crm dbt: tested""".splitlines()


@pytest.fixture
def manifest() -> Manifest:
    return read_manifest(scaffold_root(), {}).manifest


def with_transforms(engines: Mapping[str, str], folder: Path) -> Manifest:
    lines = [f"  {name}: {{engine: {engine}, path: t/{name}}}" for name, engine in engines.items()]
    text = "\n".join(["transforms:", *lines]) if lines else ""
    for name in engines:
        (folder / "t" / name).mkdir(parents=True)
    project = make_project(folder)
    path = project / "pipelines.yaml"
    path.write_text(f"{path.read_text()}{text}\n")
    return read_manifest(project, {}).manifest


def test_logs_of_a_step_keep_its_tracebacks() -> None:
    assert list(keep_step(LOG, "ingest:crm")) == LOG[:4]
    assert list(keep_step(LOG, "test:crm")) == LOG[4:]
    assert list(keep_step(LOG, None)) == LOG


def test_a_resource_is_named_with_its_source(manifest: Manifest) -> None:
    assert split_resource(manifest, "crm.customers") == ("crm", "customers")
    with pytest.raises(UsageError, match="'crm' names no resource"):
        split_resource(manifest, "crm")
    with pytest.raises(UsageError) as caught:
        split_resource(manifest, "crm.custmers")
    assert caught.value.hint == "Did you mean 'customers'?"


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UsageError) as caught:
        require_name("x", ["fakestore", "crm"], "pipeline")
    assert caught.value.hint == "There is: fakestore, crm."


def test_show_takes_a_pipeline_or_a_source(manifest: Manifest) -> None:
    assert choose_source(manifest, "crm") == "crm"
    with pytest.raises(UsageError):
        choose_source(manifest, "nothing")


def test_the_only_sqlmesh_transform_need_not_be_named(tmp_path: Path) -> None:
    one = with_transforms({"a": "sqlmesh", "b": "dbt"}, tmp_path)
    assert choose_transform(one, ("plan",)) == ("a", ("plan",))
    assert choose_transform(one, ("a", "plan", "--help")) == ("a", ("plan", "--help"))


def test_of_two_sqlmesh_transforms_one_must_be_named(tmp_path: Path) -> None:
    two = with_transforms({"a": "sqlmesh", "b": "sqlmesh"}, tmp_path)
    assert choose_transform(two, ("b", "plan")) == ("b", ("plan",))
    with pytest.raises(UsageError, match="Which SQLMesh transform"):
        choose_transform(two, ("plan",))


def test_without_a_sqlmesh_transform_sqlmesh_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no SQLMesh transform"):
        choose_transform(with_transforms({"a": "dbt"}, tmp_path), ("plan",))


def test_progress_in_a_pipe_is_a_line_an_event_and_a_line_every_few_seconds() -> None:
    lines: list[str] = []
    clock = iter([0.0, LINE_EVERY_S / 2, LINE_EVERY_S, LINE_EVERY_S + 1])
    progress = LineProgress(lines.append, now=lambda: next(clock))
    step = StepResult("ingest:crm", "ingest", "running")
    progress.run_started(RunResult("R1", "dev", "running", utc_now()), [PipelinePlan("crm", ())])
    progress.step_started("crm", step)
    for records in (1, 1000, 2000, 3000):
        progress.progress("ingest:crm", Progress("purchases", records))
    step.status, step.duration_s = "succeeded", 1.25
    step.resources = [ResourceResult("purchases", "bronze_crm", "purchases", extracted=3000, loaded=3000)]
    progress.step_finished("crm", step)
    progress.step_finished("crm", StepResult("test:crm", "test", "skipped"))
    assert lines == [
        "Run R1 in 'dev': crm",
        "ingest:crm: started",
        "ingest:crm: 2,000 rows of purchases so far",
        "ingest:crm: succeeded in 1.2 s, 3,000 loaded",
        "test:crm: skipped",
    ]


def test_init_makes_a_project_that_validates_and_never_overwrites_it(tmp_path: Path) -> None:
    made = run_cli(["init", "shop"], cwd=tmp_path)
    assert made.exit_code == 0
    assert "cd shop" in made.stdout
    shop = tmp_path / "shop"
    assert (shop / ".pipeline" / "manifest.schema.json").is_file()
    assert ".pipeline/" in (shop / ".gitignore").read_text()
    assert run_cli(["validate"], cwd=shop).exit_code == 0
    before = (shop / "pipelines.yaml").read_bytes()
    again = run_cli(["init", "shop"], cwd=tmp_path)
    assert again.exit_code == 2
    assert "Nothing was written" in again.stderr
    assert (shop / "pipelines.yaml").read_bytes() == before


def test_schema_prints_the_schema_itself_and_with_json_a_document(tmp_path: Path) -> None:
    plain = run_cli(["schema"], cwd=tmp_path).document
    assert plain is not None and plain["$schema"].startswith("https://json-schema.org/")
    document = run_cli(["schema", "--json"], cwd=tmp_path).document
    assert document is not None
    assert document["schema"] == plain
    assert document["schema_version"] == 1


def test_show_of_what_was_never_loaded_says_what_to_run(tmp_path: Path) -> None:
    run_cli(["init", "."], cwd=tmp_path)
    result = run_cli(["show", "crm"], cwd=tmp_path)
    assert result.exit_code == 2
    assert "pipeline-cli run crm" in result.stderr


def test_logs_and_runs_of_an_unknown_run_say_so(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    for arguments in (["logs", "nope"], ["runs", "show", "nope"], ["logs"], ["runs", "show"]):
        result = run_cli(arguments, cwd=project)
        assert result.exit_code == 2, arguments
        assert "no run" in result.stderr


def test_preview_prints_records_and_loads_nothing(tmp_path: Path) -> None:
    run_cli(["init", "."], cwd=tmp_path)
    result = run_cli(["preview", "crm.purchases", "--limit", "2", "--json"], cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    assert result.document is not None
    assert len(result.document["rows"]) == 2
    assert result.document["columns"]["purchase_id"] == "bigint"
    assert not (tmp_path / ".pipeline" / "dev" / "warehouse.duckdb").exists()


def test_contract_infer_prints_or_writes_and_never_overwrites(tmp_path: Path) -> None:
    run_cli(["init", "."], cwd=tmp_path)
    infer = ["contract", "infer", "crm.customers"]
    printed = run_cli(infer, cwd=tmp_path)
    assert printed.exit_code == 0, printed.stderr
    assert printed.document is not None and "customer_id" in printed.document["properties"]
    contract = tmp_path / "sources/crm/customers.schema.json"
    before = contract.read_bytes()
    assert run_cli([*infer, "--write"], cwd=tmp_path).exit_code == 2
    assert contract.read_bytes() == before

    contract.unlink()
    manifest = tmp_path / "pipelines.yaml"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if "crm/customers.schema.json" not in line))
    written = run_cli([*infer, "--write"], cwd=tmp_path)
    assert written.exit_code == 0, written.stderr
    assert "contract: sources/crm/customers.schema.json" in written.stdout
    assert json.loads(contract.read_text()) == printed.document
