"""Whose doing a call is: the stack walked outward until there is code that answers for it.

The standard library and installed packages do what they are asked, so they are passed over; the engine answers for
itself; the import of a module is nobody's decision. What is left is somebody's own code. Modules of the strategies that
run are that wherever they lie, since they may be installed like any package; and so is a package's function that runs
as a task, since nobody but a strategy hands one to Trio.
"""

import sys
import sysconfig
from collections.abc import Iterable
from enum import Enum
from inspect import getclosurevars, isclass, isfunction
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Final

import trio
from attrs import define, field, frozen

from engine.flow.replay.scheduler import STEPS
from engine.ports import Strategy

_TRIO: Final = str(Path(trio.__file__).parent) + "/"
_ENGINE: Final = str(Path(__file__).parents[3]) + "/"
_OTHERS: Final = tuple(
    str(Path(sysconfig.get_path(name))) + "/" for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_HARMLESS: Final = ("importlib/", "logging/", "loguru/", "zoneinfo/", "linecache.py", "tokenize.py", "traceback.py")
"""Below `_OTHERS`: they read clocks and files, and nothing of it comes back to who calls them but constants."""
FILES_MAX: Final = 10_000
"""Files whose standing is remembered: more than a large program has modules."""


class Standing(Enum):
    """What a file of code is here."""

    PASSED = "passed over"
    ANSWERS = "answers for itself"
    OWN = "somebody's own"


@frozen
class Call:
    """A call of somebody's own code. ``through`` is the library's function that it called, where there was one."""

    path: str
    line: int
    through: str = ""


@define
class Callers:
    """Tells whose doing a call is. ``own`` are the files of the strategies that run."""

    own: frozenset[str]
    _known: dict[str, Standing] = field(factory=dict)

    def find(self, frame: FrameType | None) -> Call | None:
        """The call behind this frame that somebody's own code made; ``None`` where it is anybody else's doing."""
        inner: FrameType | None = None
        while frame is not None:
            standing = self._standing(frame.f_code.co_filename)
            if standing is Standing.ANSWERS:
                return None
            if standing is Standing.OWN:
                return Call(frame.f_code.co_filename, frame.f_lineno, _name(inner))
            if frame.f_code is STEPS and inner is not None:
                return _task_of(inner)
            inner, frame = frame, frame.f_back
        return None

    def is_own(self, module: ModuleType) -> bool:
        """Whether a module holds somebody's own code."""
        path = getattr(module, "__file__", None)
        return isinstance(path, str) and self._standing(path) is Standing.OWN

    def _standing(self, path: str) -> Standing:
        known = self._known.get(path)
        if known is None:
            if len(self._known) >= FILES_MAX:
                self._known.clear()
            known = self._known[path] = self._judge(path)
        return known

    def _judge(self, path: str) -> Standing:
        if path in self.own:
            return Standing.OWN
        if path.startswith((_ENGINE, "<frozen importlib")):
            return Standing.ANSWERS
        if path.startswith("<"):  # what attrs makes, what exec is given: it belongs to whoever is further out
            return Standing.PASSED
        for place in _OTHERS:
            if path.startswith(place):
                return _of_library(path.removeprefix(place))
        return Standing.OWN


def _task_of(frame: FrameType) -> Call | None:
    """A task whose outermost code is a library's; Trio's own tasks are nobody's."""
    path = frame.f_code.co_filename
    return None if path.startswith(_TRIO) else Call(path, frame.f_lineno, _name(frame))


def _of_library(place: str) -> Standing:
    """A file below a folder of packages; the folder of the standard library may hold that of the packages."""
    place = place.rpartition("-packages/")[2]
    return Standing.ANSWERS if place.startswith(_HARMLESS) else Standing.PASSED


def _name(frame: FrameType | None) -> str:
    """What a library's function is called: ``secrets.token_hex``."""
    if frame is None or frame.f_code.co_filename.startswith("<"):
        return ""
    parts = [*str(frame.f_globals.get("__name__", "")).split("."), *frame.f_code.co_qualname.split(".")]
    return ".".join(part for part in parts if part and not part.startswith("_"))


def files_of(strategies: Iterable[Strategy]) -> frozenset[str]:
    """The files of these strategies: their modules, and what lies beside them in packages other than the engine."""
    files: set[str] = set()
    for module in modules_of(strategies):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str):
            continue
        files.add(path)
        if "." in module.__name__ and not path.startswith(_ENGINE):
            files.update(str(one) for one in Path(path).parent.glob("*.py"))
    return frozenset(files)


def modules_of(strategies: Iterable[Strategy]) -> list[ModuleType]:
    """The modules that these strategies are written in; what wraps a strategy or plugs a class in is looked into."""
    found: dict[str, ModuleType] = {}
    waiting: list[Any] = [strategy.run for strategy in strategies]
    seen: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        inner = _inside(thing) if isfunction(thing) else []
        waiting.extend(inner)
        name = getattr(thing, "__module__", None)
        module = sys.modules.get(name) if isinstance(name, str) else None
        if module is not None and not (inner and module.__name__.startswith("engine.")):
            found[module.__name__] = module
    return list(found.values())


def _inside(function: Any) -> list[Any]:
    inner: list[Any] = []
    for thing in getclosurevars(function).nonlocals.values():
        if isinstance(thing, Strategy):
            inner.append(thing.run)
        elif isclass(thing) or isfunction(thing):
            inner.append(thing)
    return inner
