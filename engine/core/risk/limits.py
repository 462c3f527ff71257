"""The user's own limits: what an order may not exceed, and what stops trading altogether.

A limit that cannot be measured is exceeded. A missing price, a NaN and a price from before lunch have all switched
limits off in other engines, by comparing false; here whatever a limit needs and does not have refuses the order and
says what was missing. Only orders that add risk are measured: what takes risk away must get through, above all when
the limits are exceeded. Losses and refusals in a row are about the trader and not about one order, so they trip the
kill switch (`Breach.trips`).

Everything is measured as if the open orders of the same side were filled and those of the other side were not: orders
in flight are where a burst hides.
"""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from attrs import Attribute, field, frozen

from engine.core.rules import plain
from engine.model.order import ZERO, OrderClass, OrderRequest, Side

PRICE_AGE_MAX_S: Final = 900.0
"""Market seconds after which a price no longer says what something is worth, where ``data_age_s`` is not set: a quarter
of an hour, which is what Alpaca's free plan holds data back by."""


def _positive(_instance: object, attribute: "Attribute[Any]", value: Decimal | int | float | None) -> None:
    """A validator: a number above zero. NaN and infinity are refused, since every comparison with them misleads."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise ValueError(f"{attribute.name} must be a number above 0")


@frozen(kw_only=True)
class Limits:
    """Limits of one strategy, or of the account. ``None`` is off.

    Quantities are shares, coins or contracts, notionals dollars at the last known price, always without a sign.
    """

    order_qty: Decimal | None = field(default=None, validator=_positive)
    """The most in one order."""
    order_notional: Decimal | None = field(default=None, validator=_positive)
    position_qty: Decimal | None = field(default=None, validator=_positive)
    """The most held of one symbol, long or short, with what open orders may add."""
    position_notional: Decimal | None = field(default=None, validator=_positive)
    gross_notional: Decimal | None = field(default=None, validator=_positive)
    """The most held of all symbols together, long and short added up, with what open orders may add."""
    orders_per_minute: int | None = field(default=None, validator=_positive)
    rejects_in_row: int | None = field(default=None, validator=_positive)
    """So many orders refused by the venue without one accepted between trip the kill switch."""
    loss_per_day: Decimal | None = field(default=None, validator=_positive)
    """So many dollars lost since midnight in New York, realized or not, trip the kill switch."""
    data_age_s: float | None = field(default=None, validator=_positive)
    """Market seconds; with an older price, or none, nothing is opened."""


NO_LIMITS: Final = Limits()
DEFAULT_ACCOUNT_LIMITS: Final = Limits(orders_per_minute=500, rejects_in_row=20)
"""What the account gets where nothing is set; both only ever meet a program that runs wild. Eight orders a second for
a whole minute are more than any strategy on bars or quotes sends (Alpaca's free plan takes 200 requests a minute); and
twenty refusals without one order taken mean that whoever sends them does not look at the answers."""


@frozen(kw_only=True)
class Exposure:
    """What limits are measured against, of one strategy or of the account. ``None`` is not known.

    ``position`` is signed and of the order's symbol, as are ``working_buy`` and ``working_sell``, which are what open
    orders may still fill. ``gross_notional`` is dollars over all symbols, open orders included.
    """

    position: Decimal | None = None
    working_buy: Decimal | None = None
    working_sell: Decimal | None = None
    price: Decimal | None = None
    price_age_s: float | None = None
    multiplier: Decimal = Decimal(1)
    """Units of the underlying in one contract; 1 for anything else."""
    gross_notional: Decimal | None = None
    orders_last_minute: int | None = None
    rejects_in_row: int | None = None
    profit_today: Decimal | None = None


@frozen
class Breach:
    """A limit that an order would exceed: its name in `Limits`, a sentence, and whether it trips the kill switch."""

    limit: str
    sentence: str
    trips: bool = False


def adds_risk(
    request: OrderRequest, position: Decimal | None, working_buy: Decimal | None, working_sell: Decimal | None
) -> bool:
    """Whether the order could make a position larger than it is, whichever open orders are filled before it.

    It could not where it gives back no more than is held and not already promised to other orders. What cannot be
    told adds risk: an unknown position, an order by dollars, an order that brings its exits or has several legs.
    """
    held, buys, sells = known(position), known(working_buy), known(working_sell)
    qty = known(request.qty)
    if held is None or buys is None or sells is None or qty is None or qty <= 0 or buys < 0 or sells < 0:
        return True
    if request.order_class not in (OrderClass.SIMPLE, OrderClass.OCO):
        return True
    if request.side is Side.SELL:
        return qty + sells > held
    return qty + buys > -held


def known(number: Decimal | None) -> Decimal | None:
    """The number, or ``None`` where it is none (NaN, infinity)."""
    return number if number is not None and number.is_finite() else None


def check_limits(limits: Limits, who: str, request: OrderRequest, exposure: Exposure) -> Breach | None:
    """The first limit that the order would exceed, or that cannot be measured; ``None`` lets it pass.

    ``who`` is the strategy's name, or ``account``. An order that adds no risk always passes.
    """
    if not adds_risk(request, exposure.position, exposure.working_buy, exposure.working_sell):
        return None
    measure = _Measure(limits, who, request, exposure)
    for check in _CHECKS:
        breach = check(measure)
        if breach is not None:
            return breach
    return None


def check_conduct(limits: Limits, who: str, rejects_in_row: int | None, profit_today: Decimal | None) -> Breach | None:
    """The limits that need no order: losses and refusals. What is not known is no breach here, only in
    `check_limits`: a kill switch that trips on every missing price would be switched off by its owner."""
    most = limits.rejects_in_row
    if most is not None and rejects_in_row is not None and rejects_in_row >= most:
        said = f"{who}: the venue refused {rejects_in_row} orders in a row, and the limit rejects_in_row is {most}."
        return Breach("rejects_in_row", said, trips=True)
    profit, loss_max = known(profit_today), limits.loss_per_day
    if loss_max is not None and profit is not None and -profit >= loss_max:
        said = f"{who}: lost {plain(-profit)} dollars today, and the limit loss_per_day is {plain(loss_max)}."
        return Breach("loss_per_day", said, trips=True)
    return None


@frozen
class _Measure:
    """One order against one set of limits."""

    limits: Limits
    who: str
    request: OrderRequest
    exposure: Exposure

    @property
    def price(self) -> Decimal | None:
        """The last price, if it is a number, above zero and not too old."""
        price, age_s = known(self.exposure.price), self.exposure.price_age_s
        if price is None or price <= 0 or age_s is None or not age_s <= (self.limits.data_age_s or PRICE_AGE_MAX_S):
            return None
        return price

    @property
    def unit(self) -> Decimal | None:
        """What one share, coin or contract may come to at most, in dollars.

        A buyer never pays more than a limit. A seller may get more than one, and a stop says where an order starts
        and not where it ends, so there the market's price counts too.
        """
        limit, stop = known(self.request.limit_price), known(self.request.stop_price)
        if self.request.order_class is OrderClass.MLEG:
            worth = None if limit is None else abs(limit)
        elif self.request.side is Side.BUY and limit is not None:
            worth = limit
        else:
            price = self.price
            worth = None if price is None else max(price, limit or ZERO, stop or ZERO)
        multiplier = known(self.exposure.multiplier)
        return None if worth is None or multiplier is None else worth * multiplier

    @property
    def qty(self) -> Decimal | None:
        """The order's quantity; of one by dollars, the most that they buy."""
        if self.request.qty is not None:
            return known(self.request.qty)
        notional, price, limit = known(self.request.notional), self.price, known(self.request.limit_price)
        return None if notional is None or price is None else notional / min(price, limit or price)

    @property
    def notional(self) -> Decimal | None:
        """The order's dollars."""
        if self.request.notional is not None:
            return known(self.request.notional)
        qty, unit = known(self.request.qty), self.unit
        return None if qty is None or unit is None else abs(qty) * unit

    @property
    def after(self) -> Decimal | None:
        """The largest position that this order may lead to, without a sign."""
        held, qty = known(self.exposure.position), self.qty
        buying = self.request.side is Side.BUY
        working = known(self.exposure.working_buy if buying else self.exposure.working_sell)
        if held is None or qty is None or working is None or self.request.order_class is OrderClass.MLEG:
            return None
        return abs(held + self.request.side.sign * (working + qty))

    @property
    def missing(self) -> str:
        """What keeps this order from being measured."""
        if self.request.order_class is OrderClass.MLEG:
            return "an order of several legs cannot be measured by it; trade the legs one by one"
        symbol, age_s = self.request.symbol, self.exposure.price_age_s
        if known(self.exposure.price) is None or age_s is None:
            return f"no price of {symbol} is known; subscribe to its trades or quotes"
        if self.price is None:
            return f"the last price of {symbol} is {age_s:.0f} s old; wait for its data"
        return f"what is held or under way of {symbol} is not known; wait for the account's books"

    def over(self, limit: str, value: Decimal | None, what: str) -> Breach | None:
        """The breach of a limit by ``value``, which ``what`` names with ``{}`` for the number."""
        most = getattr(self.limits, limit)
        if most is None:
            return None
        if value is None:
            return Breach(limit, f"{self.who}: the limit {limit} is set and cannot be checked: {self.missing}.")
        if value <= most:
            return None
        told = what.format(plain(value))
        return Breach(limit, f"{self.who}: {told}, and the limit {limit} is {plain(Decimal(most))}; see [limits].")


def _check_data(measure: _Measure) -> Breach | None:
    most_s, age_s = measure.limits.data_age_s, measure.exposure.price_age_s
    if most_s is None or (measure.price is not None and age_s is not None and age_s <= most_s):
        return None
    return Breach("data_age_s", f"{measure.who}: the limit data_age_s is {most_s:g} s, and {measure.missing}.")


def _check_size(measure: _Measure) -> Breach | None:
    symbol = measure.request.symbol or "the legs"
    return measure.over("order_qty", measure.qty, f"the order is for {{}} of {symbol}") or measure.over(
        "order_notional", measure.notional, f"the order for {symbol} comes to {{}} dollars"
    )


def _check_position(measure: _Measure) -> Breach | None:
    after, unit, symbol = measure.after, measure.unit, measure.request.symbol
    worth = None if after is None or unit is None else after * unit
    return measure.over("position_qty", after, f"{symbol} could come to {{}} with this order") or measure.over(
        "position_notional", worth, f"{symbol} could come to {{}} dollars with this order"
    )


def _check_gross(measure: _Measure) -> Breach | None:
    gross, more = known(measure.exposure.gross_notional), measure.notional
    total = None if gross is None or more is None else gross + more
    if measure.limits.gross_notional is not None and gross is None:
        said = "what is held cannot be valued: a price is missing or old, or the books are not read yet"
        return Breach("gross_notional", f"{measure.who}: the limit gross_notional cannot be checked: {said}.")
    return measure.over("gross_notional", total, "all positions could come to {} dollars with this order")


def _check_rate(measure: _Measure) -> Breach | None:
    most, sent = measure.limits.orders_per_minute, measure.exposure.orders_last_minute
    if most is None or (sent is not None and sent < most):
        return None
    told = "nobody counted the orders sent" if sent is None else f"{sent} orders were sent within a minute"
    return Breach("orders_per_minute", f"{measure.who}: {told}, and the limit orders_per_minute is {most}.")


def _check_conduct(measure: _Measure) -> Breach | None:
    limits, exposure, who = measure.limits, measure.exposure, measure.who
    breach = check_conduct(limits, who, exposure.rejects_in_row, exposure.profit_today)
    if breach is not None:
        return breach
    if limits.loss_per_day is not None and known(exposure.profit_today) is None:
        said = "today's profit cannot be told: a price of something held is missing"
        return Breach("loss_per_day", f"{who}: the limit loss_per_day cannot be checked: {said}.")
    if limits.rejects_in_row is not None and exposure.rejects_in_row is None:
        return Breach("rejects_in_row", f"{who}: the limit rejects_in_row cannot be checked: nobody counted.")
    return None


_CHECKS: Final[tuple[Callable[[_Measure], Breach | None], ...]] = (
    _check_conduct,
    _check_rate,
    _check_data,
    _check_size,
    _check_position,
    _check_gross,
)
"""In this order: what stops everything first, then what is cheapest to say."""
