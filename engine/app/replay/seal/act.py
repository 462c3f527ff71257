"""Putting the seal on and taking it off: everything that is replaced for it is put back."""

import builtins
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from inspect import isclass, isfunction
from pathlib import Path
from threading import Lock
from types import FunctionType, ModuleType, TracebackType
from typing import Any, Final

from attrs import define, evolve, field

from engine.app.options import LoadedStrategy
from engine.app.replay.seal.calendars import SEALED_MODULE, STAND_INS
from engine.app.replay.seal.callers import Callers, files_of, modules_of
from engine.app.replay.seal.guards import Guard, guards
from engine.app.replay.seal.watch import RUNNING, Runner, Seal, put_on, seal_here, take_off
from engine.errors import NotInReplay
from engine.ports import Strategy

_HERE: Final = str(Path(__file__).parent)
MODULES_MAX: Final = 1_000
"""Modules of somebody's own that are looked through for names: more than a program of strategies has."""


@contextmanager
def sealed(strategies: Iterable[LoadedStrategy], tolerated: frozenset[str] = frozenset()) -> Iterator[Seal]:
    """Refuse this thread's strategies what does not belong into a replay, while the block runs.

    They have to be run as `watched` makes them. What `Seal.tolerated` names is noted and not refused.
    """
    values = [loaded.strategy for loaded in strategies]
    seal = Seal(Callers(files_of(values)), tolerated)
    names = _Names()
    with _LOCK:
        _REPLACED.enter()
    put_on(seal)
    try:
        names.replace(_own_modules(values, seal.callers))
        yield seal
    finally:
        names.put_back()
        take_off()
        with _LOCK:
            _REPLACED.leave()


def watched(loaded: LoadedStrategy) -> LoadedStrategy:
    """The same strategy, known by its name to the seal in every task that it starts."""
    inner = loaded.strategy
    runner = Runner(loaded.name or inner.name, inner.files)

    @wraps(inner.run)
    async def run(*args: Any) -> None:  # noqa: ASYNC910 - it is the strategy that waits
        token = RUNNING.set(runner)
        try:
            await inner.run(*args)
        except NotInReplay as refused:
            _end_at_caller(refused.__traceback__)
            raise
        finally:
            RUNNING.reset(token)

    return evolve(loaded, strategy=evolve(inner, run=run))


def _end_at_caller(trace: TracebackType | None) -> None:
    """Let a traceback end at the line that was refused: who reads it has nothing to look for in the seal."""
    last = None
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_HERE):
            last = trace
        trace = trace.tb_next
    if last is not None:
        last.tb_next = None


@define(eq=False)
class _Replaced:
    """Attributes of modules that everybody shares: replaced once, however many threads are sealed."""

    depth: int = 0
    guards: list[Guard] = field(factory=list)
    load: Any = None

    def enter(self) -> None:
        self.depth += 1
        if self.depth > 1:
            return
        self.guards = list(guards())
        for guard in self.guards:
            setattr(guard.place, guard.name, guard.instead)
        self.load = builtins.__import__
        builtins.__import__ = _loading(self.load)

    def leave(self) -> None:
        self.depth -= 1
        if self.depth:
            return
        builtins.__import__ = self.load
        for guard in reversed(self.guards):
            setattr(guard.place, guard.name, guard.original)


_REPLACED: Final = _Replaced()
_LOCK: Final = Lock()


def _loading(load: Any) -> Any:
    """``import datetime`` within a function of a strategy gives the stand-in; a module's own imports are its own."""

    @wraps(load)
    def sealed_import(name: str, *args: Any, **named: Any) -> Any:
        if name == "datetime" and RUNNING.get() is not None:
            seal, frame = seal_here(), sys._getframe(1)  # noqa: SLF001 - the only way to the caller
            if seal is not None and frame.f_code.co_name != "<module>" and seal.callers.find(frame) is not None:
                return SEALED_MODULE
        return load(name, *args, **named)

    return sealed_import


@define(eq=False)
class _Names:
    """Names that strategies' modules hold themselves: ``from time import time``, and ``def f(clock=time)``."""

    _kept: list[tuple[Any, str, Any]] = field(factory=list)

    def replace(self, modules: Iterable[ModuleType]) -> None:
        by_id = {id(guard.original): guard.instead for guard in _REPLACED.guards}
        by_id.update((id(original), instead) for original, instead in STAND_INS)
        for module in modules:
            for name, value in list(vars(module).items()):
                instead = by_id.get(id(value))
                if instead is not None:
                    self._set(module, name, instead)
            for function in _functions_of(module):
                self._replace_defaults(function, by_id)

    def _replace_defaults(self, function: FunctionType, by_id: Mapping[int, Any]) -> None:
        defaults, named = function.__defaults__ or (), function.__kwdefaults__ or {}
        if any(id(value) in by_id for value in defaults):
            self._set(function, "__defaults__", tuple(by_id.get(id(value), value) for value in defaults))
        if any(id(value) in by_id for value in named.values()):
            self._set(function, "__kwdefaults__", {name: by_id.get(id(value), value) for name, value in named.items()})

    def _set(self, thing: Any, name: str, value: Any) -> None:
        self._kept.append((thing, name, getattr(thing, name)))
        setattr(thing, name, value)

    def put_back(self) -> None:
        for thing, name, value in reversed(self._kept):
            setattr(thing, name, value)


def _functions_of(module: ModuleType) -> Iterator[FunctionType]:
    """The functions that a module defines, those of its classes and strategies included."""
    for value in list(vars(module).values()):
        inner = value.run if isinstance(value, Strategy) else value
        things = list(vars(inner).values()) if isclass(inner) and inner.__module__ == module.__name__ else [inner]
        for thing in things:
            function = getattr(thing, "__func__", thing)
            if isfunction(function) and function.__module__ == module.__name__:
                yield function


def _own_modules(strategies: Iterable[Strategy], callers: Callers) -> list[ModuleType]:
    """The modules of strategies, and those of somebody's own that they took anything from."""
    found: dict[str, ModuleType] = {}
    waiting = modules_of(strategies)
    while waiting and len(found) < MODULES_MAX:
        module = waiting.pop()
        if module.__name__ in found or not callers.is_own(module):
            continue
        found[module.__name__] = module
        for value in list(vars(module).values()):
            named = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            other = sys.modules.get(named) if isinstance(named, str) else None
            if other is not None and other.__name__ not in found:
                waiting.append(other)
    return list(found.values())
