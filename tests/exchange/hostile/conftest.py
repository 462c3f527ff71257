"""What every hostile test needs: numbered cases from a seed, odd values, a raw caller, and a good client beside them.

``GAPLESS_FUZZ`` is how many cases there are in all (each surface has a share of them), ``GAPLESS_FUZZ_SEED`` what they
are made from. Every case has dice of its own, so one seed and one number are one case; a case that fails is named by
both, and running the same seed again comes to it again.
"""

import json
import math
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from decimal import Decimal
from random import Random
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import h11
import httpx
import msgspec
import pytest
import trio
from attrs import define, field, frozen
from trio_websocket import open_websocket_url

from engine.core.matching.ledger import AccountTerms
from engine.testing.simulated import SimulatedExchange

CASES: Final = int(os.environ.get("GAPLESS_FUZZ", "1500"))
SEED: Final = int(os.environ.get("GAPLESS_FUZZ_SEED", "1"))
EVERY: Final = 50
"""Cases between two looks at the good client and at the books."""
PACE_S: Final = 0.1
"""Between two cases: below a thousand requests a minute, which is what the account may ask."""
ANSWER_WITHIN_S: Final = 300.0
"""Above every deadline that the exchange has for a client."""
SYMBOL: Final = "BTC/USD"
"""What the good client trades: some cases let hours pass, and crypto has no night."""
STATUSES: Final = frozenset({200, 204, 207, 400, 401, 403, 404, 405, 411, 413, 422, 429, 431, 501, 505})
"""What the exchange may answer by itself: no client's request is a failure of the server's."""

Case: TypeAlias = Callable[[Random], Awaitable[None]]
Cases: TypeAlias = Callable[[str, float], Iterator[Random]]


@frozen
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def check(self) -> None:
        """It is an answer, and a refusal says why, as JSON."""
        assert self.status in STATUSES, self
        if self.status >= 400:
            message = msgspec.json.decode(self.body)["message"]
            assert isinstance(message, str), self
            assert message, self
            assert "Traceback" not in message, self


