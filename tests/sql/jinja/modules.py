"""What dbt gives to Jinja as `modules`, for variables that have no value here."""

from __future__ import annotations


class datetime:  # noqa: N801
    class date:  # noqa: N801
        @staticmethod
        def fromisoformat(text: str) -> str:
            return text
