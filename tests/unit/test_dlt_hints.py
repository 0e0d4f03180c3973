"""What dlt knows of type hints is the same when it is remembered."""

from __future__ import annotations

from typing import Annotated, Any, Union

import pytest

from pipeline_cli.dlt_hints import remembered
from pipeline_cli.dlt_import import import_dlt


def test_an_answer_is_looked_for_once_and_belongs_to_the_very_hint() -> None:
    asked: list[Any] = []

    def first_of(hint: Any) -> Any:
        asked.append(hint)
        return hint.__args__[0]

    ask = remembered(first_of)
    there, back = Union[int, str], Union[str, int]  # noqa: UP007 - equal, and not the same
    assert there == back
    assert [ask(there), ask(back), ask(there), ask(back)] == [int, str, int, str]
    assert len(asked) == 2


def test_what_raises_is_asked_again_and_hints_without_end_take_no_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline_cli.dlt_hints._MOST", 3)
    asked: list[Any] = []

    def length(hint: Any) -> int:
        asked.append(hint)
        return len(hint)

    ask = remembered(length)
    for _ in range(2):
        with pytest.raises(TypeError):
            ask(5)
    hints = [[0] * size for size in range(9)]
    assert [ask(hint) for hint in hints] == list(range(9)) == [ask(hint) for hint in hints]
    assert asked.count(5) == 2 and ask.__closure__ is not None
    (known,) = [cell.cell_contents for cell in ask.__closure__ if isinstance(cell.cell_contents, dict)]
    assert len(known) <= 3


def test_dlt_asks_the_remembered_and_hears_what_it_would_have_found() -> None:
    import_dlt()
    import dlt.common.configuration.providers.environ as environment
    from dlt.common import validation
    from dlt.common.configuration.specs import BaseConfiguration
    from dlt.common.schema.typing import TStoredSchema
    from dlt.common.typing import TSecretStrValue, get_type_hints

    def heirs(spec: type[BaseConfiguration]) -> set[type[BaseConfiguration]]:
        return {spec}.union(*map(heirs, spec.__subclasses__()))

    hints = [hint for spec in heirs(BaseConfiguration) for hint in spec.get_resolvable_fields().values()]
    hints += [TSecretStrValue, TSecretStrValue | None, Annotated[str, "plain"], str]
    ask = environment.is_secret_hint
    expected = [ask.__wrapped__(hint) for hint in hints]
    assert {True, False} == set(expected)
    assert [ask(hint) for hint in hints] == expected == [ask(hint) for hint in hints]
    assert validation.get_type_hints.__wrapped__ is get_type_hints
    assert validation.get_type_hints(TStoredSchema) == get_type_hints(TStoredSchema)
