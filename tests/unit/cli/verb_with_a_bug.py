"""A verb that fails as only a bug of ours does; it knows a secret."""

from __future__ import annotations

import click

from pipeline_cli.cli.settings import Settings, common_options


@click.command()
@common_options
@click.pass_obj
def command(settings: Settings) -> int:
    settings.secrets = frozenset({"hunter2-hunter2"})
    raise RuntimeError("password hunter2-hunter2 was refused")
