"""A timer and a service for each pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli import cron
from pipeline_cli.manifest.schedules import Schedule
from pipeline_cli.scheduling.export import MARK, Exported, Job

_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_FULL = (60, 24, 31, 12, 7)


def export_systemd(jobs: Sequence[Job]) -> Exported:
    files: dict[str, str] = {}
    for job in jobs:
        files[f"pipeline-cli-{job.name}.service"] = _service(job)
        files[f"pipeline-cli-{job.name}.timer"] = _timer(job)
    names = " ".join(name for name in files if name.endswith(".timer"))
    notes = [
        "Copy them to ~/.config/systemd/user/ (or /etc/systemd/system/ with sudo, without --user), then: "
        f"systemctl --user enable --now {names}"
    ]
    if any(job.schedule.catch_up == "all" for job in jobs):
        notes.append("systemd makes up for one missed run at most, also where catch_up is all.")
    return Exported(files, notes)


def calendar(schedule: Schedule) -> list[str]:
    """The schedule as OnCalendar: one line, or two where either of the two day fields will do."""
    (minutes, hours, days, months, weekdays), both_days = cron.values_of(schedule.cron)
    minute, hour, day, month, weekday = (
        "*" if len(values) == full else ",".join(f"{value:02}" for value in values)
        for values, full in zip((minutes, hours, days, months, weekdays), _FULL, strict=True)
    )
    if weekday != "*":
        weekday = ",".join(_WEEKDAYS[value] for value in weekdays)
    time = f"{hour}:{minute}:00 {schedule.timezone}"
    if both_days or "*" in (day, weekday):
        return [f"{'' if weekday == '*' else weekday + ' '}*-{month}-{day} {time}"]
    return [f"*-{month}-{day} {time}", f"{weekday} *-{month}-* {time}"]


def _timer(job: Job) -> str:
    lines = "\n".join(f"OnCalendar={line}" for line in calendar(job.schedule))
    return f"""\
# {MARK} systemd
[Unit]
Description=pipeline-cli: {job.pipeline} in {job.environment}, {job.schedule.cron} {job.schedule.timezone}

[Timer]
{lines}
Persistent={"false" if job.schedule.catch_up == "none" else "true"}
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


def _service(job: Job) -> str:
    variables = ""
    if job.variables:
        variables = f"# Variables it needs; put them into .env in the project: {', '.join(job.variables)}\n"
    program, *arguments = [*job.command, "--quiet"]
    words = [_quote(program), *(_quote(argument).replace("$", "$$") for argument in arguments)]
    if set(program) & set("\\'\"$"):  # which systemd refuses in a program's own path
        words = ["/usr/bin/env", words[0].replace("$", "$$"), *words[1:]]
    return f"""\
# {MARK} systemd
{variables}[Unit]
Description=pipeline-cli: {job.pipeline} in {job.environment}

[Service]
Type=oneshot
WorkingDirectory={str(job.root).replace("%", "%%")}
ExecStart={" ".join(words)}
"""


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
