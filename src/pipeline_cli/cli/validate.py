"""pipeline-cli validate"""

from __future__ import annotations

import click

from pipeline_cli.cli.output import print_result
from pipeline_cli.cli.settings import MANIFEST_NAME, Settings, common_options
from pipeline_cli.errors import ManifestError

SECTIONS = ("sources", "destinations", "transforms", "reports", "plugins", "pipelines", "environments")


@click.command()
@common_options
@click.pass_obj
def command(settings: Settings) -> int:
    """Check pipelines.yaml, its section files, contracts and plugins; run nothing and touch nothing.

    Example: pipeline-cli validate --env prod
    """
    from pipeline_cli.manifest.contract_schemas import check_contracts, contract_files
    from pipeline_cli.plugins.loading import check_plugins

    reading = settings.read_manifest()
    root = settings.find_root()
    contracts = contract_files(reading.manifest)
    check_contracts(root, contracts)
    mistakes = check_plugins(root, reading.manifest.own_plugins)
    if mistakes:
        raise ManifestError(tuple(mistakes))
    counts = {section: len(getattr(reading.manifest, section)) for section in SECTIONS}
    parts = [_count(number, section) for section, number in counts.items() if number]
    parts.append(_count(len(contracts), "contracts"))
    missing = {entry: list(names) for entry, names in reading.missing.items()}
    lines = [f"{MANIFEST_NAME} is valid: {', '.join(parts)}."]
    for entry, names in missing.items():
        lines.append(f"Not set, and not needed in '{reading.environment}': {', '.join(names)} ({entry})")
    fields = {
        "status": "succeeded",
        "environment": reading.environment,
        "counts": {**counts, "contracts": len(contracts)},
    }
    print_result(settings, {**fields, "missing": missing, "errors": []}, lines)
    return 0


def _count(number: int, section: str) -> str:
    return f"{number} {section[:-1] if number == 1 else section}"
