"""A crontab: lines for `crontab -e`, a group of them for each time zone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pipeline_cli.scheduling.export import MARK, Exported, Job, portable, slug

_HEAD = f"""\
# {MARK} cron
# Add these lines with: crontab -e   (`crontab FILE` would replace all that is there)
# CRON_TZ is understood by cronie (Fedora, RHEL, Arch); the cron of Debian and Ubuntu ignores it and reads every
# time in the machine's own zone. cron makes up for no missed run, and mails what goes wrong to MAILTO.
SHELL=/bin/sh
"""


def export_cron(jobs: Sequence[Job]) -> Exported:
    lines = [_HEAD]
    if any(job.variables for job in jobs):
        names = ", ".join(sorted({name for job in jobs for name in job.variables}))
        lines.append(
            f"# cron has none of your shell's variables; put these into {jobs[0].root}/.env: {names}\n"
        )
    for zone in dict.fromkeys(job.schedule.timezone for job in jobs):
        lines.append(f"CRON_TZ={zone}\n")
        lines += [_line(job) for job in jobs if job.schedule.timezone == zone]
    notes = ["Debian's and Ubuntu's cron ignore CRON_TZ: there the times are in the machine's zone."]
    return Exported(
        {f"pipeline-cli-{slug(jobs[0].project)}-{jobs[0].environment}.crontab": "".join(lines)}, notes
    )


def _line(job: Job) -> str:
    command = f"cd {shlex.quote(str(job.root))} && {shlex.join([*job.command, '--quiet'])} >/dev/null"
    # An unescaped % ends the command and begins its input, also inside quotes.
    return f"{portable(job.schedule.cron)} {command.replace('%', chr(92) + '%')}\n"
