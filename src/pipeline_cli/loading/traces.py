"""dlt's traces, without secrets: it keeps each error with the texts of all that caused it, pickled."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from dlt.common.runtime.collector import NullCollector

from pipeline_cli.secrets import mask, mask_tree


class MaskingCollector(NullCollector):
    """Masks each step of a trace as it ends, before dlt writes the trace."""

    def __init__(self, secrets: AbstractSet[str]) -> None:
        super().__init__()
        self._secrets = frozenset(secrets)

    def on_end_trace_step(self, trace: Any, step: Any, *_: Any, **__: Any) -> None:
        told = step.step_exception
        trace.steps[-1] = step._replace(
            step_exception=mask(told, self._secrets) if told else told,
            exception_traces=mask_tree(step.exception_traces, self._secrets),
        )
        for index, value in enumerate(trace.resolved_config_values):
            trace.resolved_config_values[index] = value._replace(
                value=mask_tree(value.value, self._secrets),
                default_value=mask_tree(value.default_value, self._secrets),
            )
