"""pipeline-cli contract infer"""

from __future__ import annotations

import click

from pipeline_cli.cli.groups import VerbGroup
from pipeline_cli.cli.output import print_result
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import UsageError


@click.group(cls=VerbGroup)
@common_options
def command() -> None:
    """Contracts: the JSON Schema that every record of a resource must meet."""


@command.command("infer", short_help="Print or write a contract that the data meet.")
@click.argument("name", metavar="SOURCE.RESOURCE")
@click.option(
    "--sample", default=1000, show_default=True, type=click.IntRange(min=1), help="How many records to read."
)
@click.option(
    "--write", is_flag=True, help="Write it to sources/SOURCE/RESOURCE.schema.json; nothing is overwritten."
)
@common_options
@click.pass_obj
def infer(settings: Settings, name: str, sample: int, write: bool) -> int:
    """Read records and print the contract that all of them meet, as a start to tighten by hand.

    Example: pipeline-cli contract infer fakestore.products --write
    """
    import json

    from pipeline_cli.cli.names import split_resource
    from pipeline_cli.contracts.infer import infer_contract
    from pipeline_cli.preview import preview_resource

    project = settings.open_project(sources=(name.partition(".")[0],))
    source, resource = split_resource(project.manifest, name)
    file = f"sources/{source}/{resource}.schema.json"
    if write and project.resolve(file).exists():
        raise UsageError(f"{file} exists already.", hint="Without --write the contract is printed.")
    seen = preview_resource(project, source, resource, sample)
    rows = [*seen.rows, *(entry["record"] for entry in seen.rejected)]
    schema = infer_contract(rows)
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    if write:
        project.resolve(file).parent.mkdir(parents=True, exist_ok=True)
        project.resolve(file).write_text(text + "\n", encoding="utf-8")
    records = f"{len(rows)} record{'' if len(rows) == 1 else 's'}"
    lines = [f"Wrote {file} from {records}.", f"Next, in pipelines.yaml:  contract: {file}"]
    fields = {
        "status": "succeeded",
        "contract": schema,
        "file": file if write else None,
        "records": len(rows),
    }
    print_result(settings, {**fields, "errors": []}, lines if write else [text])
    return 0
