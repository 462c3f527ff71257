"""What is told later than it happened: trades reported late, trades taken back, trades corrected.

Participants may report a trade up to ten seconds late (Alpaca's FAQ), and now and then one is cancelled or corrected
after it was told. A client that believes each trade once and for good is wrong about both.
"""

import heapq
from random import Random
from typing import Final

from attrs import define, field

from engine.exchange.market import Row
from engine.exchange.symbol_market import TICKS, StockSymbol
from engine.model.instant import NS_PER_S
from engine.model.market import Cancel, Correction, MarketEvent, Trade

LATE_SHARE: Final = 1 / 2000
LATE_S: Final = (0.2, 8.0)
REVISED_SHARE: Final = 1 / 4000
REVISED_S: Final = (1.0, 10.0)
"""How long after a trade it is taken back or corrected."""


@define
class LateTrades:
    """Holds back a few trades of one stock, and makes up second thoughts about a few more. A few at a time."""

    stock: StockSymbol
    rng: Random
    _later: list[tuple[int, int, MarketEvent]] = field(factory=list, init=False)
    _made: int = field(default=0, init=False)

    def holds(self, trade: Trade) -> bool:
        """Whether a trade is to be told later, by `due`, rather than now."""
        chance = self.rng.random()
        if chance < LATE_SHARE:
            self._tell(trade.ts_ns + self._wait_ns(LATE_S), trade)
            return True
        if chance > 1 - REVISED_SHARE:
            told_ns = trade.ts_ns + self._wait_ns(REVISED_S)
            self._tell(told_ns, self._revision(trade, told_ns))
        return False

    def due(self, before_ns: int) -> list[Row]:
        """What is told before an instant, each with its own."""
        rows: list[Row] = []
        while self._later and self._later[0][0] < before_ns:
            due_ns, _, event = heapq.heappop(self._later)
            rows.append((due_ns, event))
        return rows

    def _wait_ns(self, span_s: tuple[float, float]) -> int:
        return int(self.rng.uniform(*span_s) * NS_PER_S)

    def _tell(self, due_ns: int, event: MarketEvent) -> None:
        self._made += 1  # sets two of one instant apart, so that events are never compared
        heapq.heappush(self._later, (due_ns, self._made, event))

    def _revision(self, trade: Trade, told_ns: int) -> MarketEvent:
        if self.rng.random() < 0.5:
            return Cancel(
                trade.symbol, told_ns, trade.exchange, trade.id or 0, trade.price, trade.size, "C", tape=trade.tape
            )
        return Correction(
            symbol=trade.symbol,
            ts_ns=told_ns,
            exchange=trade.exchange,
            original_id=trade.id or 0,
            original_price=trade.price,
            original_size=trade.size,
            corrected_id=self.stock.next_id(trade.exchange, trade.ts_ns),
            corrected_price=round(trade.price + self.stock.step / TICKS, 2),
            corrected_size=trade.size,
            original_conditions=trade.conditions,
            corrected_conditions=trade.conditions,
            tape=trade.tape,
        )
