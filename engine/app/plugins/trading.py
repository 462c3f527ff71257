"""Whether a strategy may trade, so that a session of mere watchers leaves the account alone.

One connection of the account stream and one writer of the order file is all there is, so a session that only watches
must not take them. A strategy can say it (``@strategy(trades=...)``); one that does not is looked at: whether its code,
and the code beside it that it uses, names any part of the order API. A name found by accident costs a connection;
where one hides elsewhere the strategy has to say that it trades, and its first order tells it so.
"""

from collections.abc import Iterator
from inspect import getclosurevars, isclass, isfunction
from types import CodeType, FunctionType
from typing import Any, Final

from engine.ports import Strategy

ORDER_WORDS: Final = frozenset(
    {"buy", "sell", "target", "orders", "open_orders", "fills", "position", "positions", "state", "on_fill", "on_order"}
)
"""Of the order API. ``close`` and ``cancel`` are left out: files and scopes have them too, and nobody trades by these
alone."""


def may_trade(strategy: Strategy) -> bool:
    """What the strategy says, else whether its code mentions orders."""
    seen: set[int] = set()
    waiting: list[Any] = [strategy]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, Strategy):
            if thing.trades is not None:
                return thing.trades
            waiting.append(thing.run)
        elif isclass(thing):
            own = [one for one in thing.__mro__ if not one.__module__.startswith("engine.")]
            if any(ORDER_WORDS & vars(one).keys() for one in own):
                return True
            waiting.extend(value for one in own for value in vars(one).values() if isfunction(value))
        elif isfunction(thing):
            if any(ORDER_WORDS & set(code.co_names) for code in _codes(thing.__code__)):
                return True
            waiting.extend(_used(thing))
    return False


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _used(function: FunctionType) -> Iterator[Any]:
    """The functions, classes and strategies that it closes over, and those of its own module that it names."""
    names = {name for code in _codes(function.__code__) for name in code.co_names}
    for name in sorted(names & function.__globals__.keys()):
        thing = function.__globals__[name]
        if (isfunction(thing) or isclass(thing)) and thing.__module__ == function.__module__:
            yield thing
    for thing in getclosurevars(function).nonlocals.values():
        if isfunction(thing) or isclass(thing) or isinstance(thing, Strategy):
            yield thing
