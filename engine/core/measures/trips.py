"""Trades as traders count them: from flat to flat, with what each made, and how far the market went for and against it.

A trade begins when a strategy that holds nothing of a symbol buys or sells it, and ends when it holds nothing again; an
order that turns a long position into a short one ends one trade and begins the next. So the profits of all trades, the
open ones at the market's price, are the profit of the session.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext

from attrs import define, evolve, field, frozen

from engine.core.matching.money.holding import ROUNDED
from engine.core.measures.moves import Move, multiplier_of
from engine.core.measures.series import Series
from engine.model.order import ZERO


@frozen(kw_only=True)
class Trip:
    """One trade. Prices are averages, money is dollars. ``profit`` is after ``fees``.

    ``closed_ns`` is ``None`` while it is open: then ``exit`` is the market's price at the end, ``None`` without one.
    ``best`` and ``worst`` are how far the market was for and against it at the most, as shares of the entry price.
    """

    strategy: str
    symbol: str
    long: bool
    opened_ns: int
    closed_ns: int | None
    qty: float
    """The most that was held at once."""
    entry: float
    exit: float | None
    profit: float
    fees: float
    fills: int
    best: float | None = None
    worst: float | None = None
    carried: bool = False
    """It was held when the session began; its entry is the price of then."""

    @property
    def gain(self) -> float | None:
        """The profit as a share of what was put in."""
        cost = self.qty * self.entry * float(multiplier_of(self.symbol))
        return self.profit / cost if cost else None


@define
class _Open:
    """A trade while it is open."""

    strategy: str
    symbol: str
    opened_ns: int
    sign: int
    carried: bool
    qty: Decimal = ZERO
    most: Decimal = ZERO
    cash: Decimal = ZERO
    fees: Decimal = ZERO
    fills: int = 0
    bought: list[tuple[Decimal, Decimal]] = field(factory=list)
    """Quantity and price of what made it larger."""
    sold: list[tuple[Decimal, Decimal]] = field(factory=list)

    def add(self, move: Move) -> None:
        self.qty += move.qty
        self.cash += move.cash
        self.fees += move.fee
        self.fills += not move.opening
        self.most = max(self.most, abs(self.qty))
        (self.bought if move.qty * self.sign > 0 else self.sold).append((abs(move.qty), move.price))

    def close(self, closed_ns: int | None, mark: float | None, excursion: tuple[float | None, float | None]) -> Trip:
        entry, best, worst = _average(self.bought) or 0.0, *excursion
        out = _average(self.sold) if closed_ns is not None else mark
        worth = float(self.qty * multiplier_of(self.symbol)) * (mark if mark is not None else entry)
        return Trip(
            strategy=self.strategy,
            symbol=self.symbol,
            long=self.sign > 0,
            opened_ns=self.opened_ns,
            closed_ns=closed_ns,
            qty=float(self.most),
            entry=entry,
            exit=out,
            profit=float(self.cash) + (worth if self.qty else 0.0),
            fees=float(self.fees),
            fills=self.fills,
            best=best,
            worst=worst,
            carried=self.carried,
        )


def trips_of(moves: Sequence[Move], marks: Callable[[str], Series], end_ns: int) -> list[Trip]:
    """The trades of a session that ended at ``end_ns``, in the order in which they ended, the open ones last."""
    open_trips: dict[tuple[str, str], _Open] = {}
    ended: list[Trip] = []
    with localcontext(ROUNDED):
        for whole in moves:
            where = (whole.strategy, whole.symbol)
            for move in _split(whole, open_trips[where].qty if where in open_trips else ZERO):
                one = open_trips.get(where)
                if one is None:
                    sign = 1 if move.qty > 0 else -1
                    one = open_trips[where] = _Open(move.strategy, move.symbol, move.ts_ns, sign, move.opening)
                one.add(move)
                if not one.qty:
                    ended.append(one.close(move.ts_ns, None, _excursion(one, marks(move.symbol), move.ts_ns)))
                    del open_trips[where]
        for one in open_trips.values():
            series = marks(one.symbol)
            ended.append(one.close(None, series.at(end_ns), _excursion(one, series, end_ns)))
    return ended


def _split(move: Move, held: Decimal) -> tuple[Move, ...]:
    """A move that crosses zero as two: what closes, and what opens."""
    if held * move.qty >= 0 or abs(move.qty) <= abs(held):
        return (move,)
    share = -held / move.qty
    first = evolve(move, qty=-held, cash=move.cash * share, fee=move.fee * share, traded=move.traded * share)
    rest = evolve(
        move,
        qty=move.qty + held,
        cash=move.cash - first.cash,
        fee=move.fee - first.fee,
        traded=move.traded - first.traded,
    )
    return first, rest


def _average(parts: Sequence[tuple[Decimal, Decimal]]) -> float | None:
    qty = sum((one for one, _ in parts), ZERO)
    return float(sum((one * price for one, price in parts), ZERO) / qty) if qty else None


def _excursion(one: _Open, series: Series, end_ns: int) -> tuple[float | None, float | None]:
    """How far the market was for and against it while it was open, as shares of the entry price."""
    entry, prices = _average(one.bought), series.between(one.opened_ns, end_ns)
    if not entry or not prices:
        return None, None
    high, low = max(prices) / entry - 1, min(prices) / entry - 1
    return (max(high, 0.0), min(low, 0.0)) if one.sign > 0 else (max(-low, 0.0), min(-high, 0.0))
