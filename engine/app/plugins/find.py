"""Names into strategies: module paths, files and entry points, with a different sentence for each way to fail.

A person writes ``strategies.audit``, ``my_module:name``, ``./my_file.py:name`` or just ``audit`` (an entry point of
the group ``gapless.strategies``, or a module of the ``strategies`` package). What can go wrong: it is not found,
importing it raised, there is no strategy in it, there are several and none was chosen. Whoever writes a strategy
meets all four, so each names the place to look at, and none is a traceback.
"""

import importlib
import importlib.util
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from engine.errors import Misconfigured, StrategyNotLoaded
from engine.flow.account.killswitch import ACCOUNT
from engine.ports import CallbackStrategy, Strategy, plug

GROUP: Final = "gapless.strategies"
PACKAGE: Final = "strategies"
_NOT_THEIRS: Final = (
    "<frozen",
    str(Path(__file__).parents[2]),
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
)
"""Lines of these places are not where a person has to look when importing a strategy raised."""


def find_strategy(name: str) -> Strategy:
    """Import and return what ``name`` means; raises `StrategyNotLoaded`."""
    target, chosen = _split(name)
    if _is_file(target):
        module = _import_file(Path(target).expanduser())
    else:
        entry = _entry_point(target) if "." not in target and chosen is None else None
        if entry is not None:
            return _load_entry(entry)
        module = _import_module(target)
    return _pick(module, chosen, target)


def reference_of(name: str) -> str:
    """The same name for whoever stands in another folder: a file by its whole path, all else as it is."""
    target, chosen = _split(name)
    if not _is_file(target):
        return name
    path = str(Path(target).expanduser().resolve())
    return path if chosen is None else f"{path}:{chosen}"


def _is_file(target: str) -> bool:
    return target.endswith(".py") or "/" in target or "\\" in target


def strategies_in(module: ModuleType) -> dict[str, Strategy]:
    """The strategies of a module by attribute name: its own first, imported ones only where it has none of its own."""
    named = {name: value for name, value in vars(module).items() if isinstance(value, Strategy)}
    homes = {module.__name__, plug.__module__}  # plug() wraps a class of this module in a function of its own
    own = {name: value for name, value in named.items() if value.run.__module__ in homes}
    return own or {name: plug(value) for name, value in _classes_in(module).items()} or named


def entry_point_names() -> tuple[str, ...]:
    """Every strategy that an installed package offers, sorted."""
    return tuple(sorted(entry.name for entry in entry_points(group=GROUP)))


def _split(name: str) -> tuple[str, str | None]:
    """``target:attribute`` in two; a colon that is not followed by a name belongs to the target (``C:\\x.py``)."""
    target, colon, chosen = name.rpartition(":")
    if colon and target and chosen.isidentifier():
        return target, chosen
    return name, None


def _entry_point(name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=GROUP, name=name)), None)


def _load_entry(entry: EntryPoint) -> Strategy:
    module = _import_module(entry.module, asked=f"entry point {entry.name} ({entry.value})")
    return _pick(module, entry.attr or None, entry.module)


