"""Frozen dataclasses that cost little to make.

`dataclass(frozen=True)` writes and compiles six methods for every class: 0.7 ms each, for twenty classes, before
`validate` begins. These classes share one set of methods and cost 0.1 ms.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def freeze(cls: type[T]) -> type[T]:
    """A dataclass with slots that cannot be changed and compares by value; its repr hides secrets."""
    # Where there is none dataclass() makes one from the signature, and inspect's first look at one costs 5 ms.
    cls.__doc__ = cls.__doc__ or cls.__name__
    built: Any = dataclasses.dataclass(slots=True, init=False, repr=False, eq=False, match_args=False)(cls)
    built.__init__, built.__repr__, built.__reduce__ = _init, _repr, _reduce
    built.__eq__, built.__hash__ = _eq, _hash
    built.__setattr__ = built.__delattr__ = _refuse
    frozen: type[T] = built
    return frozen


def _init(self: Any, *values: Any, **named: Any) -> None:
    fields = self.__dataclass_fields__.values()
    named.update((field.name, value) for field, value in zip(fields, values, strict=False))
    for field in fields:
        if field.name in named:
            value = named.pop(field.name)
        elif field.default is not dataclasses.MISSING:
            value = field.default
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        else:
            raise TypeError(f"{type(self).__name__} needs {field.name}")
        object.__setattr__(self, field.name, value)
    if named or len(values) > len(fields):
        raise TypeError(f"{type(self).__name__} takes no {', '.join(named) or 'more values'}")


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, field.name) for field in dataclasses.fields(self))


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(self) is type(other) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    shown = (
        f"{field.name}={'***' if field.metadata.get('secret') else repr(getattr(self, field.name))}"
        for field in dataclasses.fields(self)
    )
    return f"{type(self).__name__}({', '.join(shown)})"


def _reduce(self: Any) -> tuple[Any, ...]:
    return type(self), _values(self)


def _refuse(self: Any, name: str, *_value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"{type(self).__name__}.{name} cannot be changed")
