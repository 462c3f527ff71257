"""What can be traded, what is held, and what it is worth.

As in `engine.model.order`: money, prices and quantities are `Decimal`, times are nanoseconds since the epoch, UTC.
"""

from decimal import Decimal
from typing import Self

from attrs import frozen

from engine.model.order import ZERO, AssetClass, Side


@frozen(kw_only=True)
class Asset:
    """Something that can be traded, with the rules that the venue attaches to it.

    ``min_order_size`` and ``min_trade_increment`` are quantities, ``price_increment`` is dollars (0: by price, see
    `engine.core.matching`). ``multiplier`` is how many units of the underlying one contract stands for.
    ``underlying``, ``strike``, ``expires`` (``YYYY-MM-DD``) and ``call`` belong to options.
    """

    id: str
    symbol: str
    name: str
    asset_class: AssetClass
    exchange: str
    tradable: bool = True
    active: bool = True
    marginable: bool = True
    shortable: bool = True
    easy_to_borrow: bool = True
    fractionable: bool = True
    extended_hours: bool = True
    min_order_size: Decimal = ZERO
    min_trade_increment: Decimal = ZERO
    price_increment: Decimal = ZERO
    multiplier: Decimal = Decimal(1)
    underlying: str = ""
    strike: Decimal = ZERO
    expires: str = ""
    call: bool = True

    @classmethod
    def contract(
        cls,
        *,
        id: str,  # noqa: A002 - the field's own name
        symbol: str,
        name: str,
        underlying: str,
        strike: Decimal,
        expires: str,
        call: bool,
        multiplier: Decimal,
        tradable: bool = True,
        active: bool = True,
    ) -> Self:
        """An option contract: it trades whole, at whole cents, and is neither lent nor borrowed (Alpaca's docs)."""
        return cls(
            id=id,
            symbol=symbol,
            name=name,
            asset_class=AssetClass.US_OPTION,
            exchange="",  # as in the venue's positions: a contract has no listing exchange
            tradable=tradable,
            active=active,
            marginable=False,
            shortable=False,
            easy_to_borrow=False,
            fractionable=False,
            extended_hours=False,
            min_order_size=Decimal(1),
            min_trade_increment=Decimal(1),
            price_increment=Decimal("0.01"),
            multiplier=multiplier,
            underlying=underlying,
            strike=strike,
            expires=expires,
            call=call,
        )


@frozen(kw_only=True)
class Position:
    """What is held of one asset. ``qty`` is negative when short; ``cost`` is what it was bought for, signed like it.

    ``available_qty`` is what open orders do not hold already, never negative. ``price`` is the last known price, 0
    where the market has told none; ``lastday_price`` the close of the trading day before.
    """

    asset: Asset
    qty: Decimal
    cost: Decimal
    available_qty: Decimal
    price: Decimal
    lastday_price: Decimal = ZERO
    intraday_cost: Decimal = ZERO
    """What it would have cost at yesterday's close for what was held over night, and what it did cost for the rest."""

    @property
    def side(self) -> Side:
        """Buy for long, sell for short."""
        return Side.BUY if self.qty >= 0 else Side.SELL

    @property
    def entry_price(self) -> Decimal:
        """The average price of what is held, per share, coin or unit of a contract's underlying."""
        return self.cost / (self.qty * self.asset.multiplier) if self.qty else ZERO

    @property
    def market_value(self) -> Decimal:
        """What it is worth at ``price``: negative for a short position."""
        return self.qty * self.price * self.asset.multiplier


@frozen(kw_only=True)
class Account:
    """The account at one moment. All of it dollars, but for ``multiplier``."""

    cash: Decimal
    equity: Decimal
    last_equity: Decimal
    long_market_value: Decimal
    short_market_value: Decimal
    buying_power: Decimal
    regt_buying_power: Decimal
    non_marginable_buying_power: Decimal
    options_buying_power: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    last_maintenance_margin: Decimal
    sma: Decimal
    accrued_fees: Decimal
    multiplier: Decimal
    shorting_enabled: bool = True


@frozen(kw_only=True)
class HeldPosition:
    """A position as the broker tells it to its client, in the symbol that orders use (``BTC/USD``).

    ``qty`` is negative when short. ``price`` is the broker's last price, 0 where it told none.
    """

    symbol: str
    qty: Decimal
    entry_price: Decimal
    price: Decimal = ZERO
    asset_class: AssetClass | None = None


@frozen(kw_only=True)
class AccountFee:
    """Dollars that the venue took for trading, told apart from the executions that they were taken for.

    ``amount`` is above 0. ``order_id`` is what the venue groups it by: the order where it charges by the order, empty
    or the id of nothing that is known here where it charges by the day. ``symbol`` is empty for a fee on all of a
    day's trades. ``ts_ns`` lies in the day, New York's, that it was charged for. ``what`` is the venue's own words.
    """

    id: str
    amount: Decimal
    ts_ns: int
    order_id: str = ""
    symbol: str = ""
    what: str = ""


@frozen(kw_only=True)
class StrategyPosition:
    """What one strategy holds of one symbol, by the fills of its own orders: a line of a virtual sub-ledger.

    ``qty`` and ``cost`` are negative when short; ``cost`` is dollars, with an option's multiplier in it. ``realized``
    is the profit of what was given back, before ``fees``; both are dollars since the sub-ledger began.
    """

    symbol: str
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    multiplier: Decimal = Decimal(1)

    @property
    def entry_price(self) -> Decimal:
        """The average price of what is held; 0 when flat."""
        return self.cost / (self.qty * self.multiplier) if self.qty else ZERO

    def unrealized(self, price: Decimal) -> Decimal:
        """The profit of what is held at this price, in dollars."""
        return self.qty * price * self.multiplier - self.cost
