"""The account: what it holds, what its open orders hold back, what it may still do.

`Ledger` is the one owner of an account's money. `admit` decides whether an order may be taken and holds what it needs,
`update` gives that back, `apply` books what filled. The order of things is the caller's: an order is admitted before
it works, `update` is told of every change of it, and a fill is applied exactly once.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Final

from attrs import define, field, frozen

from engine.core.matching.money.admission import Admission
from engine.core.matching.money.books import Books
from engine.core.matching.money.holding import ROUNDED, Holding
from engine.core.matching.money.holds import Group, Hold, Holds
from engine.core.matching.money.margin import initial_margin, is_option, maintenance_margin
from engine.core.matching.money.power import (
    MARGIN_EQUITY_MIN,
    available_of,
    cash_power,
    equity_of,
    margin_power,
    options_loss,
)
from engine.model.account import Account, Asset, Position
from engine.model.order import ZERO, Fill, Order, PositionIntent, Side

REGT_MULTIPLIER: Final = Decimal(2)
NO_MARGIN: Final = Decimal(1)


@frozen(kw_only=True)
class AccountTerms:
    """What the account starts with and is allowed: as a fresh paper account of Alpaca's.

    ``multiplier`` is 1 (cash), 2 (Regulation T) or 4 (intraday margin); ``options_level`` 0 to 3.
    """

    cash: Decimal = Decimal(100_000)
    multiplier: Decimal = Decimal(4)
    shorting_enabled: bool = True
    options_level: int = 3


@define
class Ledger:
    """One account's money, positions and holds."""

    terms: AccountTerms
    _books: Books = field(init=False)
    _holds: Holds = field(factory=Holds)
    _lastday: dict[str, Decimal] = field(factory=dict)
    _last_equity: Decimal = field(init=False)
    _last_maintenance: Decimal = ZERO

    def __attrs_post_init__(self) -> None:
        self._books = Books(self.terms.cash)
        self._last_equity = self.terms.cash

    def admit(
        self, order: Order, asset: Asset | None, price: Decimal | None, legs: Sequence[tuple[Order, Asset]] = ()
    ) -> None:
        """Hold what the order needs, or raise `Refused` and hold nothing.

        ``price`` is what the market asks (buy, short sale) or bids (sell) now, per share, ``None`` when nobody knows;
        then the last known one counts. Where there is none at all, nothing can be measured: a market order is let in
        and holds nothing, since it cannot fill before the market has told a price either. A multi-leg order has no
        asset, and brings its ``legs``; ``price`` is then that of the whole.
        """
        self._admit(order, asset, price, legs, self._holds.group_of(order))

    def readmit(
        self,
        old: Order,
        new: Order,
        asset: Asset | None,
        price: Decimal | None,
        legs: Sequence[tuple[Order, Asset]] = (),
    ) -> None:
        """As `admit`, for an order that replaces another. While both live, the larger of their holds counts."""
        self._admit(new, asset, price, legs, self._holds.group_of(old))

    def _admit(
        self,
        order: Order,
        asset: Asset | None,
        price: Decimal | None,
        legs: Sequence[tuple[Order, Asset]],
        group: Group,
    ) -> None:
        with localcontext(ROUNDED):
            others = self._holds.total(but=group)
            admission = Admission(
                books=self._books,
                others=others,
                margin=margin_power(self._books, others, self.multiplier),
                cash=cash_power(self._books, others, self.multiplier),
                shorting=self._may_short(),
                options_level=self.terms.options_level,
            )
            need = admission.need_of_legs(order, legs, price) if asset is None else admission.need(order, asset, price)
        self._holds.put(order, need, group)

    def update(self, order: Order) -> None:
        """The order filled or ended: hold less for it, or nothing. Orders that hold nothing may be told too."""
        self._holds.update(order)

    def apply(self, fill: Fill, asset: Asset) -> Decimal:
        """Book a fill: cash, position, profit and fees. Returns the position after it, negative when short."""
        return self._books.apply(fill, asset)

    def mark(self, symbol: str, price: Decimal) -> None:
        """The last known price of a symbol."""
        self._books.marks[symbol] = price

    def symbols(self) -> tuple[str, ...]:
        """What something is held of, in no particular order but the same in every run."""
        return tuple(self._books.holdings)

    def qty(self, symbol: str) -> Decimal:
        """How much is held of a symbol, negative when short."""
        return self._books.qty(symbol)

    def intent(self, symbol: str, side: Side) -> PositionIntent:
        """What an order on that side would do to what is held."""
        return self._books.intent(symbol, side)

    def closable(self, order: Order) -> Decimal | None:
        """How much of what is held an order may close: what no other order holds. ``None`` for one that opens."""
        if order.position_intent is None or not order.position_intent.closes:
            return None
        return available_of(self._books, self._holds.total(but=self._holds.group_of(order)), order.symbol)

    def position(self, symbol: str) -> Position | None:
        """What is held of a symbol, if anything."""
        holding = self._books.holdings.get(symbol)
        return None if holding is None else self._position(symbol, holding, self._holds.total())

    def positions(self) -> tuple[Position, ...]:
        """Everything that is held, by symbol."""
        held = self._holds.total()
        return tuple(self._position(symbol, holding, held) for symbol, holding in sorted(self._books.holdings.items()))

    def account(self) -> Account:
        """The account now, at the last known prices."""
        books, held = self._books, self._holds.total()
        with localcontext(ROUNDED):
            values = [books.value(symbol) for symbol in books.holdings]
            equity, initial = equity_of(books), self._initial_margin()
            cash_left = cash_power(books, held, self.multiplier)
            return Account(
                cash=books.cash,
                equity=equity,
                last_equity=self._last_equity,
                long_market_value=sum((value for value in values if value > 0), ZERO),
                short_market_value=sum((value for value in values if value < 0), ZERO),
                buying_power=margin_power(books, held, self.multiplier),
                regt_buying_power=margin_power(books, held, min(self.multiplier, REGT_MULTIPLIER)),
                non_marginable_buying_power=cash_left,
                options_buying_power=cash_left,
                initial_margin=initial,
                maintenance_margin=self._maintenance_margin(),
                last_maintenance_margin=self._last_maintenance,
                sma=equity - initial,
                accrued_fees=ZERO,  # a fill pays its fees at once
                multiplier=self.multiplier,
                shorting_enabled=self._may_short(),
            )

    def recall(self, closes: Mapping[str, Decimal]) -> None:
        """What the market closed at on the trading day before, in dollars by symbol, whoever held it."""
        self._lastday = dict(closes)

    def start_day(self, closes: Mapping[str, Decimal]) -> None:
        """A trading day begins: what is there now is yesterday's, and ``closes`` what the market closed at."""
        with localcontext(ROUNDED):
            self._last_equity = equity_of(self._books)
            self._last_maintenance = self._maintenance_margin()
            held = {symbol: self._books.price(symbol) for symbol in self._books.holdings}
            self.recall({**held, **closes})
            for symbol, holding in self._books.holdings.items():
                holding.intraday_cost = self._books.value(symbol)

    def imbalance(self) -> Decimal:
        """Start cash, profits and fees on one side, cash and positions on the other: the difference, always 0."""
        return self._books.imbalance()

    def drift(self, symbol: str) -> Decimal:
        """What was bought and sold and paid in kind of a symbol, less the position: always 0."""
        return self._books.drift(symbol)

    @property
    def multiplier(self) -> Decimal:
        """The account's multiplier now: 1 while there is too little equity for margin."""
        return self.terms.multiplier if equity_of(self._books) >= MARGIN_EQUITY_MIN else NO_MARGIN

    def _may_short(self) -> bool:
        return self.terms.shorting_enabled and self.multiplier > NO_MARGIN

    def _initial_margin(self) -> Decimal:
        stocks = (
            initial_margin(holding.asset, self._books.value(symbol))
            for symbol, holding in self._books.holdings.items()
            if not is_option(holding.asset)
        )
        return sum(stocks, options_loss(self._books))

    def _maintenance_margin(self) -> Decimal:
        stocks = (
            maintenance_margin(holding.asset, holding.qty, self._books.price(symbol))
            for symbol, holding in self._books.holdings.items()
            if not is_option(holding.asset)
        )
        return sum(stocks, options_loss(self._books))

    def _position(self, symbol: str, holding: Holding, held: Hold) -> Position:
        return Position(
            asset=holding.asset,
            qty=holding.qty,
            cost=holding.cost,
            available_qty=available_of(self._books, held, symbol),
            price=self._books.price(symbol),
            lastday_price=self._lastday.get(symbol, ZERO),
            intraday_cost=holding.intraday_cost,
        )
