"""Faker's providers with what differs from day to day, and from process to process, held fast.

Faker itself reads the clock (`date_of_birth`, `past_date`, Swedish personal numbers) and in places Python's
own random numbers, which its seed does not reach. Both are names in the modules of its providers; here each
provider that has them becomes a subclass whose functions see others under those names. Faker itself, which
a Python source may be using in another thread, is left alone.
"""

from __future__ import annotations

import datetime
import random
from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate
from types import FunctionType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faker.generator import Generator


def make_generator(locale: str, today: datetime.datetime) -> Generator:
    """A Faker generator of one locale for which it is always `today`. Raises AttributeError: no such locale."""
    from faker import Faker

    made: Generator = Faker(locale).factories[0]
    # What a generator is told by its providers is by name: later ones replace what earlier ones said.
    made.seed_instance(0)
    for provider in reversed(made.get_providers()):
        fixed = _fix(type(provider), _Fixed(today), made.random)
        if fixed is not type(provider):
            provider.__class__ = fixed
        provider.random_element = _Elements(made.random)  # type: ignore[method-assign]
        for name in dir(provider):
            if not name.startswith("_") and callable(getattr(provider, name)):
                made.set_formatter(name, getattr(provider, name))
    return made


class _Elements:
    """Faker's random_element, with the sums of the weights kept: 1 and not 50 microseconds a name."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self.weighted: dict[int, tuple[Any, tuple[Any, ...], list[float]]] = {}

    def __call__(self, elements: Any = ("a", "b", "c")) -> Any:
        if isinstance(elements, dict):
            return self._weigh(elements)
        if isinstance(elements, (set, frozenset)):
            elements = sorted(elements, key=repr)  # the order of a set is another in each process
        elif not isinstance(elements, (tuple, list, str)):
            elements = tuple(elements)
        return elements[int(self.source.random() * len(elements))]

    def _weigh(self, elements: Any) -> Any:
        # The map is kept with its number, which so stays its own.
        found = self.weighted.get(id(elements))
        if found is None:
            found = elements, tuple(elements), list(accumulate(elements.values()))
            self.weighted[id(elements)] = found
        _, choices, sums = found
        return choices[min(bisect_right(sums, self.source.random() * sums[-1]), len(choices) - 1)]


class _Fixed:
    """The names that a module of Faker may have for the clock, and what they are instead."""

    def __init__(self, today: datetime.datetime) -> None:
        moment, day = today.replace(tzinfo=None), today.date()
        self.datetime = _stand_in(
            datetime.datetime,
            now=lambda tz=None: moment.replace(tzinfo=tz),
            today=lambda: moment,
            utcnow=lambda: moment,
        )
        self.date = _stand_in(datetime.date, today=lambda: day)
        self.module = SimpleNamespace(**{**vars(datetime), "datetime": self.datetime, "date": self.date})

    def replace(self, value: Any, source: random.Random) -> Any:
        if value is datetime.datetime:
            return self.datetime
        if value is datetime.date:
            return self.date
        if value is datetime:
            return self.module
        return source if value is random else value


def _stand_in(real: Any, **fixed: Callable[..., Any]) -> Any:
    """A class that makes, and knows as its own, instances of `real`; only these functions differ."""

    class Meta(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            return real(*args, **kwargs)

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, real)

        def __getattr__(cls, name: str) -> Any:
            return getattr(real, name)

    return Meta(real.__name__, (), {name: staticmethod(function) for name, function in fixed.items()})


def _fix(provider: type, fixed: _Fixed, source: random.Random) -> type:
    """The provider, or a subclass whose functions, inherited ones too, see what is fixed."""
    functions: dict[str, Any] = {}
    for parent in reversed(provider.__mro__[:-1]):
        names = _fixed_names(parent.__module__, fixed, source)
        if names is not None:
            functions |= {name: value for name, own in vars(parent).items() if (value := _bind(own, names))}
        else:
            # What a nearer class says in its own way stays said in that way.
            functions = {name: value for name, value in functions.items() if name not in vars(parent)}
    return type(provider.__name__, (provider,), functions) if functions else provider


def _fixed_names(module_name: str, fixed: _Fixed, source: random.Random) -> Mapping[str, Any] | None:
    """A module's names with the fixed ones, its own functions among them; None where nothing differs."""
    import sys

    module: ModuleType = sys.modules[module_name]
    names = {name: fixed.replace(value, source) for name, value in vars(module).items()}
    if all(names[name] is value for name, value in vars(module).items()):
        return None
    for name, value in list(names.items()):
        if isinstance(value, FunctionType) and value.__module__ == module_name:
            names[name] = _bind(value, names)
    return names


def _bind(value: Any, names: Mapping[str, Any]) -> Any:
    """A function, static method or class method that looks its global names up in `names`; else None."""
    if isinstance(value, (staticmethod, classmethod)):
        return type(value)(_bind(value.__func__, names))
    if not isinstance(value, FunctionType):
        return None
    bound = FunctionType(value.__code__, names, value.__name__, value.__defaults__, value.__closure__)  # type: ignore[arg-type]
    bound.__kwdefaults__ = value.__kwdefaults__
    return bound
