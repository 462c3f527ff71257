"""A counter of the trading API with a small market behind it, asked without a socket."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, evolve, field

from engine.core.matching.fees import ALPACA_FEES
from engine.core.matching.ledger import AccountTerms
from engine.core.matching.models import MODELS
from engine.exchange.clock import MarketClock
from engine.exchange.faults import Fault, FaultPlan
from engine.exchange.market import Market, Row
from engine.exchange.rest import RestServer
from engine.exchange.rest.http import Request, Response
from engine.exchange.trading import Brokerage
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import Quote

T0 = parse_instant("2026-03-02T14:30:00Z")
KEYS = {"apca-api-key-id": "PK", "apca-api-secret-key": "SK"}


@define
class Quotes:
    """A tape of quotes one second apart, from the opening on: AAPL 100.00 to 100.02, BTC/USD 60000 to 60010."""

    count: int
    start_ns: int = T0
    endless: bool = False
    symbols: tuple[str, ...] = ("AAPL", "BTC/USD")

    def rows(self) -> Iterator[Row]:
        """Every second one quote of each."""
        for number in range(1, self.count + 1):
            ts_ns = T0 + number * NS_PER_S
            yield ts_ns, Quote("AAPL", ts_ns, 100.0, 1000.0, 100.02, 1000.0, "Q", "Q", ("R",), "C")
            yield ts_ns, Quote("BTC/USD", ts_ns, 60000.0, 5.0, 60010.0, 5.0)


@define
class Counter:
    """Asks and reads."""

    market: Market
    brokerage: Brokerage
    rest: RestServer
    plan: FaultPlan
    status: int = 0
    headers: dict[str, str] = field(factory=dict)

    async def reply(self, method: str, path: str, body: object = None, /, **query: object) -> Response:
        """The raw reply to a request."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        asked = {name: str(value) for name, value in query.items()}
        response = await self.rest.respond(Request(method, path, asked, KEYS, raw))
        self.status, self.headers = response.status, dict(response.headers)
        return response

    async def ask(self, method: str, path: str, body: object = None, /, **query: object) -> Any:
        """The body of the reply; its status is in ``status``."""
        response = await self.reply(method, path, body, **query)
        return json.loads(response.body) if response.body else None

    async def order(self, **asked: object) -> Any:
        """Post an order: a market order for 10 AAPL, but for what is asked."""
        wanted = {"symbol": "AAPL", "qty": "10", "side": "buy", "type": "market", "time_in_force": "day"} | asked
        return await self.ask("POST", "/v2/orders", {name: each for name, each in wanted.items() if each is not None})

    def stand(self, kind: str, **options: Any) -> None:
        """Let a fault stand from now on."""
        self.plan.inject(Fault(kind=kind, **options))

    async def pass_quotes(self, count: int) -> None:
        """Publish that many rows."""
        await self.market.swallow(count)


@pytest.fixture
async def counter() -> Counter:
    """A counter whose market has told one second of quotes."""
    market = Market(Quotes(100), MarketClock(T0, 0))
    plan = FaultPlan()
    brokerage = Brokerage(market, plan, terms=AccountTerms(), model=evolve(MODELS["touch"], fees=ALPACA_FEES))
    market.attach(brokerage)
    await market.swallow(2)
    rest = RestServer(market, plan, {"PK": "SK"}, brokerage=brokerage, trading_per_minute=10_000, wall_s=lambda: 0.0)
    return Counter(market, brokerage, rest, plan)
