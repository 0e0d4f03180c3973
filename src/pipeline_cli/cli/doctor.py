"""pipeline-cli doctor"""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from pipeline_cli.cli.output import print_result, wants_color
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import EXIT_DONE, EXIT_STEP_FAILED, Mistake

COLORS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@common_options
@click.pass_obj
def command(settings: Settings) -> int:
    """Check this machine, the installation, the environment's variables and its destination.

    Exit code 1 when anything fails; a warning does not fail.

    Example: pipeline-cli doctor --env prod
    """
    from pipeline_cli.cli.diagnosis import Finding, diagnose

    findings = list(diagnose(settings))
    color = wants_color(sys.stdout)

    def line(finding: Finding) -> str:
        mark = finding.status.ljust(4)
        shown = click.style(mark, fg=COLORS[finding.status]) if color else mark
        text = f"{shown}  {finding.check:<11}  {finding.message}"
        return text + (f"\n{'':19}{finding.hint}" if finding.hint and finding.status != "ok" else "")

    errors = [
        {"step": None, **Mistake(found.code, f"{found.check}: {found.message}", found.hint).to_dict()}
        for found in findings
        if found.status == "fail"
    ]
    checks = [{name: value for name, value in asdict(found).items() if name != "code"} for found in findings]
    failed = any(finding.status == "fail" for finding in findings)
    status = "failed" if failed else "succeeded"
    print_result(
        settings,
        {"status": status, "checks": checks, "errors": errors},
        map(line, findings),
    )
    return EXIT_STEP_FAILED if failed else EXIT_DONE
