"""The law of a subscription: what it declares is what happens, and what it waits for wakes it."""

import pytest
import trio
from msgspec.structs import replace
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from engine.core.overflow import Full, Overflow
from engine.errors import ChannelOverflow
from engine.flow.channel import Channel
from engine.flow.fanout import Fanout
from engine.flow.merge import Merge
from engine.flow.notices import Notices
from engine.model.control import Gap
from engine.model.market import Kind, Quote, Trade
from engine.model.stream import ANY, Stream

TRADES = Stream(Kind.TRADES, "A")
QUOTES = Stream(Kind.QUOTES, "A")


def trade(number: int, symbol: str = "A") -> Trade:
    return Trade(symbol, number, 10.0, 1.0, number)


def quote(number: int) -> Quote:
    return Quote("A", number, 9.0, 1.0, 10.0, 1.0)


def channel(*streams: Stream, full: Full = "block", capacity: int = 100, gaps: bool = False) -> Channel:
    told: list[Gap] = []
    return Channel(
        strategy="test",
        name="test",
        streams=frozenset(streams or [TRADES]),
        feeds=frozenset(["iex"]),
        queue=Overflow(full, capacity),
        gaps=gaps,
        on_handed=lambda _: None,
        on_gap=told.append,
    )


def ids(events: list[Trade]) -> list[int | None]:
    return [event.id for event in events]


async def test_events_come_out_in_order_and_the_end_ends_the_iteration() -> None:
    pipe = channel()
    pipe.put([trade(1), trade(2)], 0)
    pipe.put([trade(3)], 0)
    pipe.close()
    assert ids([event async for event in pipe]) == [1, 2, 3]


async def test_a_waiting_strategy_is_woken_and_taking_is_a_checkpoint() -> None:
    pipe = channel()
    seen: list[int | None] = []

    async def read() -> None:
        async for event in pipe:
            seen.append(event.id)  # noqa: PERF401 - each at once, not all at the end

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        pipe.put([trade(1)], 0)
        await wait_all_tasks_blocked()
        assert seen == [1]
        pipe.close()
    pipe = channel()
    pipe.put([trade(1), trade(2)], 0)
    with assert_checkpoints():
        await pipe.batch()


async def test_a_cancelled_wait_loses_nothing() -> None:
    pipe = channel()
    with trio.move_on_after(0):
        await pipe.batch()
    pipe.put([trade(1)], 0)
    assert ids(list(await pipe.batch())) == [1]


async def test_a_full_block_channel_holds_up_its_feed_until_there_is_room() -> None:
    fanout, pipe = Fanout(), channel(capacity=2)
    fanout.attach(pipe)
    fanout.publish([trade(number) for number in range(5)], 0)
    passed = trio.Event()

    async def feed() -> None:
        await fanout.room("iex")
        passed.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        await wait_all_tasks_blocked()
        assert not passed.is_set()
        await fanout.room("crypto")
        assert ids(list(await pipe.batch())) == [0, 1, 2, 3, 4]
        await passed.wait()


async def test_a_full_fail_channel_ends_its_strategy_with_a_sentence_and_no_other() -> None:
    fanout, strict, other = Fanout(), channel(full="fail", capacity=1), channel()
    fanout.attach(strict)
    fanout.attach(other)
    fanout.publish([trade(1), trade(2)], 0)
    with pytest.raises(ChannelOverflow, match="more than 1 events"):
        await anext(strict)
    fanout.publish([trade(3)], 0)
    assert ids(list(await other.batch())) == [1, 2, 3]
    assert strict.queue.balanced
    assert fanout.rows(strict)[TRADES].received == strict.queue.put_count == 2


async def test_a_slow_reader_that_drops_never_holds_old_events_in_its_hand() -> None:
    pipe = channel(full="drop_oldest", capacity=2)
    pipe.put([trade(1), trade(2)], 0)
    assert (await anext(pipe)).id == 1
    pipe.put([trade(3), trade(4), trade(5)], 0)
    assert (await anext(pipe)).id == 4


