"""``ctx.state``: what a strategy wants to know after a restart.

It is written with the orders, in the same file and often in the same commit: a strategy that sets ``state["entered"]``
and then buys can never wake up having bought without knowing that it did.

What is set is copied, and so is what is read. ``state["symbols"].append("SPY")`` would otherwise change a list that
looks saved and is not, which is only found out after the crash that the list was kept for.
"""

import json
import reprlib
from collections.abc import Mapping
from copy import deepcopy
from typing import Final

from attrs import define, field

from engine.model.entry import Saved
from engine.ports.store import OrderStore

SIZE_MAX: Final = 1_000_000
"""Bytes of JSON, all names together. It is written whole with every change, some milliseconds at this size; what is
larger is a history, and belongs into a file of the strategy's own."""
DEPTH_MAX: Final = 50
"""Lists in lists; Python's own JSON gives up at some hundred."""


def _copy(values: Mapping[str, object]) -> dict[str, object]:
    return deepcopy(dict(values))


@define(eq=False)
class StrategyState:
    """What one strategy keeps; implements `engine.ports.SavedState`. ``values`` is what it kept last time.

    Values are what JSON has: text, whole and finite numbers, true, false, none, lists, and dictionaries with text for
    names; a tuple comes back as a list. Anything else raises ``TypeError``, too much of it ``ValueError``.
    """

    strategy: str
    store: OrderStore
    _values: dict[str, object] = field(converter=_copy)
    _sizes: dict[str, int] = field(init=False)
    _changed: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._sizes = {name: _size(name, value) for name, value in self._values.items()}

    def __getitem__(self, name: str) -> object:
        return deepcopy(self._values[name])

    def __setitem__(self, name: str, value: object) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{self.strategy}: names in ctx.state are text, and {name!r} is not")
        kept = _plain(value, f"{self.strategy}: ctx.state[{name!r}]", DEPTH_MAX)
        size = _size(name, kept)
        whole = sum(self._sizes.values()) - self._sizes.get(name, 0) + size
        if whole > SIZE_MAX:
            raise ValueError(
                f"{self.strategy}: with this {name!r} ctx.state has {whole:,} bytes, more than {SIZE_MAX:,}; "
                "keep less of it, or in a file of your own"
            )
        self._values[name], self._sizes[name] = kept, size
        self._change()

    def __delitem__(self, name: str) -> None:
        del self._values[name], self._sizes[name]
        self._change()

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str, default: object = None) -> object:
        """What is kept under this name, copied, or ``default``."""
        return self[name] if name in self._values else default

    def snapshot(self) -> Mapping[str, object]:
        """All of it, copied."""
        return _copy(self._values)

    async def save(self) -> None:
        """Wait until everything set so far is on disk. Raises `StoreFailed`."""
        self._changed = False
        await self.store.write(self._saved())

    def pending(self) -> Saved | None:
        """What was set since this was asked last, for the write of the strategy's next intent."""
        if not self._changed:
            return None
        self._changed = False
        return self._saved()

    def _change(self) -> None:
        self._changed = True
        self.store.write_soon(self._saved())

    def _saved(self) -> Saved:
        # A shallow copy is enough: what is kept is never changed in its place, and never handed out.
        return Saved(strategy=self.strategy, values=dict(self._values))


def _size(name: str, value: object) -> int:
    return len(json.dumps({name: value}))


def _plain(value: object, where: str, depth: int) -> object:
    """A copy of the value with nothing in it but what JSON has."""
    if depth == 0:
        raise TypeError(f"{where} is nested more than {DEPTH_MAX} deep")
    match value:
        case None | bool():
            return value
        case str():
            return str(value)
        case int():
            return int(value)
        case float() if value - value == 0:  # neither infinite nor NaN
            return float(value)
        case list() | tuple():
            return [_plain(item, f"{where}[{index}]", depth - 1) for index, item in enumerate(value)]
        case dict() if all(isinstance(name, str) for name in value):
            return {str(name): _plain(item, f"{where}[{name!r}]", depth - 1) for name, item in value.items()}
    raise TypeError(f"{where} is {reprlib.repr(value)}, which JSON has no word for; keep it as text or numbers")
