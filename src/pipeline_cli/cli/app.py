"""The command's entry: the table of verbs, and the one place that catches errors."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from pipeline_cli.cli.output import keep_stdout_for_the_document, print_error, print_failure
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import EXIT_BUG, EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, Mistake, PipelineCliError
from pipeline_cli.failpoints import VARIABLE, arm

PROGRAM = "pipeline-cli"
COMPLETION_VARIABLE = "_PIPELINE_CLI_COMPLETE"
# They hold nothing that must be closed, and taking the interpreter down is a tenth of their time.
QUICK_COMMANDS = (PROGRAM, "validate")

# How long a thread may keep the interpreter while others wait for it. By Python's own 5 ms, what fetches pages waits
# for what loads them, however little each has to do.
_TURN_S = 0.001

# Libraries read these when they are loaded. numpy's threads turn round at full speed for a tenth of a second before
# they wait; Arrow's memory would be had from the system in pieces of megabytes, which are filled with zeros, again
# and again.
_LIBRARIES = {"OPENBLAS_THREAD_TIMEOUT": "4", "MIMALLOC_ARENA_EAGER_COMMIT": "0"}

# Each verb's line of help stands here so that --help imports none of their modules.
VERBS: dict[str, tuple[str, str]] = {
    "init": ("pipeline_cli.cli.init", "Copy the reference project into a folder."),
    "validate": ("pipeline_cli.cli.validate", "Check pipelines.yaml and the contracts it names."),
    "schema": ("pipeline_cli.cli.schema", "Print the manifest's JSON Schema, for editors."),
    "doctor": ("pipeline_cli.cli.doctor", "Check this machine, the environment and the destination."),
    "preview": ("pipeline_cli.cli.preview", "Show a few records of a resource and load nothing."),
    "plan": ("pipeline_cli.cli.plan", "Say what a change will do, before anything is done."),
    "apply": ("pipeline_cli.cli.apply", "Do what a plan in a file says, unless it is stale."),
    "restore": ("pipeline_cli.cli.restore", "List restore points, or go back to one."),
    "run": ("pipeline_cli.cli.run", "Ingest, transform and test pipelines."),
    "retry": ("pipeline_cli.cli.retry", "Run again what failed in a run."),
    "backfill": ("pipeline_cli.cli.backfill", "Read a span of incremental resources anew, chunk by chunk."),
    "rollback": ("pipeline_cli.cli.rollback", "Take back what was loaded after a run."),
    "reconcile": ("pipeline_cli.cli.reconcile", "Compare a pipeline's sources with the destination."),
    "diff": ("pipeline_cli.cli.diff", "Compare the tables and models of two environments."),
    "drop": ("pipeline_cli.cli.drop", "Take away an environment that is a copy of another."),
    "schedule": ("pipeline_cli.cli.schedule", "Run pipelines by their schedules, or show the next slots."),
    "monitor": ("pipeline_cli.cli.monitor", "Check whether pipelines are well."),
    "report": ("pipeline_cli.cli.report", "Write reports anew from what is in the warehouse."),
    "site": ("pipeline_cli.cli.site", "Write one site of pipelines, reports, tables and lineage."),
    "lineage": ("pipeline_cli.cli.lineage", "Show what a column or table is made of."),
    "runs": ("pipeline_cli.cli.runs", "List the runs, or show one."),
    "logs": ("pipeline_cli.cli.logs", "Print the log of a run."),
    "alerts": ("pipeline_cli.cli.alerts", "List incidents and alerts, send what is due, test channels."),
    "quarantine": ("pipeline_cli.cli.quarantine", "List, show, replay, discard or export rejected records."),
    "state": ("pipeline_cli.cli.state", "Show, move or save how far sources were read."),
    "contract": ("pipeline_cli.cli.contract", "Write a first contract from a resource's data."),
    "generate": ("pipeline_cli.cli.generate", "Write a source's rows as files to a place for files."),
    "record": ("pipeline_cli.cli.record", "Record a source's answers, for environments that replay."),
    "show": ("pipeline_cli.cli.show", "Open dlt's dashboard on what was loaded."),
    "dlt": ("pipeline_cli.cli.dlt", "Run dlt's own command with the manifest's settings."),
    "sqlmesh": ("pipeline_cli.cli.sqlmesh", "Run SQLMesh's own command with the manifest's settings."),
}


class LazyGroup(click.Group):
    """A group whose verbs are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from importlib import import_module

        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(VERBS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not ctx.resilient_parsing:
            raise click.UsageError(f"There is no command '{args[0]}'.{suggest(args[0], list(VERBS))}", ctx)
        if args:
            ctx.ensure_object(Settings).command = args[0]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


def suggest(given: str, known: Sequence[str]) -> str:
    """' Did you mean …?' for the nearest known word, or nothing."""
    from difflib import get_close_matches

    found = get_close_matches(given, known, n=1)
    return f" Did you mean '{found[0]}'?" if found else ""


def _print_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from pipeline_cli import __version__

        click.echo(f"{PROGRAM} {__version__}")
        context.exit()


@click.group(
    name=PROGRAM,
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 a step failed, 2 usage or manifest, 3 a bug, 4 checks failed, 10 changes, 75 busy, "
    "130 interrupted, 143 terminated.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Version."
)
@common_options
def root_group() -> None:
    """One YAML file from APIs to tested star schemas: dlt loads, SQLMesh or dbt transforms."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code; no traceback reaches a user."""
    if COMPLETION_VARIABLE in os.environ:
        root_group.main(prog_name=PROGRAM)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.setswitchinterval(_TURN_S)
    for name, value in _LIBRARIES.items():
        os.environ.setdefault(name, value)
    settings = Settings()
    code = run_command(list(sys.argv[1:] if arguments is None else arguments), settings)
    if settings.command not in QUICK_COMMANDS:
        atexit._run_exitfuncs()
    _flush()
    # All is written and closed: taking the modules apart one by one would be 0.3 to 0.7 s more after a run with dlt.
    os._exit(code)


def run_command(arguments: list[str], settings: Settings) -> int:
    """Parse, call and catch. Returns the exit code of errors.py."""
    try:
        return _invoke(arguments, settings)
    except click.exceptions.Exit as exit_request:
        return exit_request.exit_code
    except click.UsageError as error:
        return _print_usage_error(settings, error, arguments)
    except PipelineCliError as error:
        return print_error(settings, error)
    except (KeyboardInterrupt, click.Abort):
        print_failure(settings, [Mistake("E130", "Interrupted.")])
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _close_stdout()
    except Exception as error:
        from pipeline_cli.cli.bug import report_bug
        from pipeline_cli.machine import explain_odd

        if (refused := explain_odd(error)) is not None:
            return print_error(settings, refused)
        print_failure(settings, [report_bug(error, settings)])
        return EXIT_BUG


def _invoke(arguments: list[str], settings: Settings) -> int:
    try:
        arm(os.environ.get(VARIABLE))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with root_group.make_context(PROGRAM, arguments, obj=settings) as context:
        result: Any = root_group.invoke(context)
    return result if isinstance(result, int) else EXIT_DONE


def _print_usage_error(settings: Settings, error: click.UsageError, arguments: list[str]) -> int:
    """Tell a wrong command line: what is wrong, and how to see what is right."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    if "--json" in arguments and not settings.json:  # parsing stopped before it came to --json
        settings.json = True
        keep_stdout_for_the_document()
    path = error.ctx.command_path if error.ctx else PROGRAM
    print_failure(settings, [Mistake("E001", error.format_message(), f"See: {path} --help")])
    return EXIT_USAGE


def _close_stdout() -> int:
    """Whoever read our output has gone (`| head`): say nothing, and keep Python from flushing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return EXIT_DONE


def _flush() -> None:
    sys.stderr.flush()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _close_stdout()
