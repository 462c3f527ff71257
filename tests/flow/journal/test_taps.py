"""What was taken is told exactly, and no more than was looked at."""

import pytest
import trio

from engine.core.overflow import Full, Overflow
from engine.errors import ChannelOverflow
from engine.flow.channel import Channel
from engine.flow.journal.taps import tap_channel
from engine.model.control import Gap
from engine.model.market import Kind, Trade
from engine.model.stream import Stream

TRADES = Stream(Kind.TRADES, "SPY")


class Silent:
    dirty = False

    def flush(self) -> None: ...


def channel(full: Full = "block", *, gaps: bool = True) -> Channel:
    return Channel(
        strategy="one",
        name="trades",
        streams=frozenset({TRADES}),
        feeds=frozenset({"iex"}),
        queue=Overflow(full, 10, feed="iex"),
        gaps=gaps,
        on_handed=lambda _: None,
        on_gap=lambda _: None,
    )


def trades(*numbers: int) -> list[Trade]:
    return [Trade("SPY", seq, 1.0, 1.0, seq=seq) for seq in numbers]


async def test_only_what_was_looked_at_counts() -> None:
    subscription = channel()
    tap = tap_channel(subscription, 1, Silent())
    subscription.put(trades(1, 2, 3), 0)
    await subscription.__anext__()
    await subscription.__anext__()
    assert tap.take() == (2, ())
    assert tap.take() is None
    await subscription.__anext__()
    assert tap.take() == (1, ())


async def test_what_an_overflow_takes_out_of_a_hand_was_not_looked_at() -> None:
    subscription = channel("fail")
    tap = tap_channel(subscription, 1, Silent())
    subscription.put(trades(1, 2, 3), 0)
    await subscription.__anext__()
    subscription.put(trades(*range(4, 20)), 0)
    with pytest.raises(ChannelOverflow):
        await subscription.__anext__()
    taken = tap.take()
    assert taken is not None
    assert taken[0] == 1


async def test_a_gap_and_a_warm_up_row_are_told_in_their_place() -> None:
    subscription = channel()
    tap = tap_channel(subscription, 1, Silent())
    subscription.put(trades(1), 0)
    subscription.put_gap(Gap("iex", TRADES, 1, 2, cause="no_history", at_ns=3))
    subscription.put(trades(2), 0)
    subscription.queue.prefill(trades(0))
    for _ in range(4):
        await subscription.__anext__()
    taken = tap.take()
    assert taken is not None
    count, (warm, first, gap, second) = taken
    assert (count, first, second) == (4, '{"next":1}', '{"next":1}')
    assert '"Trade"' in warm
    assert '"no_history"' in gap


async def test_what_was_taken_in_one_piece_is_told_so() -> None:
    subscription = channel()
    tap = tap_channel(subscription, 1, Silent())
    subscription.put(trades(1, 2, 3), 0)
    await subscription.__anext__()
    await subscription.batch()
    assert tap.take() == (3, ('{"next":1}', '{"batch":[{"next":2}]}'))


async def test_of_a_subscription_that_lets_go_the_numbers_are_told_and_then_its_end() -> None:
    subscription = channel("latest")
    tap = tap_channel(subscription, 1, Silent())
    subscription.put(trades(1, 2, 3), 0)
    await subscription.__anext__()
    subscription.close()
    with pytest.raises(StopAsyncIteration):
        await subscription.__anext__()
    await trio.lowlevel.checkpoint()
    assert tap.take() == (1, ('{"seq":3}', '{"end":null}'))
