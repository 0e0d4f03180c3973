"""Which functions of a plugin are hooks, and whether their names and arguments are right."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import pluggy

from pipeline_cli.plugins.loading import Candidate
from pipeline_cli.plugins.specs import GROUP, MOMENTS, Hooks

Hook = tuple[str, Callable[..., Any], Sequence[str]]


class Registry:
    """pluggy's registration of loaded plugins; what is wrong with one is told to `warn`."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._pluggy = pluggy.PluginManager(GROUP)
        self._pluggy.add_hookspecs(Hooks)
        self._order: list[str] = []

    def add(self, candidate: Candidate, plugin: Any) -> None:
        """Register what the candidate loaded as; a second plugin of the same name is left out."""
        if candidate.name in self._order:
            self._warn(f"there is a second plugin {candidate.name} ({candidate.where}); the first is used")
            return
        try:
            self._check_names(candidate, plugin)
            self._pluggy.register(plugin, candidate.name)
            self._order.append(candidate.name)
        except Exception as error:  # a plugin's attributes may do anything
            self._warn(f"plugin {candidate.name} is left out: {_reason(error)}")

    def hooks(self) -> dict[str, list[Hook]]:
        """Moment -> the functions to call, in the order in which the plugins were added."""
        return {moment: self._of_moment(moment) for moment in MOMENTS}

    def _of_moment(self, moment: str) -> list[Hook]:
        found = [
            impl
            for impl in getattr(self._pluggy.hook, moment).get_hookimpls()
            if impl.plugin_name in self._order
        ]
        found.sort(key=lambda impl: self._order.index(impl.plugin_name))
        return [(impl.plugin_name, impl.function, impl.argnames) for impl in found]

    def _check_names(self, candidate: Candidate, plugin: Any) -> None:
        """Warn of functions that are never called; raise ValueError for hooks that cannot be."""
        for name, function in inspect.getmembers(plugin, inspect.isroutine):
            marked = self._pluggy.parse_hookimpl_opts(plugin, name)
            moment = (marked and marked["specname"]) or name
            if marked and moment not in MOMENTS:
                hint = _suggest(moment, MOMENTS) or f"there is {', '.join(MOMENTS)}"
                self._warn(f"plugin {candidate.name}: {moment} is no hook and is never called: {hint}")
            elif marked:
                if marked["wrapper"] or marked["hookwrapper"]:
                    raise ValueError(f"{name} is a wrapper, and plugins here are called one by one")
                _check_arguments(moment, function)
            elif name in MOMENTS and getattr(function, "__module__", None) == _module(plugin):
                self._warn(f"plugin {candidate.name}: {name} is never called: mark it with @hookimpl")


def _check_arguments(moment: str, function: Callable[..., Any]) -> None:
    allowed = list(inspect.signature(getattr(Hooks, moment)).parameters)[1:]
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in allowed and parameter.default is parameter.empty:
            hint = _suggest(name, allowed) or f"there is {', '.join(allowed)}"
            raise ValueError(f"{moment} takes no argument {name}: {hint}")


def _suggest(name: str, known: Sequence[str]) -> str | None:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else None


def _module(plugin: Any) -> str:
    name = plugin.__name__ if inspect.ismodule(plugin) else getattr(plugin, "__module__", "")
    return str(name)


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
