"""The accounts of a replay: each strategy that may trade has one of its own.

On one account strategies share cash and limits, may not trade against each other, and meet whatever the streams of
all of them tell. Then what one decides would depend on who else is there. So here each has the whole cash and the
whole limits for itself, and its orders meet what it is told itself: it decides the same alone and beside any others.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, evolve, field

from engine.app.figures import account_row
from engine.app.replay.account import ReplayAccount
from engine.app.report import AccountRow
from engine.flow.replay.lease import TapeFanout
from engine.model.intent import Ticket
from engine.model.market import MarketEvent

WAYS_MAX: Final = 100_000
"""Streams whose listeners are remembered: more than a tape has."""


@define(eq=False)
class ReplayAccounts:
    """All of them, by strategy."""

    fanout: TapeFanout
    by_strategy: Mapping[str, ReplayAccount]
    _changes: int = field(default=-1, init=False)
    _hearing: dict[tuple[type, str], tuple[ReplayAccount, ...]] = field(factory=dict, init=False)

    def see(self, event: MarketEvent) -> bool:
        """Match the orders of those that will be told this event, before they are; whether anything came of it."""
        if self._changes != self.fanout.changes or len(self._hearing) > WAYS_MAX:
            self._changes = self.fanout.changes
            self._hearing.clear()
        hearing = self._hearing.get((type(event), event.symbol))
        if hearing is None:
            hearing = self._hearing[type(event), event.symbol] = self._find(self.fanout.strategies_of(event))
        if self.fanout.has_new:
            hearing = self._find(self.fanout.strategies_of(event, at_ns=event.received_ns))
        came = False
        for account in hearing:
            came = account.see(event) or came
        return came

    def _find(self, names: Iterable[str]) -> tuple[ReplayAccount, ...]:
        return tuple(self.by_strategy[name] for name in sorted(names) if name in self.by_strategy)

    def idle(self) -> bool:
        """Whether no order is open and nothing is under way: an event can be shown to strategies without a wait."""
        return all(account.shadow.idle for account in self.by_strategy.values())

    def tickets(self) -> tuple[Ticket, ...]:
        """All orders, account by account."""
        return tuple(ticket for account in self.by_strategy.values() for ticket in account.side.desk.blotter.tickets())

    def row(self) -> AccountRow | None:
        """The accounts as one; ``None`` where there is none."""
        rows = [account_row(account.side) for account in self.by_strategy.values()]
        if not rows:
            return None
        killed = {name: row.killed for name, row in zip(self.by_strategy, rows, strict=True) if row.killed}
        return evolve(
            rows[0],
            replay=True,
            rounds=sum(row.rounds for row in rows),
            killed=" ".join(killed.values() if len(rows) == 1 else (f"{name}: {why}" for name, why in killed.items())),
            orders=tuple(sorted((one for row in rows for one in row.orders), key=lambda one: one.strategy)),
            positions=tuple(sorted((one for row in rows for one in row.positions), key=lambda one: one.strategy)),
        )
