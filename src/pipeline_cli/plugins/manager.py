"""Calling plugins so that none can harm the run or another plugin."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from copy import deepcopy
from functools import partial
from typing import Any

from pipeline_cli.manifest.models import Plugin
from pipeline_cli.plugins.loading import Candidate, find_candidates, suggest_plugin
from pipeline_cli.project import Project
from pipeline_cli.threads import start_thread

Warn = Callable[[str], None]
log = logging.getLogger(__name__)
_DEFAULTS = Plugin()


class PluginFailed(Exception):  # noqa: N818 - a plugin's state, not a fault of the program
    """A plugin raised, or did not come back in time; the message says which."""


class PluginManager:
    """The plugins of one run. Faults are told to `warn`, once each; nothing here ever raises.

    Each call has a thread of its own and a deadline (the manifest's `timeout`, 30 s by default). pluggy's
    own call is not used: it stops at the first plugin that raises, and a dead webhook must not silence email.
    """

    def __init__(self, entries: Mapping[str, Plugin], warn: Warn) -> None:
        self._entries = entries
        self._warned: set[str] = set()
        self._warn_run = warn
        self._hung: set[str] = set()
        # moment -> (plugin's name, its function, the arguments that it names)
        self._hooks: dict[str, list[tuple[str, Callable[..., Any], Sequence[str]]]] = {}

    @classmethod
    def load(cls, project: Project, warn: Warn) -> PluginManager:
        """Load the project's plugin files and the installed plugins; what cannot be loaded is left out."""
        manager = cls(project.manifest.own_plugins, warn)
        candidates = list(find_candidates(project.root / "plugins"))
        manager._warn_missing([candidate.name for candidate in candidates])
        if candidates:
            manager._register(candidates)
        return manager

    def listens(self, moment: str) -> bool:
        """Whether any plugin has a hook for this moment."""
        return bool(self._hooks.get(moment))

    def tell(self, moment: str, **facts: Any) -> None:
        """Call every plugin's hook of this moment, one after the other. `facts`: the hook's arguments."""
        for name, function, wanted in self._hooks.get(moment, ()):
            if name not in self._hung:
                given = {**facts, "options": dict(self._entry(name).options)}
                self._call(name, partial(_call_hook, function, wanted, given), f"in {moment}")

    def listeners(self, moment: str) -> list[str]:
        """The names of the plugins that have a hook for this moment."""
        return [name for name, _, _ in self._hooks.get(moment, ())]

    def timeout_s(self, name: str) -> float:
        """How long one call of the plugin may take."""
        return self._entry(name).timeout.total_seconds()

    def call_one(self, name: str, moment: str, **facts: Any) -> None:
        """Call one plugin's hook of this moment. Raises PluginFailed, with the reason; nothing is warned of."""
        for other, function, wanted in self._hooks.get(moment, ()):
            if other == name:
                given = {**facts, "options": dict(self._entry(name).options)}
                future = start_thread(partial(_call_hook, function, wanted, given), f"plugin {name}")
                wait([future], timeout=self.timeout_s(name))
                if not future.done():
                    raise PluginFailed(f"it did not return within {self.timeout_s(name):g} s")
                if (error := future.exception()) is not None:
                    raise PluginFailed(_describe(error))

    def _call(self, name: str, function: Callable[[], Any], when: str) -> Any:
        """The function's result; None where it failed, which is told to the run."""
        timeout_s = self._entry(name).timeout.total_seconds()
        future = start_thread(function, f"plugin {name}")
        wait([future], timeout=timeout_s)
        if not future.done():
            self._hung.add(name)
            self._warn(f"plugin {name} did not return {when} within {timeout_s:g} s; it is not called again")
            return None
        error = future.exception()
        if error is None:
            return future.result()
        self._warn(f"plugin {name} failed {when}: {_describe(error)}", error)
        return None

    def _register(self, candidates: Sequence[Candidate]) -> None:
        from pipeline_cli.plugins.registry import Registry

        registry = Registry(self._warn)
        for candidate in candidates:
            plugin = self._call(candidate.name, candidate.load, f"while loading {candidate.where}")
            if plugin is not None:
                registry.add(candidate, plugin)
        self._hooks = registry.hooks()

    def _warn_missing(self, found: Sequence[str]) -> None:
        for name in self._entries:
            if name not in found:
                hint = suggest_plugin(name, found)
                self._warn(f"there is no plugin {name}, which the manifest has options for: {hint}")

    def _entry(self, name: str) -> Plugin:
        return self._entries.get(name, _DEFAULTS)

    def _warn(self, message: str, error: BaseException | None = None) -> None:
        log.warning(message, exc_info=error)
        if message not in self._warned:
            self._warned.add(message)
            self._warn_run(message)


def _call_hook(function: Callable[..., Any], wanted: Sequence[str], given: Mapping[str, Any]) -> None:
    # Copies: a plugin that changes what it is given changes nothing for the run or for the next plugin.
    function(**{argument: deepcopy(given[argument]) for argument in wanted})


def _describe(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r})"
    if isinstance(error, SyntaxError):
        return f"{error.msg} (line {error.lineno})"
    return f"{type(error).__name__}: {error}"
