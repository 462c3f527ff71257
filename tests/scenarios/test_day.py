"""A day in half a minute: 24 simulated hours under Trio's mock clock with a cut every ten minutes lose nothing, and
what the engine keeps does not grow.

Nothing is kept here either: what is published waits in a ledger until the strategy is told the same, in the same order.
"""

import gc
import sys
from collections import deque
from collections.abc import Sequence

import pytest
import trio
from attrs import define, field

from engine import Context, Gap, Kind, MarketEvent, Stream, strategy
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions, Tuning
from engine.exchange.faults import parse_faults
from engine.exchange.serve import ExchangeOptions, open_exchange

HOUR_S = 3600
KINDS = ("cut", "cut_without_close", "truncated_frame", "half_open", "mute")
STREAMS = (Stream(Kind.TRADES, "BTC/USD"), Stream(Kind.QUOTES, "BTC/USD"))
# A cut every ten minutes of the day, of five kinds in turn.
SCRIPT = "".join(
    f'[[fault]]\nkind = "{KINDS[place % len(KINDS)]}"\nat = "{place // 6:02}:{place % 6}5:00"\n' for place in range(144)
)
# Fewer pings than usual only make the day shorter to simulate.
TUNING = Tuning(ping_every_s=60.0)
CONTENT = {"received_ns", "origin", "seq", "venue_ns", "revision"}


def content(event: MarketEvent) -> tuple[object, ...]:
    """What the venue said of an event."""
    return tuple(getattr(event, name) for name in event.__struct_fields__ if name not in CONTENT)


@define(eq=False)
class Ledger:
    """A sink of the market beside the lines, which no fault can touch: what was published and is not told yet."""

    owed: dict[Stream, deque[tuple[object, ...]]] = field(factory=lambda: {stream: deque() for stream in STREAMS})
    begun: set[Stream] = field(factory=set)
    settled: int = 0
    most_owed: int = 0
    reading: bool = field(default=False, init=False)  # the market does not wait for it

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        """Owe these events."""
        for event in events:
            stream = Stream(event.kind, event.symbol)
            if stream in self.owed:
                self.owed[stream].append(content(event))
                self.most_owed = max(self.most_owed, len(self.owed[stream]))

    def tell(self, event: MarketEvent) -> None:
        """Settle the oldest event of a stream: it has to be this one."""
        stream = Stream(event.kind, event.symbol)
        owed, told = self.owed[stream], content(event)
        if stream not in self.begun:  # a made market may begin a moment before its reader
            self.begun.add(stream)
            while owed[0] != told:
                owed.popleft()
        assert owed.popleft() == told
        self.settled += 1

    async def ready(self) -> None:
        """Never asked, because it is never `reading`."""

    def flushed(self) -> bool:
        """It holds nothing back."""
        return True


@pytest.mark.slow
async def test_a_day_with_a_cut_every_ten_minutes_loses_nothing_and_keeps_nothing(
    autojump_clock: trio.abc.Clock,
) -> None:
    ledger = Ledger()
    blocks: list[int] = []
    gaps: list[Gap] = []

    @strategy()
    async def settle(ctx: Context) -> None:
        async with ctx.streams(*STREAMS, gaps=True) as events:
            async for event in events:
                if isinstance(event, Gap):
                    gaps.append(event)
                else:
                    ledger.tell(event)

    @strategy()
    async def weigh(ctx: Context) -> None:
        async with ctx.every(HOUR_S) as hours:
            async for _ in hours:
                gc.collect()
                blocks.append(sys.getallocatedblocks())

    exchange = ExchangeOptions(symbols=("BTC/USD",), events_per_s=0.5, faults=parse_faults(SCRIPT))
    async with open_exchange(exchange) as running:
        running.market.past.rows_max = 2000
        running.market.attach(ledger)
        plugged = tuple(LoadedStrategy(one, name=one.name) for one in (settle, weigh))
        report = await run_live(RunOptions(plugged, for_s=24 * HOUR_S, tuning=TUNING), exchange=running)
    (feed,) = report.feeds
    assert report.duration_s >= 24 * HOUR_S
    assert feed.restarts == 144
    assert sum(running.plan.hits[kind] for kind in KINDS) == 144
    assert not gaps
    assert report.conservation.holds
    assert ledger.settled > 30_000
    assert ledger.most_owed < 100, "told within minutes, also after the slowest kind of cut"
    assert sum(map(len, ledger.owed.values())) < 10, "all of it was told"
    check_flat(blocks)


def check_flat(blocks: Sequence[int]) -> None:
    """What is allocated, hour by hour. It fills up at first: each stream remembers its last 4096 events to know a
    repeat, which takes hours at this pace. From then on only the list of mended holes grows, which is bounded."""
    assert len(blocks) >= 23
    assert blocks[-1] < 1.25 * blocks[1]
    assert blocks[-1] < 1.03 * blocks[11]