def _import_module(path: str, *, asked: str | None = None) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # an installed command does not look into the folder it is called from
    candidates = [path] if "." in path else [f"{PACKAGE}.{path}", path]
    for candidate in candidates:
        if not all(part.isidentifier() for part in candidate.split(".")):
            break
        try:
            return importlib.import_module(candidate)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{candidate}.".startswith(f"{error.name}."):
                raise _import_raised(asked or path, error) from None
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a stranger's module may raise anything: one sentence
            raise _import_raised(asked or path, error) from None
    known = ", ".join(all_names())
    raise StrategyNotLoaded(
        f"Strategy {asked or path!r} was not found: {folder} and the installed packages hold no such module. "
        f"Known by short name: {known or 'none'}; a file is written ./NAME.py."
    )


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise StrategyNotLoaded(f"Strategy file {path} was not found; looked from {Path.cwd()}.")
    if not path.stem.isidentifier():
        raise StrategyNotLoaded(
            f"Strategy file {path} cannot be imported: {path.stem!r} is not a Python name; rename it."
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise StrategyNotLoaded(f"Strategy file {path} cannot be imported: it is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))  # so that it can import its neighbours
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # attrs and pickling look a class's module up here
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # as above
        if before is None:
            del sys.modules[path.stem]
        else:
            sys.modules[path.stem] = before
        raise _import_raised(str(path), error) from None
    return module


def _import_raised(what: str, error: BaseException) -> StrategyNotLoaded:
    """The second way to fail: where it was raised, without the traceback."""
    reason = " ".join(str(error).split()) or "no message"
    if isinstance(error, SyntaxError) and error.filename:
        where, reason = f"{error.filename}:{error.lineno}", error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if not frame.filename.startswith(_NOT_THEIRS)]
        where = f"{own[-1].filename}:{own[-1].lineno}" if own else what
    return StrategyNotLoaded(f"Strategy {what!r} could not be imported: {type(error).__name__} at {where}: {reason}.")


def _classes_in(module: ModuleType) -> dict[str, type[CallbackStrategy]]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, CallbackStrategy) and value.__module__ == module.__name__
    }


def _pick(module: ModuleType, chosen: str | None, target: str) -> Strategy:
    there = strategies_in(module)
    if chosen is not None:
        value = vars(module).get(chosen)
        if isinstance(value, Strategy):
            return value
        if chosen in there:
            return there[chosen]
        listed = f"it holds {', '.join(there)}" if there else "it holds no strategy at all"
        thing = "nothing called" if value is None else f"a {type(value).__name__} called"
        raise StrategyNotLoaded(f"{target} has {thing} {chosen!r} where a strategy was expected; {listed}.")
    last = module.__name__.rpartition(".")[2]
    if len(there) == 1:
        return next(iter(there.values()))
    if last in there:
        return there[last]
    if there:
        raise StrategyNotLoaded(
            f"{target} holds {len(there)} strategies: choose one, as {target}:{next(iter(there))}; "
            f"there are {', '.join(there)}."
        )
    names = [n for n, v in vars(module).items() if callable(v) and getattr(v, "__module__", None) == module.__name__]
    holds = f"it holds {', '.join(names[:8])}" if names else "it is empty"
    raise StrategyNotLoaded(f"{target} holds no strategy ({holds}): put @strategy() on an async function in it.")


def _package_names() -> Iterator[str]:
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield from (path.stem for path in Path(folder).glob("*.py") if not path.stem.startswith("_"))


def all_names() -> tuple[str, ...]:
    """What ``gapless list`` shows: every short name, of entry points and of modules in the ``strategies`` package."""
    return tuple(sorted({*entry_point_names(), *_package_names()}))


def unique_names(strategies: Sequence[Strategy]) -> list[str]:
    """A name for each in this session: a second ``audit`` is ``audit_2``.

    Raises `Misconfigured` for a name that means something else already: where orders are nobody's, and where the kill
    switch is the whole account's.
    """
    names: list[str] = []
    for strategy in strategies:
        if strategy.name in ("", ACCOUNT):
            raise Misconfigured(
                f"A strategy cannot be called {strategy.name!r}, which stands for "
                f"{'the whole account' if strategy.name else 'no strategy'} in order files and for the kill switch; "
                "rename its function."
            )
        same = sum(1 for name in names if name == strategy.name or name.startswith(f"{strategy.name}_"))
        names.append(strategy.name if not same else f"{strategy.name}_{same + 1}")
    if len(set(names)) != len(names):
        raise Misconfigured(f"Two strategies would share a name in this session: {', '.join(sorted(names))}.")
    return names


def describe(value: Any) -> str:
    """A default value as a person would write it for ``--set``."""
    if isinstance(value, tuple | list):
        return ",".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
