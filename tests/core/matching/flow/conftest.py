"""A random day: a market that is told out of a seed, and what a client without any sense does in it.

`World` makes steps and nothing else; the laws are in the tests. It keeps what it told, so that they can hold a fill
against it. Plain seeded dice instead of Hypothesis: a sequence costs milliseconds, so ten thousand of them are
a matter of minutes, and a failing one is named by its seed.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from random import Random
from typing import Final

import pytest
from attrs import asdict, define, evolve, field
from msgspec.structs import astuple

from engine.core.calendar import NEW_YORK, instant_of
from engine.core.matching.ledger import AccountTerms, Ledger
from engine.core.matching.models import MODELS
from engine.core.matching.venue import Matching
from engine.core.rules import Refused
from engine.exchange.assets import build_assets
from engine.model.account import Asset
from engine.model.market import Book, Luld, MarketEvent, Quote, Status, Trade
from engine.model.order import (
    AssetClass,
    Leg,
    Order,
    OrderClass,
    OrderRequest,
    OrderType,
    OrderUpdate,
    ReplaceRequest,
    Side,
    TimeInForce,
)

MS: Final = 1_000_000
STEPS: Final = 30
DAYS: Final = (date(2026, 3, 2), date(2026, 11, 27))
"""An ordinary Monday, and the half day after Thanksgiving."""
STARTS: Final = ("04:00", "09:10", "09:26", "09:29:59", "11:00", "12:59:30", "15:30", "15:59:30", "17:00")
PAUSES_MS: Final = (0, 1, 3, 5, 50, 1_000, 20_000, 300_000, 2_400_000)
STOCKS: Final = ("AAPL", "MSFT")
COIN: Final = "BTC/USD"
THEMES: Final[Mapping[str, tuple[str, ...]]] = {"any": (), "all": (), "spreads": (), "groups": ("AAPL",)}
"""What most orders of a sequence are, and the symbols that its market tells of where not all."""
SLOW: Final = evolve(MODELS["touch"], name="slow", latency_ns=40 * MS, cancel_latency_ns=500 * MS)
VARIANTS: Final = (*MODELS.values(), SLOW, SLOW)
"""Twice the one in which requests lose their races."""


@define
class World:
    """One random sequence: steps on a market and on an account, all out of one seed."""

    seed: int
    dice: Random
    venue: Matching
    now_ns: int
    open_ns: int
    close_ns: int
    night_ns: int
    last_night_ns: int
    """After the last day of the contracts."""
    theme: str
    contracts: tuple[str, ...]
    symbols: tuple[str, ...]
    events: list[MarketEvent] = field(factory=list)
    refused: list[str] = field(factory=list)
    log: list[str] = field(factory=list)
    _middle: dict[str, float] = field(factory=dict)

    def steps(self) -> Iterator[list[OrderUpdate]]:
        """Everything that happens; what the account stream says after each step."""
        yield from map(self._tick, self.symbols)
        for _ in range(STEPS):
            before_ns = self.now_ns
            self.now_ns += self.dice.choice(PAUSES_MS) * MS + self.dice.randrange(1, MS)
            if before_ns < self.open_ns <= self.now_ns:
                yield from self._crosses(self.open_ns, "O")
            act = self.dice.choices((self._submit, self._cancel, self._replace), (5, 1, 2))[0]
            yield act()
            for _ in range(self.dice.randrange(4)):
                yield self._tick(self.dice.choice(self.symbols))
        yield from self._evening()

    def _evening(self) -> Iterator[list[OrderUpdate]]:
        """The closing crosses, the end of the day, and the end of the contracts."""
        if self.now_ns < self.close_ns:
            yield from self._crosses(self.close_ns, "6")
        for night_ns in (self.night_ns, self.last_night_ns):
            self.now_ns = max(self.now_ns, night_ns)
            yield self.venue.pass_time(self.now_ns)

    def _crosses(self, at_ns: int, condition: str) -> Iterator[list[OrderUpdate]]:
        """An auction: most often its print, in the second after it."""
        self.now_ns = at_ns + self.dice.randrange(1_000) * MS
        for symbol in STOCKS:
            self.now_ns += 1
            crossed = self.dice.random() < 0.7
            yield self._tell(self._trade(symbol, ("@", condition)) if crossed else self._quote(symbol))

    def cancel_all(self) -> list[OrderUpdate]:
        """Cancel what is open, and wait until nothing is on its way."""
        told = []
        for order in self.venue.open_orders():
            try:
                told += self.venue.cancel(order.id, self.now_ns)
            except Refused as refusal:
                self.refused.append(refusal.rule)
        self.now_ns += 1_000 * MS
        return told + self.venue.pass_time(self.now_ns)

    def _submit(self) -> list[OrderUpdate]:
        request = self._request()
        self.log.append(f"{self.now_ns} submit {_short(request)}")
        try:
            return self.venue.submit(request, self.now_ns)[1]
        except Refused as refusal:
            self.refused.append(refusal.rule)
            return self.venue.pass_time(self.now_ns)

    def _cancel(self) -> list[OrderUpdate]:
        order = self._some_order()
        if order is None:
            return []
        delay_ns = self.dice.choice((None, None, 30 * MS))
        self.log.append(f"{self.now_ns} cancel {order.id} {delay_ns}")
        try:
            return self.venue.cancel(order.id, self.now_ns, delay_ns=delay_ns)
        except Refused as refusal:
            self.refused.append(refusal.rule)
            return self.venue.pass_time(self.now_ns)

    def _replace(self) -> list[OrderUpdate]:
        order = self._some_order()
        if order is None:
            return []
        price = self._price(order.symbol or self.contracts[0])
        change = self.dice.choice(
            (
                ReplaceRequest(limit_price=price),
                ReplaceRequest(limit_price=price, qty=Decimal(self.dice.randrange(1, 300))),
                ReplaceRequest(stop_price=price),
                ReplaceRequest(trail=Decimal(self.dice.randrange(1, 4))),
                ReplaceRequest(time_in_force=TimeInForce.GTC, client_order_id=f"again-{self.now_ns}"),
            )
        )
        self.log.append(f"{self.now_ns} replace {order.id} {_short(change)}")
        try:
            return self.venue.replace(order.id, change, self.now_ns)[1]
        except Refused as refusal:
            self.refused.append(refusal.rule)
            return self.venue.pass_time(self.now_ns)

    def _some_order(self) -> Order | None:
        found = self.venue.open_orders() or tuple(self.venue.orders)
        found = (
            tuple(order for order in found if order.symbol not in self.contracts or self.dice.random() < 0.1) or found
        )
        return self.dice.choice(found) if found else None

    def _request(self) -> OrderRequest:
        """Mostly what the venue takes, so that something happens; now and then anything at all."""
        if self.theme == "groups":
            return self._group(STOCKS[0])
        symbol = self.dice.choice((*self.symbols, *STOCKS, ""))
        if not symbol or self.theme == "spreads":
            return self._spread()
        if symbol in STOCKS:
            grouped = self.dice.random() < 0.3
            request = self._group(symbol) if grouped else self._simple(symbol, tuple(OrderType), self._times())
        elif symbol == COIN:
            kinds = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT)
            request = self._simple(symbol, kinds, (TimeInForce.GTC, TimeInForce.IOC))
        else:
            request = self._simple(symbol, (OrderType.MARKET, OrderType.LIMIT), (TimeInForce.DAY,))
        if self.dice.random() < 0.1:
            request = evolve(request, time_in_force=self.dice.choice(tuple(TimeInForce)), extended_hours=True)
        return request

    def _times(self) -> tuple[TimeInForce, ...]:
        """Times in force of a stock's order, those for the opening while they are taken."""
        if self.now_ns < self.open_ns - 120_000 * MS:
            return (TimeInForce.OPG, TimeInForce.OPG, TimeInForce.DAY, TimeInForce.CLS)
        return (TimeInForce.DAY, TimeInForce.DAY, TimeInForce.GTC, TimeInForce.CLS, TimeInForce.IOC, TimeInForce.FOK)

    def _simple(self, symbol: str, kinds: tuple[OrderType, ...], times: tuple[TimeInForce, ...]) -> OrderRequest:
        dice, kind, price = self.dice, self.dice.choice(kinds), self._price(symbol)
        time = dice.choice(times)
        if kind not in (OrderType.MARKET, OrderType.LIMIT) and symbol in STOCKS:
            time = dice.choice((TimeInForce.DAY, TimeInForce.GTC))
        whole = symbol in self.contracts or time is not TimeInForce.DAY or kind is OrderType.TRAILING_STOP
        held = self.venue.position(symbol)
        side = dice.choice((Side.BUY, Side.SELL if held else Side.BUY, Side.SELL))
        return OrderRequest(
            symbol=symbol,
            side=side,
            type=kind,
            time_in_force=time,
            **self._size(symbol, whole=whole, most=held.available_qty if held and side is not held.side else None),
            limit_price=price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
            stop_price=price if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
            trail_price=Decimal(dice.randrange(1, 100)) / 100 if kind is OrderType.TRAILING_STOP else None,
            extended_hours=kind is OrderType.LIMIT and symbol in STOCKS and dice.random() < 0.4,
        )

    def _group(self, symbol: str) -> OrderRequest:
        """A bracket, an OCO against what is held, or an OTO with either exit."""
        dice = self.dice
        held = self.venue.position(symbol)
        order_class = dice.choice((OrderClass.BRACKET, OrderClass.OTO, OrderClass.OCO if held else OrderClass.BRACKET))
        side = dice.choice((Side.BUY, Side.SELL))
        kind = dice.choice((OrderType.MARKET, OrderType.LIMIT))
        most = None
        if order_class is OrderClass.OCO and held:
            side, kind, most = held.side.opposite, OrderType.LIMIT, held.available_qty
        price = self._price(symbol)
        gap = Decimal(dice.choice((5, 30, 300))) / 100
        # an exit stands on the other side of the market: a bracket turns its side round, an OCO is an exit already
        away = gap * side.sign * (-1 if order_class is OrderClass.OCO else 1)
        exits = dice.choice(((True, False), (False, True))) if order_class is OrderClass.OTO else (True, True)
        return OrderRequest(
            symbol=symbol,
            side=side,
            type=kind,
            time_in_force=dice.choice((TimeInForce.DAY, TimeInForce.GTC)),
            **self._size(symbol, whole=True, most=most),
            limit_price=None if kind is OrderType.MARKET else price + (away if order_class is OrderClass.OCO else 0),
            order_class=order_class,
            take_profit_limit=price + away if exits[0] else None,
            stop_loss_stop=price - away if exits[1] else None,
            stop_loss_limit=price - 2 * away if exits[1] and dice.random() < 0.3 else None,
        )

    def _size(self, symbol: str, *, whole: bool, most: Decimal | None) -> dict[str, Decimal]:
        dice = self.dice
        sort = dice.random()
        if most and sort < 0.8:
            return {"qty": most // 1 if whole and most >= 1 else most}
        if symbol == COIN:
            return {"qty": Decimal(dice.randrange(1, 5000)) / 10_000}
        if not whole and sort < 0.12:
            return {"notional": Decimal(dice.randrange(100, 6_000_000)) / 100}
        if not whole and sort < 0.22:
            return {"qty": Decimal(dice.randrange(1, 10**9)) / 10**8}
        most_asked = 6 if symbol in self.contracts else 30 if self.theme == "groups" else 300
        return {"qty": Decimal(dice.randrange(1, most_asked))}

    def _spread(self) -> OrderRequest:
        dice = self.dice
        limit = Decimal(dice.randrange(-150, 150)) / 100
        kind = dice.choice((OrderType.MARKET, OrderType.LIMIT))
        sides = dice.choice(((Side.BUY, Side.SELL), (Side.SELL, Side.BUY), (Side.BUY, Side.BUY)))
        return OrderRequest(
            symbol="",
            side=Side.BUY,
            type=kind,
            time_in_force=TimeInForce.DAY,
            qty=Decimal(dice.randrange(1, 4)),
            limit_price=limit if kind is OrderType.LIMIT else None,
            order_class=OrderClass.MLEG,
            legs=tuple(
                Leg(symbol=symbol, ratio_qty=Decimal(1 + index * dice.randrange(2)), side=side)
                for index, (symbol, side) in enumerate(zip(self.contracts, sides, strict=True))
            ),
        )

    def _price(self, symbol: str) -> Decimal:
        """A price that is sometimes marketable and sometimes not, on the grid."""
        return Decimal(str(round(self._mid(symbol) * self.dice.choice((0.98, 0.999, 1.0, 1.001, 1.02)), 2)))

    def _mid(self, symbol: str) -> float:
        asset = self.venue.assets[symbol]
        start = {AssetClass.CRYPTO: 60_000.0, AssetClass.US_OPTION: 3.0}.get(asset.asset_class, 190.0)
        return self._middle.setdefault(symbol, start)

    def _tick(self, symbol: str) -> list[OrderUpdate]:
        self.now_ns += self.dice.randrange(1, 5 * MS)
        self._middle[symbol] = max(round(self._mid(symbol) * self.dice.choice((0.99, 0.999, 1.0, 1.001, 1.01)), 2), 0.5)
        sort = self.dice.random()
        if sort < 0.5:
            return self._tell(self._quote(symbol))
        if sort < 0.9:
            return self._tell(
                self._trade(symbol, self.dice.choice((("@",), ("@",), ("@", "O"), ("@", "I"), ("@", "Z"))))
            )
        if symbol == COIN:
            return self._tell(self._book(symbol))
        if sort < 0.94:
            middle = self._mid(symbol)
            return self._tell(Luld(symbol, self.now_ns, round(middle * 1.05, 2), round(middle * 0.95, 2)))
        return self._tell(Status(symbol, self.now_ns, self.dice.choice(("H", "T", "T"))))

    def _tell(self, event: MarketEvent) -> list[OrderUpdate]:
        self.log.append(f"{self.now_ns} {type(event).__name__} {astuple(event)[:7]}")
        self.events.append(event)
        return self.venue.take(event, self.now_ns)

    def _quote(self, symbol: str) -> Quote:
        middle, half = self._mid(symbol), self.dice.choice((0.01, 0.02, 0.1))
        bid, ask = round(middle - half, 2), round(middle + half, 2)
        return Quote(symbol, self.now_ns, bid, self._shown(symbol), ask, self._shown(symbol))

    def _trade(self, symbol: str, conditions: tuple[str, ...]) -> Trade:
        price = round(self._mid(symbol) + self.dice.choice((-0.05, -0.01, 0.0, 0.01, 0.05)), 2)
        late_ns = self.dice.choice((0, 0, 0, 800 * MS))
        return Trade(symbol, self.now_ns - late_ns, price, self._shown(symbol), conditions=conditions)

    def _book(self, symbol: str) -> Book:
        middle = self._mid(symbol)
        sides = [tuple((round(middle + sign * n, 2), self._shown(symbol)) for n in range(1, 6)) for sign in (-1, 1)]
        return Book(symbol, self.now_ns, sides[0], sides[1], reset=self.dice.random() < 0.5)

    def _shown(self, symbol: str) -> float:
        if symbol == COIN:
            return self.dice.randrange(1, 2000) / 10_000
        most = 8 if symbol in self.contracts else 40 if self.theme == "groups" else 400
        return float(self.dice.randrange(1, most))


def build_world(seed: int) -> World:
    """The sequence of that seed."""
    dice = Random(seed)
    day = dice.choice(DAYS)
    start_ns = _instant(day, dice.choice(STARTS))
    assets = _assets(day)
    theme = dice.choice(tuple(THEMES))
    call = dice.random() < 0.5
    chain = [asset for asset in assets.values() if asset.underlying == "AAPL" and asset.call is call]
    first = dice.randrange(len(chain) - 1)
    contracts = chain[first : first + 2]
    venue = Matching(
        assets,
        Ledger(AccountTerms(cash=Decimal(dice.choice((5_000, 100_000, 1_000_000))))),
        dice.choice(VARIANTS),
        seed,
        start_ns,
    )
    return World(
        seed=seed,
        dice=dice,
        venue=venue,
        now_ns=start_ns,
        open_ns=_instant(day, "09:30"),
        theme=theme,
        close_ns=_instant(day, "13:00" if day.month == 11 else "16:00"),
        night_ns=_instant(day, "23:00"),
        last_night_ns=max(_instant(date.fromisoformat(asset.expires), "23:00") for asset in contracts),
        contracts=tuple(asset.symbol for asset in contracts),
        symbols=THEMES[theme] or (*STOCKS, "AAPL", COIN, *(asset.symbol for asset in contracts)),
    )


def _short(asked: OrderRequest | ReplaceRequest) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(asked, recurse=False).items() if value}


@cache
def _assets(day: date) -> Mapping[str, Asset]:
    return build_assets([*STOCKS, COIN], start_ns=_instant(day, "04:00"), prices={"AAPL": 190.0})


def _instant(day: date, clock: str) -> int:
    return instant_of(datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=NEW_YORK))


@pytest.fixture
def world() -> Callable[[int], World]:
    """Makes the world of a seed."""
    return build_world
