"""What a session keeps in files and a replay in memory: entries of orders, and what trips the kill switch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import trio
from attrs import define, field

from engine.flow.account.killswitch import ACCOUNT
from engine.model.entry import Entry, Intended, Saved, Stood
from engine.model.instant import render_instant

SESSION: Final = "replay"
"""The name in every client order id of a replay: the same each time, so that ids are too."""


def strategy_of(entry: Entry) -> str:
    """Whose entry it is; empty: the account's."""
    match entry:
        case Intended():
            return entry.intent.strategy
        case Stood():
            return entry.ticket.strategy
        case Saved():
            return entry.strategy
        case _:
            return getattr(entry, "strategy", "")


@define(eq=False)
class MemoryStore:
    """`engine.ports.store.OrderStore` that hands each entry on and keeps none: the books are in the blotter."""

    keep: Callable[[Entry], None]

    async def write(self, *entries: Entry) -> None:
        """Hand these on in order."""
        for entry in entries:
            self.keep(entry)
        await trio.lowlevel.checkpoint()

    def write_soon(self, *entries: Entry) -> None:
        """Hand these on in order; nothing here is late."""
        for entry in entries:
            self.keep(entry)


@define(eq=False)
class MemoryLatches:
    """`engine.flow.account.killswitch.Latches` that end with the replay; nobody resets them."""

    _trips: dict[str, list[tuple[str, str]]] = field(factory=dict)

    def trip(self, scope: str, reason: str, by: str, at_ns: int) -> None:
        """Trip a scope; ``by`` is for who reads files."""
        del by
        self._trips.setdefault(scope, []).append((render_instant(at_ns), reason))

    def tripped(self, scope: str) -> str:
        """The reason that stands first, the account's before the scope's own; empty: not tripped."""
        for name in (ACCOUNT, scope):
            if name in self._trips:
                return self._trips[name][0][1]
        return ""

    def trips(self, scope: str) -> Sequence[tuple[str, str]]:
        """When and why, each time."""
        return tuple(self._trips.get(scope, ()))

    def all(self) -> Mapping[str, str]:
        """Every tripped scope, with its reason."""
        return {scope: trips[0][1] for scope, trips in sorted(self._trips.items())}
