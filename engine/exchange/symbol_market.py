"""The made-up prices of one symbol: a price that walks, and the quotes, trades and books that stand around it.

Not a model of anything: it has to look like the venue's data where software notices, in its shapes, sizes, identities
and spreads, and it has to be cheap, since a test may ask for thousands of events a second. What a matching engine needs
is kept at every event: the bid is below the ask, both are within the limits set, and a trade prints at one of them or,
off exchange, between them. When and how often something happens is decided elsewhere (`engine.exchange.made`).
"""

from abc import ABC, abstractmethod
from random import Random
from typing import Final

from attrs import define, field

from engine.core.bars import day_start_ns, is_crypto
from engine.model.market import Book, MarketEvent, Quote, Trade

PRICES: Final = {
    "AAPL": 230.0, "MSFT": 420.0, "SPY": 580.0, "TSLA": 340.0, "PNNY": 0.62, "BTC/USD": 64_000.0, "ETH/USD": 3_100.0,
}  # fmt: skip
FIRST_PRICES: Final = (20.0, 400.0)
"""Between these a symbol begins that has no known price."""
ON_TAPE: Final = {"SPY": "B"}
PRIMARY: Final = {"B": "P", "C": "Q"}
"""Where the auctions of a tape's stocks are: Arca, Nasdaq."""
EXCHANGES: Final = "VVQQQPPKZDDDNJ"
"""As often as they come: Q Nasdaq, P Arca, K and Z Cboe, V IEX, D off exchange."""
OFF_EXCHANGE: Final = "D"
TICKS: Final = 100
"""Prices move in hundredths."""
STEPS: Final = 50_000
"""A step is about a fifth of a basis point of the price, so that a day of them looks like a day."""
CRYPTO_ID_FIRST: Final = 3_000_000_000_000_000_001
"""Crypto trade ids are this large at the venue: beyond what a double holds."""

TRADE_SHARE: Final = 0.3
MOVE_SHARE: Final = 0.4
"""Of the quotes: those before which the price took a step."""
AWAY_STEPS: Final = 3
"""Each side of a quote stands nought to this many steps (times ``wide``) away from the price, mostly nought."""
BOOK_SHARE: Final = 0.2
"""Of crypto events: changes of the book."""
BOOK_DEPTH: Final = 10
ODD_SHARE: Final = 0.3
SWEEP_SHARE: Final = 0.2
"""Of the trades of stocks: those of fewer than a hundred shares, and those by an intermarket sweep."""

REGULAR: Final = ((("@",), ("@", "F")), (("@", "I"), ("@", "F", "I")))
EXTENDED: Final = ((("@", "T"), ("@", "F", "T")), (("@", "T", "I"), ("@", "F", "T", "I")))
"""Conditions of trades: of round lots and odd lots (``I``), each plain or by a sweep (``F``); ``T`` beyond regular
hours."""


def start_price(symbol: str, rng: Random) -> float:
    """The dollars at which a symbol begins: a known price, or the first throw of its dice."""
    return PRICES.get(symbol) or rng.uniform(*FIRST_PRICES)