@define
class Caller:
    """Speaks HTTP with nothing in between that corrects what is sent. One connection, opened again as needed."""

    host: str
    port: int
    keys: Mapping[str, str]
    _stream: trio.SocketStream | None = None
    _http: h11.Connection = field(factory=lambda: h11.Connection(h11.CLIENT))

    async def open(self) -> trio.SocketStream:
        """A new connection to the port."""
        return await trio.open_tcp_stream(self.host, self.port)

    async def call(
        self, method: str, target: bytes, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request and its reply. Of a reply that goes on for ever the first seconds."""
        if self._stream is None:
            self._stream, self._http = await self.open(), h11.Connection(h11.CLIENT)
        given = {**self.keys, "Host": "exchange", "Content-Length": str(len(body)), **(headers or {})}
        wire = self._http.send(h11.Request(method=method, target=target, headers=list(given.items()))) or b""
        wire += self._http.send(h11.Data(data=body)) or b""
        await self._stream.send_all(wire + (self._http.send(h11.EndOfMessage()) or b""))
        status, told, content = 0, dict[str, str](), b""
        with trio.move_on_after(ANSWER_WITHIN_S) as late:
            while not isinstance(event := await self._next(), h11.EndOfMessage | h11.ConnectionClosed):
                if isinstance(event, h11.Response):
                    status = event.status_code
                    told = {name.decode(): value.decode() for name, value in event.headers}
                    late.deadline = trio.current_time() + (5.0 if "text/event-stream" in told.values() else 30.0)
                elif isinstance(event, h11.Data):
                    content += event.data
        assert status, f"no answer to {method} {target!r}"
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            await self.close()
        return Reply(status, told, content)

    async def _next(self) -> object:
        assert self._stream is not None
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(bytes(await self._stream.receive_some(65_536)))
        return event

    async def close(self) -> None:
        """Hang up."""
        if self._stream is not None:
            await trio.aclose_forcefully(self._stream)
            self._stream = None


@define
class Storm:
    """Numbered cases against one exchange, with a good client that has to be served all the while."""

    exchange: SimulatedExchange
    caller: Caller
    cases: Cases
    tasks: int
    """How many there are when nobody is connected."""
    _orders: int = 0

    async def rage(self, surface: str, share: float, case: Case) -> int:
        """Run ``share`` of all cases; returns how many that were."""
        number = 0
        for number, dice in enumerate(self.cases(surface, share), 1):
            await case(dice)
            await trio.sleep(PACE_S)
            if number % EVERY == 0:
                await self.look()
        await self.look()
        return number

    async def look(self) -> None:
        """The exchange serves a good client, its books balance, and nothing is left of those who have gone."""
        await self.caller.close()
        with trio.fail_after(ANSWER_WITHIN_S):
            await trio.lowlevel.checkpoint()
            while (now := trio.lowlevel.current_statistics().tasks_living) > self.tasks:  # noqa: ASYNC110 - see below
                await trio.sleep(1)  # nobody is told when the last task of a connection ends
        assert now == self.tasks
        assert self.exchange.running.switchboard.lines == 0
        await self._trade()
        assert self.exchange.running.brokerage.ledger.imbalance() == 0

    async def _trade(self) -> None:
        """Tidy up the account, then subscribe, buy, and be told of the fill."""
        exchange, self._orders = self.exchange, self._orders + 1
        async with httpx.AsyncClient(base_url=exchange.trading_url, headers=exchange.headers, timeout=60) as http:
            await http.request("DELETE", "/_exchange/faults")
            settings = {"suspend_trade": False, "max_margin_multiplier": "4", "no_shorting": False}
            assert (await http.patch("/v2/account/configurations", json=settings)).status_code == 200
            assert (await http.delete("/v2/positions", params={"cancel_orders": "true"})).status_code == 207
            mine = f"good-{self._orders}"
            order = {"symbol": SYMBOL, "qty": "0.01", "side": "buy", "type": "market", "time_in_force": "gtc"}
            with trio.fail_after(ANSWER_WITHIN_S):
                async with AsyncExitStack() as stack:
                    urls = (f"{exchange.data_stream_url}/v1beta3/crypto/us", f"{exchange.trading_stream_url}/stream")
                    data, updates = [await stack.enter_async_context(open_websocket_url(url)) for url in urls]
                    assert b"connected" in _bytes(await data.get_message())
                    login = {"action": "auth", "key": exchange.key_id, "secret": exchange.secret}
                    for ws in (data, updates):
                        await ws.send_message(msgspec.json.encode(login).decode())
                        assert b"authorized" in (told := _bytes(await ws.get_message())) or b"authenticated" in told
                    await data.send_message(msgspec.json.encode({"action": "subscribe", "quotes": [SYMBOL]}).decode())
                    assert b"subscription" in _bytes(await data.get_message())
                    assert b'"q"' in _bytes(await data.get_message())
                    listen = {"action": "listen", "data": {"streams": ["trade_updates"]}}
                    await updates.send_message(msgspec.json.encode(listen).decode())
                    assert b"listening" in _bytes(await updates.get_message())
                    posted = await http.post("/v2/orders", json=order | {"client_order_id": mine})
                    assert posted.status_code == 200, posted.text
                    while (told := msgspec.json.decode(await updates.get_message())["data"])["event"] != "fill":
                        pass
                    assert told["order"]["client_order_id"] == mine
            await trio.sleep(1)


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message


TEXTS: Final = (
    "", " ", "null", "true", "NaN", "-Infinity", "0", "-0", "-1", "1", "1.5", "0.000000001", "1e308", "1e-400",
    "1e999999", "9" * 40, "9" * 5000, "0x10", "1_000", "\uff11\uff12", "½", "*", "/", "..", "../../etc/passwd", "%00",
    "%2e%2e%2f", "\x00", "\r\nX: y", "\ud800", "\U0001f680" * 300, "e\u0301" * 50, "\u202egnirts", "A" * 3000,
    "'; DROP TABLE orders;--", "{}", "[]", "SPY", "BTC/USD", "BTCUSD", "SPY260320C00600000", "2026-02-30",
    "0001-01-01", "9999-12-31T23:59:59.999999999Z", "2026-03-02T14:30:00Z", "2026-03-02T14:30:00.1234567890123Z",
    "1969-12-31T23:59:59Z", "00000000-0000-0000-0000-000000000000", "asc", "desc", "open", "1Min", "1000000Min",
    "0Day", "1Month", "P1D", "1D", "5Y", "us", "day", "gtc", "buy", "sell", "market", "limit", "trade_updates",
)  # fmt: skip
NUMBERS: Final = (
    0, -0.0, 1, -1, 1.5, 0.1, 1e-9, 1e308, -1e308, 5e-324, 2**31, 2**53 + 1, -(2**63), 2**64, 10**40, 10**400,
    math.nan, math.inf, -math.inf,
)  # fmt: skip


@define
class Oddities:
    """Values that programs trip over, from one case's dice."""

    dice: Random

    def text(self) -> str:
        """Most of it no text that was ever meant."""
        return self.dice.choice(TEXTS)

    def value(self, depth: int = 2) -> Any:
        """Anything that JSON (and Python's extension of it) can say."""
        kind = self.dice.randrange(8 if depth else 5)
        if kind <= 1:
            return self.text()
        if kind == 2:
            return self.dice.choice(NUMBERS)
        if kind <= 4:
            return self.dice.choice((None, True, False))
        if kind == 5:
            return [self.value(depth - 1) for _ in range(self.dice.randrange(4))]
        if kind == 6:
            return self.deep()
        return {self.text(): self.value(depth - 1) for _ in range(self.dice.randrange(4))}

    def deep(self) -> Any:
        """Something in something in something, deeper than a parser likes to go."""
        nested: Any = 1
        for _ in range(self.dice.choice((10, 200, 900))):
            nested = [nested]
        return nested

    def spoiled(self, good: Mapping[str, Any]) -> dict[str, Any]:
        """A request in which a few things are wrong: left out, of another kind, or never heard of."""
        asked = dict(good)
        for _ in range(self.dice.randrange(4)):
            name = self.dice.choice([*good, self.text()]) if good else self.text()
            if self.dice.random() < 0.25:
                asked.pop(name, None)
            else:
                asked[name] = self.value()
        return asked

    def json(self, value: Any) -> bytes:
        """As JSON, with the numbers that are none; at times with something wrong in its bytes."""
        wire = json.dumps(value, ensure_ascii=self.dice.random() < 0.5).encode("utf-8", "surrogatepass")
        return self.mangled(wire) if self.dice.random() < 0.1 else wire

    def mangled(self, wire: bytes) -> bytes:
        """Cut short, said twice, or with some bytes changed."""
        dice = self.dice
        if not wire or dice.random() < 0.2:
            return wire + wire
        if dice.random() < 0.4:
            return wire[: dice.randrange(len(wire))]
        spoiled = bytearray(wire)
        for _ in range(dice.randint(1, 6)):
            spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
        return bytes(spoiled)

    def noise(self, size_max: int = 300) -> bytes:
        """Bytes."""
        return self.dice.randbytes(self.dice.randrange(size_max))


@pytest.fixture
def oddities() -> type[Oddities]:
    """Makes odd values from dice: ``oddities(dice).text()``."""
    return Oddities


@pytest.fixture
def cases() -> Iterator[Cases]:
    """The dice of each case of a surface; where a test fails, its output ends with the case that it came to."""
    name = "none"

    def count(surface: str, share: float) -> Iterator[Random]:
        nonlocal name
        for number in range(math.ceil(CASES * share)):
            name = f"case {number} of {surface!r}, with GAPLESS_FUZZ_SEED={SEED}"
            yield Random(f"{SEED}/{surface}/{number}")

    yield count
    print("The last one was", name)


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    """A slow market, so that hours of waiting for deadlines are cheap; an account that can lose a lot."""
    terms = AccountTerms(cash=Decimal(10_000_000))
    return {"symbols": ("SPY", SYMBOL), "events_per_s": 2.0, "burst": False, "terms": terms, "seed": SEED}


@pytest.fixture
async def storm(exchange: SimulatedExchange, cases: Callable[[str, float], Iterator[Random]]) -> AsyncIterator[Storm]:
    """An exchange to be hostile to."""
    address = urlsplit(exchange.trading_url)
    caller = Caller(address.hostname or "", address.port or 0, exchange.headers)
    await trio.sleep(5)
    yield Storm(exchange, caller, cases, trio.lowlevel.current_statistics().tasks_living)
    await caller.close()
