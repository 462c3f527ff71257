"""The feeds of a session: what a strategy may go by, and until when."""

from typing import NoReturn

import trio

from engine.flow.clock import MarketClock
from engine.flow.markets import Markets
from engine.flow.tuning import StreamTuning


def never(*_: object) -> NoReturn:
    raise AssertionError("no feed is asked for")


async def test_once_the_feeds_have_ended_nobody_sees_the_market() -> None:
    """A strategy on its way out has no subscriptions left: by those alone, an entry of its would be let through."""
    markets = Markets(
        clock=MarketClock(None, lambda: 0), feed_of=never, make_feed=never, tuning=StreamTuning(), seed=1, say=never,
        report=never, on_failure=never,
    )  # fmt: skip
    async with trio.open_nursery() as nursery:
        await nursery.start(markets.run)
        assert not markets.not_live("anybody")
        nursery.cancel_scope.cancel()
    assert markets.not_live("anybody") == "the session is ending, and with it the market's events"