@define
class SymbolMarket(ABC):
    """One symbol. Prices here are whole hundredths; ``wide`` and ``lean`` are for who plays the market to set."""

    symbol: str
    rng: Random
    mid: int = field(init=False)
    step: int = field(init=False)
    bid: int = field(init=False)
    ask: int = field(init=False)
    low: int = field(init=False)
    """No bid below this,"""
    high: int = field(init=False)
    """and no ask above this: a price band, or bounds that keep a long walk in sight."""
    wide: int = field(default=1, init=False)
    """How many times its usual width the spread is, from 1."""
    lean: float = field(default=0.5, init=False)
    """The chance that a step of the price is upwards."""
    _ids: dict[str, int] = field(factory=dict, init=False)
    _ids_day_ns: int = field(default=-1, init=False)

    def __attrs_post_init__(self) -> None:
        self.mid = int(start_price(self.symbol, self.rng) * TICKS)
        self.step = max(self.mid // STEPS, 1)
        self.free()
        self._requote()

    def free(self) -> None:
        """Let the price go where it will."""
        self.low, self.high = 100 * self.step, 100 * STEPS * self.step

    def jump(self, share: float) -> None:
        """Move the price by a share of itself, as far as the limits allow. The next quote shows it."""
        self.mid = self._within(round(self.mid * (1 + share)))

    def event(self, ts_ns: int) -> MarketEvent:
        """A trade, or a quote after the price took a step or not."""
        return self.trade(ts_ns) if self.rng.random() < TRADE_SHARE else self.quote(ts_ns)

    @abstractmethod
    def quote(self, ts_ns: int) -> Quote:
        """A new best bid and ask."""

    @abstractmethod
    def trade(self, ts_ns: int) -> Trade:
        """A trade at the best bid or ask."""

    def _within(self, mid: int) -> int:
        return min(max(mid, self.low), self.high - self.step)

    def _requote(self) -> None:
        draw, step, wide = self.rng.random, self.step, self.wide
        mid = self.mid
        if draw() < MOVE_SHARE:
            mid += step if draw() < self.lean else -step
        self.mid = mid = self._within(mid)
        below, above = draw(), draw()
        reach, least = AWAY_STEPS * wide, (wide - 1) // 2
        self.bid = max(mid - step * (least + int(below * below * below * reach)), self.low)
        self.ask = min(mid + step * (1 + least + int(above * above * above * reach)), self.high)

    def _next_id(self, exchange: str, day_ns: int) -> int:
        """One sequence per exchange and trading date."""
        if day_ns > self._ids_day_ns:  # a trade that was late over midnight does not begin its day again
            self._ids_day_ns = day_ns
            self._ids.clear()
        made = self._ids.get(exchange, 1)
        self._ids[exchange] = made + 1
        return made


@define
class StockSymbol(SymbolMarket):
    """A stock: cents, lots, exchanges, conditions, and auctions on its primary exchange."""

    tape: str = field(init=False)
    conditions: tuple[tuple[tuple[str, ...], ...], ...] = field(default=REGULAR, init=False)
    """`REGULAR` or `EXTENDED`."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.tape = ON_TAPE.get(self.symbol, "C")

    def quote(self, ts_ns: int) -> Quote:
        """A new best bid and ask in round lots, each of some exchange."""
        self._requote()
        draw = self.rng.random
        bid_at, ask_at = EXCHANGES[int(len(EXCHANGES) * draw())], EXCHANGES[int(len(EXCHANGES) * draw())]
        bid_size, ask_size = 100.0 * (1 + int(draw() * 9)), 100.0 * (1 + int(draw() * 9))
        bid, ask = self.bid / TICKS, self.ask / TICKS
        return Quote(self.symbol, ts_ns, bid, bid_size, ask, ask_size, bid_at, ask_at, ("R",), self.tape)

    def trade(self, ts_ns: int) -> Trade:
        """A trade at the bid or ask; off exchange half-way between them where there is room."""
        draw = self.rng.random
        price = self.ask if draw() < 0.5 else self.bid
        exchange = EXCHANGES[int(len(EXCHANGES) * draw())]
        if exchange == OFF_EXCHANGE:
            price = (self.bid + self.ask) // 2
        odd = draw() < ODD_SHARE
        size = float(1 + int(draw() * 99)) if odd else 100.0 * (1 + int(draw() * draw() * 10))
        conditions = self.conditions[odd][draw() < SWEEP_SHARE]
        return self._print(ts_ns, price, size, exchange, conditions)

    def auction(self, ts_ns: int, condition: str, lots: int) -> Trade:
        """The one large trade of a cross, within the quote: ``lots`` to twice as many round lots at one price."""
        size = 100.0 * (lots + int(self.rng.random() * lots))
        return self._print(ts_ns, self.mid, size, PRIMARY[self.tape], ("@", condition, "X"))

    def official(self, ts_ns: int, condition: str, price: float) -> Trade:
        """An official price (``Q`` open, ``M`` close): a trade message of no shares that no bar counts."""
        return self._print(ts_ns, round(price * TICKS), 0.0, PRIMARY[self.tape], ("@", condition))

    def next_id(self, exchange: str, ts_ns: int) -> int:
        """The id of the next trade there on that date."""
        return self._next_id(exchange, day_start_ns(self.symbol, ts_ns))

    def _print(self, ts_ns: int, price: int, size: float, exchange: str, conditions: tuple[str, ...]) -> Trade:
        made = self.next_id(exchange, ts_ns)
        return Trade(self.symbol, ts_ns, price / TICKS, size, made, exchange, conditions, self.tape)


@define
class CryptoSymbol(SymbolMarket):
    """A crypto pair: fractions of a coin, a taker's side, and an order book whose best prices are the quote's."""

    _bid_size: float = field(default=1.0, init=False)
    _ask_size: float = field(default=1.0, init=False)
    _sides: tuple[dict[int, float], dict[int, float]] | None = field(default=None, init=False)
    """Bids and asks by price in hundredths; ``None`` before the book was told."""

    def event(self, ts_ns: int) -> MarketEvent:
        """A trade, a quote, or what changed in the book."""
        chance = self.rng.random()
        if chance < TRADE_SHARE:
            return self.trade(ts_ns)
        return self.book(ts_ns) if chance > 1 - BOOK_SHARE else self.quote(ts_ns)

    def quote(self, ts_ns: int) -> Quote:
        """A new best bid and ask."""
        self._requote()
        self._bid_size, self._ask_size = bid_size, ask_size = self._size(), self._size()
        return Quote(self.symbol, ts_ns, self.bid / TICKS, bid_size, self.ask / TICKS, ask_size)

    def trade(self, ts_ns: int) -> Trade:
        """A trade at the bid or ask. Its id goes up for good: nothing here has a trading date."""
        draw = self.rng.random
        buys = draw() < 0.5
        size = round(draw() * draw() * 0.5 + 1e-5, 6)
        price = self.ask if buys else self.bid
        made = CRYPTO_ID_FIRST - 1 + self._next_id("", 0)
        return Trade(self.symbol, ts_ns, price / TICKS, size, made, taker_side="B" if buys else "S")

    def book(self, ts_ns: int) -> Book:
        """The whole book the first time; then the best of each side, a level or more behind it, and what is gone."""
        if self._sides is None:
            bids = {self.bid - self.step * n: self._size() for n in range(BOOK_DEPTH)}
            asks = {self.ask + self.step * n: self._size() for n in range(BOOK_DEPTH)}
            bids[self.bid], asks[self.ask] = self._bid_size, self._ask_size
            self._sides = (bids, asks)
            return Book(self.symbol, ts_ns, _levels(bids), _levels(asks), reset=True)
        changed_bids = self._change(self._sides[0], self.bid, -1, self._bid_size)
        changed_asks = self._change(self._sides[1], self.ask, 1, self._ask_size)
        return Book(self.symbol, ts_ns, _levels(changed_bids), _levels(changed_asks))

    def _change(self, side: dict[int, float], best: int, sign: int, size: float) -> dict[int, float]:
        """Bring a side up to its best price; returns the levels that changed, 0 for those that are gone."""
        step = sign * self.step
        far = 2 * BOOK_DEPTH * self.step
        change = {price: 0.0 for price in side if not 0 <= sign * (price - best) <= far}
        change[best + step * (1 + int(self.rng.random() * BOOK_DEPTH))] = self._size()
        change[best] = size
        left = len(side.keys() | change.keys()) - sum(not size for size in change.values())
        for price in range(best + step, best + step * (BOOK_DEPTH + 1), step):
            if left >= BOOK_DEPTH:  # deep enough: only a price that jumped leaves a side thin
                break
            if price not in change and price not in side:
                change[price] = self._size()
                left += 1
        for price, now in change.items():
            if now:
                side[price] = now
            else:
                del side[price]
        return change

    def _size(self) -> float:
        return round(self.rng.random() * 3 + 1e-4, 6)


def build_symbol(symbol: str, rng: Random) -> StockSymbol | CryptoSymbol:
    """A symbol's market by its name: pairs are written with a slash."""
    return CryptoSymbol(symbol, rng) if is_crypto(symbol) else StockSymbol(symbol, rng)


def _levels(side: dict[int, float]) -> tuple[tuple[float, float], ...]:
    return tuple((price / TICKS, size) for price, size in side.items())
