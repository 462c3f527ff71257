"""What people write after ``--set`` and in ``[params.NAME]`` tables, into the attrs class of a strategy.

A parameter is typed by the class the strategy declares, never guessed from the text, and one that does not exist is
refused with the list of those that do: a misspelt ``--set fsat=5`` must not run a strategy with its default.
"""

import difflib
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from attrs import NOTHING, Attribute, fields, frozen, has, resolve_types

from engine.app.config.values import allowed, structure
from engine.app.options import LoadedStrategy
from engine.app.plugins.find import describe, find_strategy, reference_of, unique_names
from engine.errors import Misconfigured
from engine.ports import Strategy


@frozen
class Parameter:
    """One parameter for people: its name, what it takes, and its default as text (``None`` when it has none)."""

    name: str
    takes: str
    default: str | None


def load_strategies(
    names: Sequence[str], sets: Sequence[str] = (), tables: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[LoadedStrategy, ...]:
    """Find each strategy and give it its parameters: ``--set`` wins over a table of the settings file.

    Raises `StrategyNotLoaded` for a name, `Misconfigured` for a parameter.
    """
    strategies = [find_strategy(name) for name in names]
    session_names = unique_names(strategies)
    given: dict[str, dict[str, tuple[Any, str]]] = {name: {} for name in session_names}
    for name, table in (tables or {}).items():
        if name in given:  # a settings file may hold parameters of strategies that do not run today
            given[name].update({key: (value, f"params.{name}.{key}") for key, value in table.items()})
    by_name = dict(zip(session_names, strategies, strict=True))
    for text in sets:
        _assign(text, by_name, given)
    return tuple(
        LoadedStrategy(strategy, _make(strategy, name, given[name]), name, reference_of(found))
        for found, (name, strategy) in zip(names, by_name.items(), strict=True)
    )


def load_again(source: str, name: str, values: Mapping[str, Any]) -> LoadedStrategy:
    """A strategy of a recorded session as its code is now, with the parameters that it had then (`written`).

    Raises `StrategyNotLoaded`, and `Misconfigured` where it has no such parameters any more.
    """
    strategy = find_strategy(source)
    defaults = {
        attribute.name: written(value)
        for attribute in _fields(strategy)
        if (value := _default_value(attribute)) is not NOTHING
    }
    given = {
        key: (value, f"Parameter {key} of {name}, as it was in the session")
        for key, value in values.items()
        if key not in defaults or defaults[key] != value  # also what nobody can write, and so nobody gave
    }
    return LoadedStrategy(strategy, _make(strategy, name, given), name, source)


def written(value: Any) -> Any:
    """A parameter's value as JSON has it, so that it can be told again: text where it is neither number nor list."""
    if isinstance(value, Enum):
        return written(value.value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): written(each) for key, each in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        items = [written(each) for each in value]
        return items if isinstance(value, tuple | list) else sorted(items, key=str)
    return str(value)


def parameters(strategy: Strategy) -> tuple[Parameter, ...]:
    """What a strategy can be told."""
    return tuple(
        Parameter(attribute.name, allowed(attribute.type), _default(attribute)) for attribute in _fields(strategy)
    )


def _assign(text: str, strategies: Mapping[str, Strategy], given: dict[str, dict[str, tuple[Any, str]]]) -> None:
    """Put one ``k=v`` or ``name.k=v`` where it belongs; without a name, wherever there is such a parameter."""
    left, equals, value = text.partition("=")
    left = left.strip()
    if not equals or not left:
        raise Misconfigured(f"--set {text!r}: write it as NAME=VALUE or STRATEGY.NAME=VALUE.")
    name, dot, key = left.rpartition(".")
    if dot and name not in strategies:
        raise Misconfigured(f"--set {left}: no strategy called {name!r} runs; there are {', '.join(strategies)}.")
    owners = [name] if dot else [n for n, s in strategies.items() if key in _keys(s)]
    if not owners:
        raise _unknown(f"--set {left}", key, strategies)
    for owner in owners:
        given[owner][key] = (value, f"--set {left}")


def _make(strategy: Strategy, name: str, given: Mapping[str, tuple[Any, str]]) -> Any:
    known = {attribute.name: attribute for attribute in _fields(strategy)}
    values: dict[str, Any] = {}
    for key, (value, origin) in given.items():
        if key not in known:
            raise _unknown(origin, key, {name: strategy})
        try:
            values[known[key].alias or key] = structure(value, known[key].type)
        except ValueError as error:
            raise Misconfigured(f"{origin}: {error}.") from None
    missing = [key for key, attribute in known.items() if attribute.default is NOTHING and key not in given]
    if missing:
        wanted = ", ".join(f"{key} ({allowed(known[key].type)})" for key in missing)
        raise Misconfigured(f"Strategy {name} needs {wanted}: give it as --set {missing[0]}=VALUE.")
    if strategy.params is None:
        return None
    try:
        return strategy.params(**values)
    except (ValueError, TypeError) as error:  # the validators of the strategy's own class
        raise Misconfigured(f"Strategy {name} refuses its parameters: {error}.") from None


def _unknown(origin: str, key: str, strategies: Mapping[str, Strategy]) -> Misconfigured:
    keys = sorted({known for strategy in strategies.values() for known in _keys(strategy)})
    close = difflib.get_close_matches(key, keys, n=1)
    who = ", ".join(strategies)
    if not keys:
        return Misconfigured(f"{origin}: {who} has no parameters.")
    hint = f"did you mean {close[0]!r}, of" if close else "there are"
    return Misconfigured(f"{origin}: {who} has no parameter {key!r}; {hint} {', '.join(keys)}.")


def _fields(strategy: Strategy) -> "tuple[Attribute[Any], ...]":
    """The attributes of the parameters' class with their types resolved."""
    if strategy.params is None:
        return ()
    if not has(strategy.params):
        raise Misconfigured(f"Strategy {strategy.name}: its params class must be an attrs class; put @frozen on it.")
    try:
        return tuple(attribute for attribute in fields(resolve_types(strategy.params)) if attribute.init)
    except NameError as error:
        raise Misconfigured(f"Strategy {strategy.name}: a type of its params class is unknown: {error}.") from None


def _keys(strategy: Strategy) -> list[str]:
    return [attribute.name for attribute in _fields(strategy)]


def _default(attribute: "Attribute[Any]") -> str | None:
    if getattr(attribute.default, "takes_self", False):
        return "computed"
    default = _default_value(attribute)
    return None if default is NOTHING else describe(default)


def _default_value(attribute: "Attribute[Any]") -> Any:
    """The default, ``NOTHING`` where there is none that can be known beforehand."""
    default: Any = attribute.default
    factory = getattr(default, "factory", None)  # attrs keeps a factory's default as a Factory object
    if factory is None:
        return default
    return NOTHING if default.takes_self else factory()
