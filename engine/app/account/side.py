"""What a session has of its account while it runs, and what a tripped kill switch does with it."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import trio
from attrs import define, field

from engine.flow.account import AccountStream
from engine.flow.account.killswitch import ACCOUNT, KillSwitch
from engine.flow.account.marks import Marks
from engine.flow.account.state import StrategyState
from engine.flow.desk import Desk
from engine.flow.flatten import Flattened, flatten_strategy
from engine.flow.markets import Markets
from engine.flow.risk.pauses import Pauses
from engine.flow.trading import Trading
from engine.model.control import Alarm
from engine.model.entry import Saved
from engine.model.intent import Purpose
from engine.ports.steps import Probe

KILL_WITHIN_S: Final = 60.0
"""How long the kill switch goes on trying to flatten; a person is told what is left then."""


@define(eq=False, kw_only=True)
class AccountSide:
    """``saved`` is what strategies kept in former runs; ``report`` is for a person to read; ``profit`` tells what a
    strategy made today."""

    desk: Desk
    stream: AccountStream
    switch: KillSwitch
    marks: Marks
    profit: Callable[[str], Decimal | None]
    markets: Markets
    folder: Path | None
    """Of the order file; ``None`` where that is kept in memory."""
    report: Callable[[str], None]
    saved: Mapping[str, Mapping[str, object]]
    probe: Probe
    shadow: bool = False
    pauses: Pauses = field(factory=Pauses)
    """Strategies that a person has paused; `engine.flow.risk.Vet` asks the same."""
    states: dict[str, StrategyState] = field(factory=dict)
    _last_word: str | None = None

    @property
    def killed(self) -> str:
        """Why the account's kill switch is tripped, empty if it is not; once closed, as it was then."""
        return self.switch.tripped(ACCOUNT) if self._last_word is None else self._last_word

    def close(self) -> None:
        """The files go away, or to another engine: remember what they said."""
        self._last_word = self.killed

    def trading_of(self, strategy: str) -> Trading:
        """The order side of one strategy's context."""
        state = self.states[strategy] = StrategyState(strategy, self.desk.store, self.saved.get(strategy, {}))
        return Trading(
            strategy=strategy,
            desk=self.desk,
            state=state,
            markets=self.markets,
            price=self.price,
            profit_of=self.profit,
        )

    def pending(self, strategy: str) -> Saved | None:
        """What a strategy has saved and is not on disk yet."""
        state = self.states.get(strategy)
        return None if state is None else state.pending()

    def price(self, symbol: str) -> Decimal | None:
        """The last known price."""
        known = self.marks.price(symbol)
        return None if known is None else known[0]

    async def flatten(self, scope: str, closing: bool) -> None:
        """What a tripped switch does: end the orders of a scope's strategies and, where ``closing``, what they hold."""
        blotter = self.desk.blotter
        names = [name for name in blotter.strategies() if name] if scope == ACCOUNT else [scope]
        results: dict[str, dict[str, Flattened]] = {name: {} for name in names}
        with trio.move_on_after(KILL_WITHIN_S):
            async with trio.open_nursery() as nursery:
                for name in names:
                    nursery.start_soon(self._end_strategy, name, results[name], closing)
        for name in names:
            symbols = self._symbols(name)
            left = [one for one in symbols if blotter.position(name, one).qty] if closing else []
            still = sorted({ticket.order.symbol for ticket in blotter.open_tickets(name) if ticket.order is not None})
            if left or still:
                told = [one.sentence for one in results[name].values() if not one.flat]
                self._alarm(
                    f"The kill switch left {name} with positions in {', '.join(left) or 'nothing'} and open orders in "
                    f"{', '.join(still) or 'nothing'}. {' '.join(told)}".strip()
                )
            else:
                self.report(f"The kill switch ended all that {name} had.")

    async def _end_strategy(self, name: str, results: dict[str, Flattened], closing: bool) -> None:
        if not closing:
            async with trio.open_nursery() as nursery:
                for order in self.desk.open_orders(name):
                    nursery.start_soon(self.desk.end, order)
            return
        await flatten_strategy(
            self.desk,
            name,
            self._symbols(name),
            purpose=Purpose.KILL,
            clock=self.markets.clock,
            price=self.price,
            results=results,
            probe=self.probe,
        )

    def _symbols(self, strategy: str) -> list[str]:
        blotter = self.desk.blotter
        working = {ticket.order.symbol for ticket in blotter.open_tickets(strategy) if ticket.order is not None}
        asked = {ticket.intent.request.symbol for ticket in blotter.open_tickets(strategy) if ticket.intent is not None}
        return sorted({*blotter.positions(strategy), *working, *asked} - {""})

    def _alarm(self, sentence: str) -> None:
        self.report(sentence)
        self.markets.announce(Alarm("account", self.markets.clock.now_ns(), sentence))