async def test_a_gap_comes_in_line_only_to_those_who_ask() -> None:
    fanout, plain, asking = Fanout(), channel(), channel(gaps=True)
    fanout.attach(plain)
    fanout.attach(asking)
    gap = Gap("iex", TRADES, 1, 2, cause="history_lags", at_ns=2)
    fanout.publish([trade(1)], 0)
    fanout.publish_gap(gap)
    fanout.publish([trade(2)], 0)
    assert ids(list(await plain.batch())) == [1, 2]
    assert [type(item) for item in await asking.batch()] == [Trade, Gap, Trade]


async def test_what_a_strategy_left_unread_stays_queued() -> None:
    pipe = channel()
    pipe.put([trade(number) for number in range(5)], 0)
    await anext(pipe)
    assert (pipe.delivered, pipe.queued()[TRADES]) == (1, 4)
    pipe.abandon()
    assert (pipe.delivered, pipe.queue.dropped.total(), pipe.queued()[TRADES]) == (1, 0, 4)
    assert pipe.queue.balanced


async def test_a_route_counts_what_each_channel_was_owed_from_when_it_joined() -> None:
    fanout, early, late = Fanout(), channel(), channel()
    fanout.attach(early)
    fanout.publish([trade(1)], 0)
    fanout.attach(late)
    fanout.publish([replace(trade(2), origin="backfill")], 0)
    fanout.detach(early)
    fanout.publish([trade(3)], 0)
    rows = {pipe: fanout.rows(pipe)[TRADES] for pipe in (early, late)}
    assert [(row.received, row.backfilled) for row in rows.values()] == [(1, 1), (1, 1)]
    assert fanout.wanted() == {TRADES}


async def test_a_wildcard_gets_every_symbol_of_its_kind_once() -> None:
    fanout, pipe = Fanout(), channel(Stream(Kind.TRADES, ANY), TRADES)
    fanout.publish([trade(0, "B")], 0)
    fanout.attach(pipe)
    fanout.publish([trade(1, "A"), trade(2, "B"), trade(3, "C"), quote(4)], 0)
    assert ids(list(await pipe.batch())) == [1, 2, 3]


async def test_a_merge_follows_the_journal_and_notices_come_first() -> None:
    fanout, trades, quotes, notices = Fanout(), channel(TRADES), channel(QUOTES), Notices(10)
    fanout.attach(trades)
    fanout.attach(quotes)
    merge = Merge([quotes, trades, notices])
    fanout.publish([trade(1), quote(2), trade(3)], 0)
    notices.put("notice")
    fanout.publish([quote(4)], 0)
    for pipe in (trades, quotes, notices):
        pipe.close()
    assert [getattr(item, "ts_ns", item) async for item in merge] == ["notice", 1, 2, 3, 4]


async def test_notices_are_bounded_and_count_what_they_drop() -> None:
    notices = Notices(2)
    for number in range(5):
        notices.put(number)
    assert await notices.batch() == [3, 4]
    assert notices.dropped == 3


async def test_two_tasks_that_take_from_one_channel_leave_each_other_nothing_untold() -> None:
    pipe, seen = channel(), list[int | None]()

    async def take_one_and_rest(rest: trio.Event) -> None:
        async for event in pipe:
            seen.append(event.id)
            await rest.wait()

    async with trio.open_nursery() as nursery:
        rest = trio.Event()
        nursery.start_soon(take_one_and_rest, rest)
        nursery.start_soon(take_one_and_rest, rest)
        await wait_all_tasks_blocked()
        pipe.put([trade(1), trade(2), trade(3)], 0)  # wakes both: one has three in hand, and the other the next
        await wait_all_tasks_blocked()
        pipe.put([trade(4)], 0)
        await wait_all_tasks_blocked()
        rest.set()
        pipe.close()
    assert seen == [1, 2, 3, 4]
    assert pipe.delivered == 4
