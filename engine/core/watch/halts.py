"""Which symbols are halted, by the statuses that the venue tells.

Codes are those of Alpaca's page on real-time data: CTA's for tapes A and B, UTP's for tape C. ``P`` is a volatility
pause. A halt is over with the resumption of trading; quotes are due from the resumption of quotes on (``Q``). A trade
ends it, too: the resumption may have been told while the line was down, and no history keeps statuses.
"""

from typing import Final

from attrs import define, field

from engine.model.instant import NS_PER_S
from engine.model.market import Kind, Status
from engine.model.stream import ANY

HALTS: Final = frozenset("2HP")
QUOTES_RESUME: Final = "Q"
RESUMES: Final = frozenset("3T")
STRAGGLE_NS: Final = 15 * NS_PER_S
"""A trade from before the halt may be told this long after it began: participants report up to ten seconds late."""
HALTED_MAX: Final = 20_000
"""More symbols than there are US stocks; beyond it nothing more is noted, and history decides."""


@define(eq=False)
class Halts:
    """Symbols that do not trade now. Only what a strategy subscribed to is heard: ``ctx.statuses``."""

    _since_ns: dict[str, int] = field(factory=dict)
    _quoted: set[str] = field(factory=set)

    def __bool__(self) -> bool:
        """Whether any symbol is halted."""
        return bool(self._since_ns)

    def hear(self, status: Status) -> None:
        """A status was told."""
        symbol = status.symbol
        if status.status_code in HALTS:
            if len(self._since_ns) < HALTED_MAX:
                self._since_ns.setdefault(symbol, status.ts_ns)
                self._quoted.discard(symbol)
        elif status.status_code == QUOTES_RESUME and symbol in self._since_ns:
            self._quoted.add(symbol)
        elif status.status_code in RESUMES:
            self.end(symbol)

    def traded(self, symbol: str, now_ns: int) -> None:
        """A trade was told now."""
        since_ns = self._since_ns.get(symbol)
        if since_ns is not None and now_ns - since_ns > STRAGGLE_NS:
            self.end(symbol)

    def end(self, symbol: str) -> None:
        """It trades again."""
        self._since_ns.pop(symbol, None)
        self._quoted.discard(symbol)

    def unhear(self, symbol: str) -> None:
        """Statuses of it, or of all, are not told any more: what is known of its halt would stay for ever."""
        if symbol == ANY:
            self.clear()
        else:
            self.end(symbol)

    def clear(self) -> None:
        """The line was down: a resumption may have been missed, so nothing is known any more."""
        self._since_ns.clear()
        self._quoted.clear()

    def halted(self, kind: Kind, symbol: str) -> bool:
        """Whether nothing of this kind is due of a symbol."""
        return symbol in self._since_ns and not (kind is Kind.QUOTES and symbol in self._quoted)
