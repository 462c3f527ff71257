"""Law: with the replay every update arrives at least once, whatever happens; without it every new connection is told.

A whole account stream against the exchange in memory: orders are filled all the while, and what the exchange says it
told is held against what was heard.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import trio
from attrs import define, field

from engine.errors import GaplessError, KeysRefused, SessionHeld
from engine.flow.account.stream import EVENTS, STREAM, AccountStream
from engine.flow.clock import MarketClock
from engine.model.control import Connected, Lost
from engine.model.order import OrderChange, OrderRequest, OrderType, Side, TimeInForce
from engine.ports import AccountMessage
from engine.testing.simulated import SimulatedExchange
from engine.venues.alpaca.account_events import AlpacaEvents
from engine.venues.alpaca.account_line import AlpacaAccountFeed
from engine.venues.alpaca.endpoints import Keys
from engine.venues.alpaca.rate import Throttle

KEY, SECRET = "PKCANARYCANARY", "canary-in-the-coal-mine"
BUY = OrderRequest(
    symbol="BTC/USD", side=Side.BUY, type=OrderType.MARKET, time_in_force=TimeInForce.GTC, qty=Decimal("0.01")
)
CHANGES = [OrderChange.PENDING_NEW, OrderChange.NEW, OrderChange.FILL]


@pytest.fixture
def exchange_options() -> dict[str, Any]:
    """A quiet market of one coin, and one pair of keys that is not to be seen anywhere."""
    return {"symbols": "BTC/USD", "events_per_s": 5.0, "burst": False, "seed": 3, "keys": frozenset({(KEY, SECRET)})}


@define(eq=False)
class Books:
    """Who listens: keeps all that is told, and the mark of the replay as a file would."""

    by_source: dict[str, list[AccountMessage]] = field(factory=lambda: {STREAM: [], EVENTS: []})
    connects: int = 0
    losses: list[GaplessError] = field(factory=list)
    mark: str = ""
    sentences: list[str] = field(factory=list)
    notices: list[Any] = field(factory=list)

    def hear(self, messages: Sequence[AccountMessage], source: str) -> None:
        self.by_source[source] += messages
        self.sentences += [message.doubt for message in messages if message.doubt]
        if source == EVENTS:
            self.mark = next((each.event_id for each in reversed(messages) if each.event_id), self.mark)

    def account_connected(self) -> None:
        self.connects += 1

    def account_lost(self, failure: GaplessError, retry_in_s: float) -> None:
        self.losses.append(failure)
        self.sentences.append(str(failure))

    def events_mark(self) -> str:
        return self.mark

    def ids(self, *sources: str) -> Counter[str]:
        """The ids of the updates that were heard, by these roads or by any."""
        messages = [message for source in sources or self.by_source for message in self.by_source[source]]
        return Counter(message.event_id for message in messages if message.update is not None)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that tells nobody, for at most a virtual quarter of an hour."""
    with trio.fail_after(900):
        await trio.lowlevel.checkpoint()
        while not condition():  # noqa: ASYNC110 - that is what it is for
            await trio.sleep(0.1)


@define(eq=False)
class Desk:
    """An exchange, an account stream on it, and its books."""

    exchange: SimulatedExchange
    stream: AccountStream
    books: Books

    def buy(self) -> None:
        """An order that is filled at once."""
        self.exchange.running.brokerage.submit(BUY)

    async def trade(self, seconds: int) -> None:
        """An order each second."""
        for _ in range(seconds):
            self.buy()
            await trio.sleep(1)

    @property
    def told(self) -> set[str]:
        """The ids of all that happened."""
        log = self.exchange.running.brokerage.updates
        return {update.event_id for update in log.read(log.start, log.end)}

    async def all_heard(self, *sources: str) -> None:
        """Wait until everything was heard, by these roads or by any."""
        await until(lambda: self.told <= set(self.books.ids(*sources)))

    def hits(self, kind: str) -> int:
        return int(self.exchange.summary()["faults"]["hits"].get(kind, 0))


@asynccontextmanager
async def running(exchange: SimulatedExchange, *, replay: bool = True, **keys: str) -> AsyncIterator[Desk]:
    """Listen to the account while the block runs."""
    books = Books()
    account = Keys(keys.get("key", KEY), keys.get("secret", SECRET))
    events = AlpacaEvents(
        trading_url=exchange.trading_url,
        keys=account,
        throttle=Throttle(),
        now_ns=exchange.now_ns,
        report=books.sentences.append,
    )
    feed = AlpacaAccountFeed(
        url=f"{exchange.trading_stream_url}/stream", keys=account, events=events if replay else None
    )
    stream = AccountStream(
        feed=feed,
        listener=books,
        clock=MarketClock(None, exchange.now_ns),
        random=Random(7),
        report=books.sentences.append,
        announce=books.notices.append,
    )
    failure: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.run)
            await trio.sleep(5)
            yield Desk(exchange, stream, books)
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        (failure,) = group.exceptions
    if failure is not None:
        raise failure
    assert not [each for each in books.sentences if SECRET in each or KEY in each]


async def test_both_roads_tell_the_same_in_the_same_order(exchange: SimulatedExchange) -> None:
    async with running(exchange) as desk:
        desk.buy()
        await trio.sleep(1)
        stream, events = (desk.books.by_source[road] for road in (STREAM, EVENTS))
        assert stream == events
        assert [message.update.change for message in stream if message.update] == CHANGES
        assert stream[-1].update is not None
        assert stream[-1].update.fill is not None
        assert stream[-1].update.fill.qty == Decimal("0.01")
        assert (desk.books.connects, desk.stream.state, desk.books.sentences) == (1, "listening", [])
    assert desk.stream.state == "stopped"


