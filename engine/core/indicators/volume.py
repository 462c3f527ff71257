"""What volume says: `OBV` and `VWAP`."""

from math import nan
from typing import Final, Literal, TypeAlias

from engine.core.calendar import previous_trading_day, session_at
from engine.core.indicators.indicator import LARGEST, Indicator, has_prices
from engine.model.instant import NS_PER_S
from engine.model.market import Bar

Anchor: TypeAlias = Literal["new_york", "utc"]
"""Where a session begins: with the trading day of US stocks, or at midnight UTC, as crypto days do."""

DAY_NS: Final = 86_400 * NS_PER_S


class OBV(Indicator[Bar]):
    """On-balance volume: the volume of a bar is added when the close rises and taken away when it falls.

    It begins with the volume of the first bar, as TA-Lib does: only its changes mean something. Ready after 1 bar. A
    gap: the volume of the missing bars is missing for good; compare values on one side of it only. O(1).
    """

    __slots__ = ("_close",)

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._close = nan

    def update(self, bar: Bar, /) -> None:
        close, volume = bar.close, bar.volume
        if not (-LARGEST < close < LARGEST and -LARGEST < volume < LARGEST):
            self.reset()
            return
        if not self.ready:
            self.value = volume
        elif close > self._close:
            self.value += volume
        elif close < self._close:
            self.value -= volume
        self._close = close


class VWAP(Indicator[Bar]):
    """The volume-weighted average price of the session so far: ``sum(price * volume) / sum(volume)``.

    The price of a bar is its own ``vwap`` where the venue tells one (Alpaca does), which makes the average exact; else
    a third of high, low and close together. ``anchor="new_york"`` begins anew with each trading day of US stocks, when
    the extended hours of the day before have ended: overnight trading and pre-market belong to the day they lead to.
    ``anchor="utc"`` begins anew at midnight UTC, for crypto.

    Ready with the first bar of a session that has volume. A gap: what was traded in it is missing until the next
    session. A bar that is no number empties the session: the average begins again behind it. O(1).
    """

    __slots__ = ("_anchor", "_begins_ns", "_ends_ns", "_paid", "_volume")

    def __init__(self, anchor: Anchor = "new_york") -> None:
        if anchor not in ("new_york", "utc"):
            raise ValueError(f"anchor={anchor!r} is neither 'new_york' nor 'utc'")
        self._anchor = anchor
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._paid = self._volume = 0.0
        self._begins_ns = self._ends_ns = 0

    def update(self, bar: Bar, /) -> None:
        price = bar.vwap if bar.vwap > 0.0 else (bar.high + bar.low + bar.close) / 3.0
        if not (has_prices(bar) and -LARGEST < price < LARGEST and -LARGEST < bar.volume < LARGEST):
            self.reset()
            return
        if not self._begins_ns <= bar.ts_ns < self._ends_ns:
            self._begin(bar.ts_ns)
        self._paid += price * bar.volume
        self._volume += bar.volume
        if self._volume > 0.0:
            self.value = self._paid / self._volume

    def _begin(self, ts_ns: int) -> None:
        """Another session: where it begins and ends is asked once."""
        self.reset()
        if self._anchor == "utc":
            self._begins_ns = ts_ns - ts_ns % DAY_NS
            self._ends_ns = self._begins_ns + DAY_NS
        else:
            session = session_at(ts_ns)
            self._begins_ns = previous_trading_day(session.date).post_ns
            self._ends_ns = session.post_ns
