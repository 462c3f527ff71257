"""Events at equal distances and nothing else, for measuring and for tests that count."""

from attrs import define, field

from engine.exchange.market import Row
from engine.exchange.symbol_market import SymbolMarket
from engine.model.instant import NS_PER_S


@define
class EvenTimes:
    """Plays one symbol from ``start_ns`` on, day and night; ``offset_s`` interleaves it with other symbols."""

    symbol: SymbolMarket
    start_ns: int
    rate: float
    offset_s: float
    _now_ns: int = field(init=False)
    _number: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._now_ns = self.start_ns

    def next_second(self) -> list[Row]:
        """The rows of the next second. The very first is a quote, so that no trade comes without one."""
        self._now_ns += NS_PER_S
        rows: list[Row] = []
        while (due_ns := self._due_ns()) < self._now_ns:
            rows.append((due_ns, self.symbol.event(due_ns) if self._number else self.symbol.quote(due_ns)))
            self._number += 1
        return rows

    def _due_ns(self) -> int:
        return self.start_ns + round((self._number / self.rate + self.offset_s) * NS_PER_S)
