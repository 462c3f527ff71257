"""Events over SSE: history from where was asked, then the present, to the end that was asked; slow readers are told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field

from engine.exchange.rest.desks.events import BEHIND_MAX, QUIET_S
from engine.model.order import OrderUpdate

PATH = "/v2/events/trades"


@define
class Reader:
    """What one reader was sent; ``gate`` closed: it takes nothing."""

    text: str = ""
    gate: trio.Event = field(factory=trio.Event)
    ended: bool = False

    async def send(self, chunk: bytes) -> None:
        await self.gate.wait()
        self.text += chunk.decode()

    @property
    def told(self) -> list[Any]:
        return [json.loads(line[6:]) for line in self.text.splitlines() if line.startswith("data: ")]

    @property
    def comments(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.startswith(":")]

    async def run(self, stream: Any) -> None:
        await stream(self.send)
        self.ended = True


@asynccontextmanager
async def reading(counter: Any, path: str = PATH, *, slow: bool = False, **query: str) -> AsyncIterator[Reader]:
    """Read while the block runs."""
    response = await counter.reply("GET", path, **query)
    assert response.status == 200
    reader = Reader()
    if not slow:
        reader.gate.set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader.run, response.stream)
        await trio.testing.wait_all_tasks_blocked()
        yield reader
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def test_without_a_since_only_the_present_is_told(counter: Any) -> None:
    await counter.order(client_order_id="before")
    async with reading(counter) as reader:
        assert reader.told == []
        await counter.order(client_order_id="after")
    assert [told["event"] for told in reader.told] == ["pending_new", "new", "fill"]
    assert {told["order"]["client_order_id"] for told in reader.told} == {"after"}
    assert not reader.ended


async def test_history_is_told_from_an_instant_or_from_behind_an_id(counter: Any) -> None:
    await counter.order()
    async with reading(counter, since="2026-03-01") as everything:
        pass
    assert [told["event"] for told in everything.told] == ["pending_new", "new", "fill"]
    async with reading(counter, since_id=everything.told[0]["event_id"]) as rest:
        pass
    assert rest.told == everything.told[1:]
    async with reading(counter, since_id=everything.told[0]["event_id"], until_id=rest.told[0]["event_id"]) as one:
        pass
    assert one.told == rest.told[:1]
    assert one.ended


async def test_a_reader_with_an_until_ends_when_it_has_come(counter: Any) -> None:
    await counter.order()
    async with reading(counter, since="2026-03-02", until="2026-03-02T14:30:05Z") as reader:
        assert not reader.ended
        await counter.pass_quotes(12)
        await trio.testing.wait_all_tasks_blocked()
        assert reader.ended
        await counter.order()
    assert len(reader.told) == 3
    async with reading(counter, since="2026-03-02", until="2026-03-02T14:30:01Z") as past:
        assert past.ended


async def test_activities_are_told_too(counter: Any) -> None:
    await counter.order()
    async with reading(counter, "/v2beta1/events/activities", since="2026-03-01") as reader:
        pass
    fill, fee = reader.told
    assert (fill["activity_type"], fill["qty"], fill["net_amount"], fill["settle_date"]) == (
        "TRD",
        "10",
        "-1000.2",
        "2026-03-03",
    )
    assert (fee["activity_type"], fee["event_id"] > fill["event_id"]) == ("FEE", True)
    async with reading(counter, "/v2beta1/events/activities", since_id=fill["event_id"]) as rest:
        pass
    assert rest.told == [fee]


async def test_a_reader_that_falls_behind_is_told_how_much_it_lost(counter: Any) -> None:
    async with reading(counter, slow=True) as reader:
        update = await one_update(counter)
        for _ in range(BEHIND_MAX + 1):
            counter.brokerage.updates.add(update)
        reader.gate.set()
    assert reader.told == []
    assert reader.comments[-1] == f": you are reading too slowly, dropped {BEHIND_MAX + 4} messages"


async def one_update(counter: Any) -> OrderUpdate:
    await counter.order()
    (update,) = counter.brokerage.updates.read(0, 1)
    assert isinstance(update, OrderUpdate)
    return update


async def test_silence_is_broken_by_comments(counter: Any, autojump_clock: trio.testing.MockClock) -> None:
    async with reading(counter) as reader:
        await trio.sleep(2 * QUIET_S + 1)
    assert reader.comments.count(": heartbeat") == 2


@pytest.mark.parametrize(
    "query",
    [
        {"until": "2026-03-02"},
        {"until_id": "01A"},
        {"since": "2026-03-01", "since_id": "01A"},
        {"since": "2026-03-01", "until_id": "01A"},
        {"since": "yesterday"},
    ],
)
async def test_a_span_that_is_none_is_a_400(counter: Any, query: dict[str, str]) -> None:
    told = await counter.ask("GET", PATH, **query)
    assert (counter.status, told["code"]) == (400, 40010000)
