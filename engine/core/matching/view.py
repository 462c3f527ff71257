"""One symbol's market as the matcher sees it: what can be traded with now, and what was the last price.

`SymbolView.take` runs for every event of every symbol, mostly while nobody has an order there. So it only remembers
the event; decimals, offers and citations are made when somebody asks (and kept until the next event, because what our
fills took of an offer must stay taken).

What may be traded with:

- the standing quote's other side, until the next quote; for crypto also the book beyond it;
- the newest event, if it is a trade print that was the market's price (`engine.core.matching.conditions`);
- the newest minute bar, for a symbol of which neither quotes nor trades are told.

The view never goes back in time: a trade older than the newest trade neither sets the last price nor fills anybody,
and what was told before a halt or before the session is gone for good (`new_session`). The first quote or print
afterwards is taken as the auction that it is: everybody trades at its price. Cancels and corrections of trades change
nothing here: a venue does not take back the stops that a wrong trade triggered either.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from math import inf
from typing import Any, ClassVar, Final

from attrs import define, field

from engine.core.amounts import exact
from engine.core.matching.citation import Citation, Offer
from engine.core.matching.conditions import ELSEWHERE, UNPRICED
from engine.core.matching.depth import Depth
from engine.model.account import Asset
from engine.model.market import Bar, Book, Luld, MarketEvent, Quote, Status, Trade
from engine.model.order import Side

HALTS: Final = frozenset("2HP")
"""Status codes that stop trading: halt on tapes A and B, halt and volatility pause on tape C."""
RESUMES: Final = frozenset("3T")
"""Status codes after which it trades again. Not ``Q`` of tape C: that resumes quotes, trading follows with ``T``."""


def _quoted(ts_ns: int, price: float, size: float) -> Offer | None:
    """One side of a quote as an offer; a price of 0 means that nobody is there."""
    if not price > 0:
        return None
    return Offer(Citation(kind="quote", ts_ns=ts_ns, price=exact(price), size=exact(size)))


@define
class SymbolView:
    """The market of ``symbol``. Prices are in dollars, ``None`` where the market has not told any."""

    symbol: str
    asset: Asset
    halted: bool = field(default=False, init=False)
    version: int = field(default=0, init=False)
    """Counts the events that orders can react to."""
    auction: bool = field(default=False, init=False)
    """Whether the newest quote or print is the first since a halt, the session's begin, or ever."""
    traded: bool = field(default=False, init=False)
    """Whether the last price was made since then: an older one triggers no stop."""
    _awaits_auction: bool = field(default=True, init=False)
    _bars_only: bool = field(default=True, init=False)
    _quote: Quote | None = field(default=None, init=False)
    _newest: Trade | Bar | None = field(default=None, init=False)
    """The newest event, when it is a print or bar that can be traded with."""
    _last: float = field(default=0.0, init=False)
    _not_before_ns: int = field(default=0, init=False)
    """Trades older than this came late."""
    _band: tuple[float, float] = field(default=(0.0, 0.0), init=False)
    _depth: Depth = field(factory=Depth, init=False)
    _ask_offer: Offer | None = field(default=None, init=False)
    _bid_offer: Offer | None = field(default=None, init=False)
    _newest_offer: Offer | None = field(default=None, init=False)
    _elsewhere: frozenset[str] = field(init=False)
    _unpriced: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._elsewhere = ELSEWHERE[self.asset.asset_class]
        self._unpriced = UNPRICED[self.asset.asset_class]

    def take(self, event: MarketEvent) -> None:
        """The market told something of this symbol. Kinds that say nothing about trading are ignored."""
        take = self._TAKES.get(type(event))
        if take is not None:
            take(self, event)

    def new_session(self, start_ns: int) -> None:
        """Another phase of the trading day begins at ``start_ns``: what was quoted before it fills nobody any more.

        The last price stays known (it values positions), but triggers nothing. Not for crypto, which has no sessions.
        """
        self._band = (0.0, 0.0)
        self._forget(start_ns)

    @property
    def bid(self) -> Decimal | None:
        """The best price that somebody would pay."""
        return self._price(Side.SELL)

    @property
    def ask(self) -> Decimal | None:
        """The best price at which somebody would sell."""
        return self._price(Side.BUY)

    @property
    def last(self) -> Decimal | None:
        """The price of the newest trade that sets it; with bars alone the newest close."""
        return exact(self._last) if self._last else None

    @property
    def limit_up(self) -> Decimal | None:
        """The highest price at which it may trade now; ``None`` where no band is known."""
        return exact(self._band[1]) if self._band[1] > 0 else None

    @property
    def limit_down(self) -> Decimal | None:
        """The lowest price at which it may trade now; ``None`` where no band is known."""
        return exact(self._band[0]) if self._band[0] > 0 else None

    @property
    def bar(self) -> Bar | None:
        """The newest event, when it is a bar and bars are all that there is."""
        return self._newest if isinstance(self._newest, Bar) else None

    def reach(self, taker: Side, *, in_line: bool = False) -> float:
        """The limit from which on the newest event can mean something to an order that rests: no worse one can fill.

        ``in_line``: nor does a worse one move up its line. In floats, because it is asked after every event; a float
        never stands on the other side of another one than their decimals do, so none is missed. 0 or infinite where
        nothing is reached.
        """
        newest, quote, buys = self._newest, self._quote, taker is Side.BUY
        everything = 0.0 if buys else inf
        prices = []
        if newest is not None:
            prices.append(newest.price if isinstance(newest, Trade) else newest.low if buys else newest.high)
        if quote is not None:
            bid, ask = quote.bid_price, quote.ask_price
            theirs, ours = (ask, bid) if buys else (bid, ask)
            if theirs > 0:
                prices.append(theirs)
            if in_line:
                prices.append(ours if ours > 0 else everything)
        elif (best := self._depth.best(taker.opposite)) is not None:
            prices.append(best)
        if in_line and self._depth.known:
            prices.append(everything)
        return min(prices, default=inf) if buys else max(prices, default=0.0)

    def farthest(self, taker: Side) -> Decimal | None:
        """The highest price of the newest event for a buy, the lowest for a sell: that of a bar, else the last."""
        bar = self.bar
        if bar is None:
            return self.last
        return exact(bar.high if taker is Side.BUY else bar.low)

    def market(self, taker: Side) -> Decimal | None:
        """Where the market stands for one who wants to do ``taker``: the other side's best price, else the last."""
        price = self._price(taker)
        return self.last if price is None else price

    def displayed(self, side: Side, price: Decimal) -> Decimal | None:
        """How much those who do ``side`` display at ``price``; ``None`` where the market does not tell so deep."""
        quote = self._quote
        if quote is not None:
            best, size = (quote.bid_price, quote.bid_size) if side is Side.BUY else (quote.ask_price, quote.ask_size)
            if best <= 0 or (price - exact(best)) * side.sign > 0:
                return Decimal(0)
            if price == exact(best):
                return exact(size)
        size_at = self._depth.size_at(side, float(price))
        return None if size_at is None else exact(size_at)

    def top(self, taker: Side) -> Offer | None:
        """What one who wants to do ``taker`` finds at the other side's best price."""
        quote = self._quote
        if quote is None:
            return next(self._depth.offers(taker.opposite), None)
        if taker is Side.BUY:
            if self._ask_offer is None:
                self._ask_offer = _quoted(quote.ts_ns, quote.ask_price, quote.ask_size)
            return self._ask_offer
        if self._bid_offer is None:
            self._bid_offer = _quoted(quote.ts_ns, quote.bid_price, quote.bid_size)
        return self._bid_offer

    def deeper(self, taker: Side) -> Iterator[Offer]:
        """What he finds behind `top`, best price first: nothing where no book is told."""
        top = self.top(taker)
        beyond = None if top is None else float(top.cites.price)
        return self._depth.offers(taker.opposite, beyond)

    def newest(self) -> Offer | None:
        """The newest event as an offer, when it is a print (citing its price) or a lone bar (citing its close)."""
        event = self._newest
        if event is None:
            return None
        if self._newest_offer is None:
            if isinstance(event, Trade):
                cites = Citation(kind="trade", ts_ns=event.ts_ns, price=exact(event.price), size=exact(event.size))
            else:
                cites = Citation(kind="bar", ts_ns=event.ts_ns, price=exact(event.close), size=exact(event.volume))
            self._newest_offer = Offer(cites)
        return self._newest_offer

    def _price(self, taker: Side) -> Decimal | None:
        quote = self._quote
        if quote is not None:
            price = quote.ask_price if taker is Side.BUY else quote.bid_price
            return exact(price) if price > 0 else None
        best = self._depth.best(taker.opposite)
        return None if best is None else exact(best)

    def _forget(self, now_ns: int) -> None:
        """What could be traded with until now is gone."""
        self._quote = self._newest = self._newest_offer = self._ask_offer = self._bid_offer = None
        self._depth.forget()
        self._awaits_auction, self.auction, self.traded = True, False, False
        self._not_before_ns = max(self._not_before_ns, now_ns)

    def _take_quote(self, quote: Quote) -> None:
        self.version += 1
        self._quote = quote
        self._newest = self._newest_offer = self._ask_offer = self._bid_offer = None
        self._bars_only = False
        self.auction = self._awaits_auction
        self._awaits_auction = False

    def _take_trade(self, trade: Trade) -> None:
        self.version += 1
        self._newest = self._newest_offer = None
        self._bars_only = False
        ts_ns, price = trade.ts_ns, trade.price
        if ts_ns < self._not_before_ns or not (price > 0 and trade.size > 0):
            return
        if not self._elsewhere.isdisjoint(trade.conditions):
            return
        self._not_before_ns = ts_ns
        self.auction = self._awaits_auction
        self._awaits_auction = False
        self._newest = trade
        if self._unpriced.isdisjoint(trade.conditions):
            self._last = price
            self.traded = True

    def _take_bar(self, bar: Bar) -> None:
        """Bars are for symbols that have nothing else. A bar's own time is its start, so it may be told after it."""
        if self._bars_only and bar.ts_ns >= self._not_before_ns and bar.low > 0:
            self.version += 1
            self._not_before_ns = bar.ts_ns
            self._newest, self._newest_offer = bar, None
            self._last = bar.close
            self.traded = True

    def _take_book(self, book: Book) -> None:
        self.version += 1
        self._newest = self._newest_offer = None
        self._depth.take(book)
        if self._quote is None:
            self.auction = self._awaits_auction
            self._awaits_auction = False

    def _take_status(self, status: Status) -> None:
        if status.status_code in HALTS:
            self.halted = True
        elif status.status_code in RESUMES:
            self.halted = False
            self._forget(status.ts_ns)

    def _take_luld(self, luld: Luld) -> None:
        self._band = (luld.limit_down, luld.limit_up)

    _TAKES: ClassVar[Mapping[type[MarketEvent], Callable[[Any, Any], None]]] = {
        Quote: _take_quote,
        Trade: _take_trade,
        Bar: _take_bar,
        Book: _take_book,
        Status: _take_status,
        Luld: _take_luld,
    }
