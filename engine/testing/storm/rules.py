"""Our own check of an order against the exchange's: the same requests to both, and the answers side by side.

The desk is asked as a strategy asks it, in a whole session; the exchange is asked by HTTP, with the body that a client
would post. A rule is *static* when it needs neither the account nor its other orders: those the desk must refuse with
the exchange's own status, code and words, and no such request may ever reach the exchange.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import msgspec
import trio
from attrs import define, field, frozen

from engine.app.account.side import AccountSide
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.codec.order_requests import parse_order
from engine.core.matching.ledger import AccountTerms
from engine.core.risk.limits import Limits
from engine.core.rules import Rule
from engine.errors import OrderEnded, OrderRefused
from engine.exchange.clock import instant_of
from engine.exchange.market import Row
from engine.exchange.serve import ExchangeOptions, Running
from engine.model.account import Asset
from engine.model.instant import NS_PER_S
from engine.model.market import Quote, Trade
from engine.model.order import OrderRequest
from engine.ports import Context, strategy
from engine.testing.inline import run_inline
from engine.testing.simulated import open_simulated
from engine.venues.alpaca.refusals import rule_of

ELSEWHERE: Final = frozenset({Rule.CLIENT_ORDER_ID_TAKEN, Rule.HALTED})
"""What only the venue knows: ids that were used, and whether a stock is halted."""
STATIC: Final = frozenset(list(Rule)[: list(Rule).index(Rule.ORDER_NOT_FOUND)]) - ELSEWHERE
"""The rules about an order by itself: the first part of the table."""
STATIC_NAMES: Final = frozenset(rule.name.lower() for rule in STATIC)
BEGIN: Final = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""10:00 in New York."""
SIZE: Final = 1_000_000.0
WARM_S: Final = 3.0
"""Market seconds before the first question, so that both sides know the prices."""


@frozen
class Answer:
    """A no: the rule by its short name, the HTTP status, the code of the body, the words."""

    rule: str
    status: int
    code: int
    words: str


@frozen
class Compared:
    """One request at both. ``None`` is a yes; ``sent`` is whether ours let it out to the exchange."""

    name: str
    ours: Answer | None
    theirs: Answer | None
    sent: bool

    @property
    def static(self) -> bool:
        """Whether either side refused it by a static rule."""
        return any(answer is not None and answer.rule in STATIC_NAMES for answer in (self.ours, self.theirs))

    @property
    def wrong(self) -> str:
        """What is not as it should be."""
        if not self.static:
            return ""
        if self.sent:
            return f"{self.name}: sent, and the exchange says {self.theirs or self.ours}"
        return "" if self.ours == self.theirs else f"{self.name}: we say {self.ours}, the exchange {self.theirs}"


@frozen
class Steady:
    """A market that says the same prices every second."""

    prices: Mapping[str, float]
    start_ns: int
    endless: bool = True

    @property
    def symbols(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(sorted(self.prices))

    def rows(self) -> Iterator[Row]:
        """Every second a quote and a trade of each."""
        ts_ns = self.start_ns
        while True:
            for place, symbol in enumerate(self.symbols):
                at_ns, price = ts_ns + place, self.prices[symbol]
                yield at_ns, Quote(symbol, at_ns, price, SIZE, price, SIZE, "Q", "Q", ("R",), "C")
                yield at_ns, Trade(symbol, at_ns, price, SIZE, id=at_ns, exchange="Q", conditions=("@",), tape="C")
            ts_ns += NS_PER_S


@define
class Counters:
    """Both counters, while a session runs: the desk's and the exchange's."""

    account: AccountSide
    running: Running
    http: httpx.AsyncClient
    compared: list[Compared] = field(factory=list)

    async def ask(self, name: str, body: Mapping[str, Any]) -> None:
        """The same order to both, to the exchange directly only where ours did not send it."""
        raw = msgspec.json.encode(body)
        before = len(self.running.rest.changes.requests)
        ours = await self._ask_desk(parse_order(raw))
        sent = len(self.running.rest.changes.requests) > before
        theirs = ours if sent else await self._ask_exchange(raw)
        self.compared.append(Compared(name, ours, theirs, sent))

    async def _ask_desk(self, request: OrderRequest) -> Answer | None:
        await trio.lowlevel.checkpoint()
        try:
            order = await self.account.desk.place("asker", request, late_ok=True)
        except OrderRefused as no:
            words = str(no).removeprefix(f"{request.symbol or 'the order'}: ")
            return Answer(no.rule, no.status, no.code, words.partition(f" (rule {no.rule}; ")[0])
        except OrderEnded as ended:
            return Answer("ended", 0, 0, str(ended))
        await order.cancel()
        return None

    async def _ask_exchange(self, raw: bytes) -> Answer | None:
        reply = await self.http.post("/v2/orders", content=raw)
        told = msgspec.json.decode(reply.content)
        if reply.status_code == httpx.codes.OK:
            await self.http.delete(f"/v2/orders/{told['id']}")
            return None
        rule = rule_of(reply.status_code, told["code"], told["message"])
        return Answer(rule, reply.status_code, told["code"], told["message"])


async def ask_both(
    asking: Callable[[Counters], Awaitable[None]],
    *,
    prices: Mapping[str, float],
    assets: Mapping[str, Asset],
    at_ns: int | None = None,
    terms: AccountTerms | None = None,
) -> Sequence[Compared]:
    """Hold one session on an exchange whose market stands still, and let ``asking`` ask both sides."""
    begin_ns = instant_of(BEGIN) if at_ns is None else at_ns
    options = ExchangeOptions(assets=assets, terms=terms or AccountTerms())
    source = Steady(prices, begin_ns - int(WARM_S * NS_PER_S))
    compared: Sequence[Compared] = ()

    @strategy(trades=True)
    async def asker(ctx: Context) -> None:
        async with ctx.quotes(*prices, full="latest") as quotes:
            async for _ in quotes:
                pass

    async with open_simulated(options, source=source) as exchange:

        async def beside(account: AccountSide) -> None:
            nonlocal compared
            account.price(source.symbols[0])  # from the first question on prices are listened to
            await exchange.market.clock.sleep_until(begin_ns)
            async with httpx.AsyncClient(base_url=exchange.trading_url, headers=exchange.headers) as http:
                counters = Counters(account, exchange.running, http)
                await asking(counters)
                compared = counters.compared
            over.set()

        over = trio.Event()
        async with trio.open_nursery() as nursery:

            async def stop() -> None:
                await over.wait()
                nursery.cancel_scope.cancel()

            nursery.start_soon(stop)
            await run_live(
                RunOptions(strategies=(LoadedStrategy(asker, None, "asker"),), limits=Limits()),
                exchange=exchange.running,
                run_sync=run_inline,
                beside=beside,
            )
    return compared
