"""All checks on one pipeline. Pure."""

from __future__ import annotations

from pipeline_cli.monitoring.findings import Finding, Health
from pipeline_cli.monitoring.looking import Look, usual_duration_s
from pipeline_cli.monitoring.runs import (
    check_duration,
    check_last_run,
    check_late,
    check_service_level,
    check_steps,
)
from pipeline_cli.monitoring.tables import (
    check_freshness,
    check_new_rows,
    check_quarantine,
    check_rows,
    current_loads,
)


def judge(look: Look) -> Health:
    """What is wrong with the pipeline; the same trouble is told once."""
    failed = [*check_last_run(look), *check_steps(look)]
    late = list(check_late(look))
    findings: list[Finding] = [*failed, *late]
    if not late:  # a run that did not come has not kept its level either
        findings += check_service_level(look)
    findings += check_duration(look)
    is_told = bool(failed or late or look.running)
    findings += [*check_freshness(look, is_late=is_told), *check_new_rows(look)]
    findings += [*check_rows(look), *check_quarantine(look)]
    run = look.running or look.last
    return Health(
        pipeline=look.pipeline,
        findings=findings,
        last=next(iter(look.runs), None),
        ended=look.last,
        last_success=look.last_success,
        usual_duration_s=usual_duration_s(look, run) if run else None,
        next_slot=look.next_slot,
        loads=[loads[0] for loads in current_loads(look)],
    )
