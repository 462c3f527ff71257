"""Getting out of a position: cancel, wait for the end, read the position again, close exactly that, look again.

The one thing that a way out must not do is to make another position. So what is closed is what was read a moment ago,
less what open orders on the closing side may still fill: however those end, the sum of it cannot cross zero. And it
is tried a bounded number of times, with a sentence at the end: a loop that goes on for ever against a venue that says
no is the other way in which flattening goes wrong.

`Flattening` decides and does nothing; `engine.flow.flatten` acts.
"""

from decimal import Decimal
from typing import Final, TypeAlias

from attrs import define, frozen

from engine.core.amounts import round_price
from engine.core.calendar import Phase, phase_at
from engine.core.rules import plain
from engine.core.target import closing_intent, is_dust, next_delta, side_of
from engine.model.account import Asset
from engine.model.order import ZERO, AssetClass, OrderRequest, OrderType, Side, TimeInForce

SLIPS: Final = (Decimal("0.005"), Decimal("0.01"), Decimal("0.02"), Decimal("0.03"), Decimal("0.05"))
"""Beyond regular hours only limit orders are taken. How far through the last price each of them reaches: half a
percent is several spreads of a liquid stock before the opening, five are more than such a market is wide."""
CLOSES_MAX: Final = len(SLIPS)
"""Closing orders before a person is asked: a market order that does nothing five times over is a halted stock."""
CANCELS_MAX: Final = 6
"""Rounds of cancels without a closing order between them: with a patience of a second or so each, a cancel that the
venue has not carried out by then is stuck."""
FAILURES_MAX: Final = 20
"""Noes and missing answers in all, a second or more apart."""


@frozen(kw_only=True)
class Seen:
    """What is there now. The orders must have been read before the positions, or a fill between is closed twice.

    ``held`` is what is to be closed, ``account`` what the account holds in all; both negative when short. ``buying``
    and ``selling`` are what the ``orders`` open orders may still fill on each side; of ``unknown`` of these nobody
    knows whether the venue has them. ``price`` is the last known one.
    """

    asset: Asset
    held: Decimal
    account: Decimal
    orders: int
    buying: Decimal
    selling: Decimal
    price: Decimal | None
    now_ns: int
    unknown: int = 0


@frozen
class Cancel:
    """Cancel every open order of the symbol, and look again when they have ended or patience is over."""


@frozen
class Close:
    """Send this order, wait until it has ended or patience is over, and look again."""

    request: OrderRequest


@frozen(kw_only=True)
class Flattened:
    """How it ended. ``left`` is what is still held and ``orders`` how many are still open, as last read; ``sentence``
    says why, and is empty where there is nothing to say. ``flat`` also when less than one increment is left, which no
    order can sell."""

    symbol: str
    flat: bool
    left: Decimal | None = None
    orders: int = 0
    sentence: str = ""


Act: TypeAlias = Cancel | Close | Flattened


@define
class Flattening:
    """Decides what to do next about one symbol, until it is over."""

    symbol: str
    closes: int = 0
    _cancels: int = 0
    _failures: int = 0
    _last_no: str = ""

    def refused(self, reason: str) -> Flattened | None:
        """Somebody said no to the last act; the end, if that was once too often."""
        self._last_no = reason
        return self._count_failure(reason)

    def unanswered(self, reason: str) -> Flattened | None:
        """The broker did not answer; the end, if that was once too often."""
        return self._count_failure(f"the broker does not answer ({reason})")

    def _count_failure(self, reason: str) -> Flattened | None:
        self._failures += 1
        if self._failures < FAILURES_MAX:
            return None
        return Flattened(symbol=self.symbol, flat=False, sentence=f"{self.symbol}: not known to be flat: {reason}")

    def decide(self, seen: Seen) -> Act:
        """What to do about what is there.

        An order that nobody knows of is canceled as soon as somebody does, and no position waits for that: such an
        order may hang in the air for a quarter of a minute, and what it may fill is reckoned with.
        """
        if not seen.held and not seen.orders:
            return self._over(seen, flat=True)
        delta = self._delta(seen)
        pressing = seen.orders > seen.unknown or not self._cancels or not delta
        if seen.orders and pressing and self._cancels < CANCELS_MAX:
            self._cancels += 1
            return Cancel()
        if not delta:
            return self._stop(seen)
        if self.closes == CLOSES_MAX:
            return self._over(seen, f"is left after {CLOSES_MAX} orders to close it. Last word: {self._said}")
        request = closing_request(seen, delta, SLIPS[self.closes])
        if request is None:
            return self._over(seen, "is left: " + _why_closed(seen))
        self.closes += 1
        self._cancels = 0
        return Close(request)

    def _delta(self, seen: Seen) -> Decimal:
        """What can be closed in one order, whatever the open orders still do."""
        working = seen.selling if seen.held > 0 else seen.buying
        sure = max(abs(seen.held) - working, ZERO).copy_sign(seen.held)
        return next_delta(sure, ZERO, seen.account, seen.asset, seen.price)

    def _stop(self, seen: Seen) -> Flattened:
        if seen.orders:
            return self._over(seen, f"is left, and so are open orders that the venue does not cancel: {seen.orders}")
        if is_dust(seen.held, seen.asset, seen.price):
            return self._over(seen, "is left: less than can be traded", flat=True)
        return self._over(seen, "is left, which the account does not hold in a quantity that can be traded")

    @property
    def _said(self) -> str:
        return self._last_no or "the orders were taken and not filled"

    def _over(self, seen: Seen, why: str = "", *, flat: bool = False) -> Flattened:
        sentence = f"{self.symbol}: {plain(seen.held)} {why}" if why else ""
        return Flattened(symbol=self.symbol, flat=flat, left=seen.held, orders=seen.orders, sentence=sentence)


def closing_request(seen: Seen, delta: Decimal, slip: Decimal) -> OrderRequest | None:
    """The order that trades ``delta`` now, or ``None`` when nothing can be traded now.

    In regular hours a market order. Before and after them a limit order that reaches ``slip`` (a share of 1) through
    the last price. Contracts trade in regular hours only, crypto always.
    """
    asset, phase = seen.asset, phase_at(seen.now_ns)
    crypto = asset.asset_class is AssetClass.CRYPTO
    limit: Decimal | None = None
    if not crypto and phase is not Phase.CORE:
        if phase is Phase.CLOSED or asset.asset_class is AssetClass.US_OPTION or not seen.price:
            return None
        buys = side_of(delta) is Side.BUY
        limit = round_price(seen.price * (1 + (slip if buys else -slip)), asset, up=buys)
    return OrderRequest(
        symbol=asset.symbol,
        side=side_of(delta),
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        time_in_force=TimeInForce.GTC if crypto else TimeInForce.DAY,
        qty=abs(delta),
        limit_price=limit,
        extended_hours=limit is not None,
        position_intent=closing_intent(delta, seen.account, asset),
    )


def _why_closed(seen: Seen) -> str:
    if phase_at(seen.now_ns) is Phase.CLOSED or seen.asset.asset_class is AssetClass.US_OPTION:
        return "its market is closed. Its orders are canceled; close it when the market opens"
    return "no price of it is known, and beyond regular hours only limit orders are taken. Close it by hand"