FAULTS = [
    {"kind": "cut", "line": "trading", "every": "9s"},
    {"kind": "cut_without_close", "line": "trading", "every": "9s"},
    {"kind": "mute", "line": "trading", "every": "25s"},
    {"kind": "half_open", "line": "trading", "for_": "60s"},
    {"kind": "drop_update", "p": 0.5},
    {"kind": "drop_update"},
    {"kind": "duplicate_update", "p": 0.5},
    {"kind": "delay_update", "p": 0.5, "lag": "3s"},
    {"kind": "swap_updates", "p": 0.5},
    {"kind": "null_update", "p": 0.5},
    {"kind": "unknown_update", "p": 0.5},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['kind']}-{len(fault)}")
async def test_with_the_replay_nothing_is_missed(exchange: SimulatedExchange, fault: dict[str, Any]) -> None:
    async with running(exchange) as desk:
        desk.exchange.fault(**fault)
        await desk.trade(40)
        assert desk.hits(fault["kind"])
        desk.exchange.calm()
        await desk.all_heard()
        await desk.all_heard(EVENTS)


@pytest.mark.parametrize("status", [429, 503])
async def test_what_happens_before_the_replay_is_first_served_is_replayed(
    exchange: SimulatedExchange, status: int
) -> None:
    exchange.fault("http_status", status=status, for_="20s", headers={"Retry-After": "3"})
    async with running(exchange) as desk:
        await desk.trade(10)
        assert not desk.books.by_source[EVENTS]
        assert f"HTTP {status}" in desk.books.sentences[0]
        await desk.all_heard(EVENTS)
        assert desk.books.connects == 1


async def test_keys_that_are_refused_end_it_with_a_hint_and_are_not_shown(exchange: SimulatedExchange) -> None:
    with pytest.raises(KeysRefused, match=r"unauthorized.*paper keys") as refused:
        async with running(exchange, key="PKWRONGWRONG", secret="another-canary"):
            pytest.fail("it must not run")
    assert "WRONG" not in str(refused.value)
    assert "canary" not in str(refused.value)


AWAY = [
    {"kind": "refuse", "line": "trading", "for_": "30s"},
    {"kind": "stall_handshake", "line": "trading", "next": 2},
    {"kind": "upgrade_status", "line": "trading", "status": 429, "next": 3},
    {"kind": "upgrade_status", "line": "trading", "status": 503, "next": 3, "headers": {"Retry-After": "2"}},
    {"kind": "ghost", "line": "trading", "for_": "90s"},
]


@pytest.mark.parametrize("replay", [True, False])
@pytest.mark.parametrize("fault", AWAY, ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}")
async def test_a_line_that_cannot_be_opened_for_a_while_is_opened_then_and_told(
    exchange: SimulatedExchange, fault: dict[str, Any], replay: bool
) -> None:
    async with running(exchange, replay=replay) as desk:
        desk.exchange.fault(**fault)
        desk.exchange.fault("cut_without_close", line="trading")
        await desk.trade(20)
        await until(lambda: desk.books.connects >= 2)
        assert desk.hits(fault["kind"])
        desk.buy()
        if replay:
            await desk.all_heard()
        else:
            await trio.sleep(1)
            assert desk.books.by_source[STREAM][-1].update is not None
        assert desk.books.losses


async def test_a_ghost_is_waited_out_and_called_what_it_is(exchange: SimulatedExchange) -> None:
    async with running(exchange, replay=False) as desk:
        began_s = trio.current_time()
        desk.exchange.fault("ghost", line="trading", for_="90s")
        desk.exchange.fault("cut_without_close", line="trading")
        await until(lambda: desk.books.connects >= 2)
        assert 89 <= trio.current_time() - began_s <= 150
        held = desk.books.losses[1:]
        assert held
        assert all(isinstance(failure, SessionHeld) for failure in held)
        assert "close the other program" in str(held[0])


async def test_a_mute_line_is_found_out_by_the_replay_and_opened_again(exchange: SimulatedExchange) -> None:
    async with running(exchange) as desk:
        await desk.trade(10)
        desk.exchange.fault("mute", line="trading")
        await desk.trade(30)
        assert desk.books.connects == 2
        assert "although the replay of events told" in str(desk.books.losses[0])
        await desk.all_heard()


async def test_a_lively_line_is_not_taken_for_mute(exchange: SimulatedExchange) -> None:
    async with running(exchange) as desk:
        for pause in (1, 11, 2, 30, 3):
            await desk.trade(pause)
            await trio.sleep(pause)
        assert desk.books.connects == 1


async def test_connects_and_losses_are_announced_in_pairs(exchange: SimulatedExchange) -> None:
    async with running(exchange, replay=False) as desk:
        desk.exchange.fault("cut", line="trading", every="10s")
        await desk.trade(35)
    kinds = [type(notice) for notice in desk.books.notices]
    assert kinds[:4] == [Connected, Lost, Connected, Lost]
    assert kinds.count(Connected) == desk.books.connects == desk.stream.connects >= 3


async def test_doubts_of_a_babbling_line_keep_what_they_told_of_orders(exchange: SimulatedExchange) -> None:
    async with running(exchange, replay=False) as desk:
        desk.exchange.fault("null_update")
        desk.exchange.fault("unknown_update")
        await desk.trade(5)
        heard = desk.books.by_source[STREAM]
        doubts = [message for message in heard if message.doubt]
        assert len(doubts) == 2 * len(desk.told)
        assert all(message.update is None for message in doubts)
        unknown = [message for message in doubts if message.orders]
        assert len(unknown) == len(desk.told)
        assert {message.event_id for message in unknown} == desk.told
        await desk.all_heard(STREAM)
