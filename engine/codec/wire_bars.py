"""Bars on the wire, the one shape that stocks and crypto share: minute bars, their updates, the day so far.

They differ in one thing only: stock volumes travel as integers, crypto volumes as floats.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec import Struct, field

from engine.model.market import Bar, DailyBar, UpdatedBar

I = TypeVar("I")  # noqa: E741 - how an instant travels: Ext in MessagePack, str in JSON

_EXACT = 2**53  # beyond, floats are no longer exact integers, and soon none that MessagePack could hold


class WireBar(Struct, Generic[I], tag_field="T", tag="b", gc=False, forbid_unknown_fields=True):
    """``b``: one minute. Old samples lack ``n`` and ``vw``."""

    symbol: str = field(name="S")
    open: float = field(name="o")
    high: float = field(name="h")
    low: float = field(name="l")
    close: float = field(name="c")
    volume: float = field(name="v")
    stamp: I = field(name="t")
    count: int | None = field(name="n", default=None)
    vwap: float | None = field(name="vw", default=None)


class WireUpdatedBar(WireBar[I], Generic[I], tag="u"):
    """``u``: a minute told again."""


class WireDailyBar(WireBar[I], Generic[I], tag="d"):
    """``d``: the day so far."""


def bar_event(w: WireBar[I], instant_ns: int, received_ns: int) -> Bar:
    """The bar, its update or its day, by what the wire said it was."""
    kind = UpdatedBar if isinstance(w, WireUpdatedBar) else DailyBar if isinstance(w, WireDailyBar) else Bar
    return kind(
        w.symbol, instant_ns, w.open, w.high, w.low, w.close, w.volume, w.count or 0, w.vwap or 0.0, received_ns
    )


def whole(size: float) -> float:
    """An integer where the number is one: stock sizes travel as integers, and official clients insist on it."""
    if -_EXACT <= size <= _EXACT:
        number = int(size)
        return number if number == size else size
    return size


def _sized(kind: type[WireBar[I]], bar: Bar, stamp: Callable[[int], I], volume: float) -> WireBar[I]:
    return kind(bar.symbol, bar.open, bar.high, bar.low, bar.close, volume, stamp(bar.ts_ns), bar.trade_count, bar.vwap)


def write_bar(bar: Bar, stamp: Callable[[int], I]) -> WireBar[I]:
    """A stock minute bar, its volume an integer."""
    return _sized(WireBar, bar, stamp, whole(bar.volume))


def write_updated_bar(bar: Bar, stamp: Callable[[int], I]) -> WireBar[I]:
    """A stock minute bar told again, its volume an integer."""
    return _sized(WireUpdatedBar, bar, stamp, whole(bar.volume))


def write_daily_bar(bar: Bar, stamp: Callable[[int], I]) -> WireBar[I]:
    """The stock day so far, its volume an integer."""
    return _sized(WireDailyBar, bar, stamp, whole(bar.volume))


def write_fractional_bar(bar: Bar, stamp: Callable[[int], I]) -> WireBar[I]:
    """A crypto bar of any of the three sorts, its volume a float."""
    kind: type[WireBar[I]] = WireBar
    if isinstance(bar, UpdatedBar):
        kind = WireUpdatedBar
    elif isinstance(bar, DailyBar):
        kind = WireDailyBar
    return _sized(kind, bar, stamp, float(bar.volume))
