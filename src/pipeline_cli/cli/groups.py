"""A verb with verbs of its own (`runs list`), of which one is meant when none is given."""

from __future__ import annotations

from typing import Any

import click

from pipeline_cli.cli.settings import Settings


class VerbGroup(click.Group):
    """A group that tells misspelt verbs, and runs `default` when it is called without a verb.

    default: the verb of `pipeline-cli runs` and `pipeline-cli runs --limit 5`; without one, help is shown.
    """

    def __init__(self, *args: Any, default: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.default = default
        self.no_args_is_help = default is None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks_help = bool(args) and args[0] in ctx.help_option_names
        named = any(arg in self.commands for arg in args)
        only_options = not args or args[0].startswith("-")
        if self.default and only_options and not asks_help and not named:
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from pipeline_cli.cli.app import suggest

        if args and args[0] not in self.commands and not ctx.resilient_parsing:
            raise click.UsageError(
                f"There is no command '{args[0]}'.{suggest(args[0], list(self.commands))}", ctx
            )
        if args:
            ctx.ensure_object(Settings).command = f"{ctx.info_name} {args[0]}"
        return super().resolve_command(ctx, args)
