"""A whole session in one Trio loop: the real engine against the embedded exchange over loopback, on a virtual clock."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from attrs import define, evolve, field, frozen

from engine import Context, Gap, GaplessError, Kind, Stream, strategy
from engine.app.failures import known_cause
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions, Tuning
from engine.app.report import SessionReport
from engine.core.overflow import Full
from engine.exchange.faults import parse_faults
from engine.exchange.serve import ExchangeOptions, Running, open_exchange
from engine.model.control import ControlEvent
from engine.model.market import MarketEvent
from engine.ports import Strategy

CONTENT = {"received_ns", "origin", "seq", "venue_ns", "revision"}


def content(event: MarketEvent) -> tuple[object, ...]:
    """What the venue said: not how it reached us, and not what history says became of it later."""
    return tuple(getattr(event, name) for name in event.__struct_fields__ if name not in CONTENT)


@define
class Watcher:
    """A strategy that keeps all it was told."""

    streams: Sequence[Stream]
    full: Full = "block"
    events: list[MarketEvent] = field(factory=list)
    gaps: list[Gap] = field(factory=list)
    notices: list[ControlEvent] = field(factory=list)
    ended: bool = False
    """Whether it saw the end of its subscriptions, rather than being cut off."""

    def plug(self, name: str = "watcher") -> LoadedStrategy:
        @strategy()
        async def watch(ctx: Context) -> None:
            async with (
                ctx.streams(*self.streams, full=self.full, gaps=True) as events,
                ctx.lifecycle() as notices,
                ctx.merge(events, notices) as everything,
            ):
                async for item in everything:
                    self.take(item)
            self.ended = True

        return LoadedStrategy(watch, name=name)

    def take(self, item: Any) -> None:
        """Sort an item to its kind; an open gap comes twice, in line and as a notice."""
        if hasattr(item, "seq"):
            self.events.append(item)
        elif isinstance(item, Gap) and item not in self.gaps:
            self.gaps.append(item)
        elif not isinstance(item, Gap):
            self.notices.append(item)

    def of(self, stream: Stream) -> list[tuple[object, ...]]:
        """The contents of one stream's events, in the order in which they were told."""
        return [content(event) for event in self.events if (event.kind, event.symbol) == stream]


@frozen
class Outcome:
    """What a session was, on both sides of the line."""

    report: SessionReport
    exchange: Running

    def published(self, stream: Stream) -> list[tuple[object, ...]]:
        """What the exchange published of one stream."""
        return [content(event) for event in self.exchange.market.past.between(stream.kind, stream.symbol, 0, 1 << 62)]

    def owed(self, stream: Stream, told: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
        """What was published from the first event told on: a made market may begin a moment before its reader."""
        published = self.published(stream)
        began = published.index(told[0])
        assert began <= 5, f"{began} events of {stream} were missed before the first one told"
        return published[began:]


Hold = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def hold() -> Hold:
    """Run strategies against an exchange with a fault script for ``for_s`` seconds.

    ``session`` holds fields of `RunOptions`; what else is given are fields of the exchange's options.
    """

    async def run(
        *strategies: LoadedStrategy | Strategy,
        faults: str = "",
        for_s: float = 60.0,
        tuning: Tuning | None = None,
        encoding: Any = "msgpack",
        session: Mapping[str, Any] | None = None,
        **exchange: Any,
    ) -> Outcome:
        loaded = tuple(
            one if isinstance(one, LoadedStrategy) else LoadedStrategy(one, name=one.name) for one in strategies
        )
        options = ExchangeOptions(faults=parse_faults(faults), **exchange)
        async with open_exchange(options) as running:
            given = RunOptions(strategies=loaded, for_s=for_s, tuning=tuning or Tuning(), encoding=encoding)
            return Outcome(await run_live(evolve(given, **(session or {})), exchange=running), running)

    return run


@pytest.fixture
def doomed() -> Callable[[Awaitable[object]], Awaitable[GaplessError]]:
    """Wait for a session that has to end with one error of ours, which is returned."""

    async def wait(session: Awaitable[object]) -> GaplessError:
        try:
            await session
        except (GaplessError, BaseExceptionGroup) as error:
            known = known_cause(error)
            if known is None:
                raise
            return known
        pytest.fail("the session ended well, and it should not have")

    return wait


@pytest.fixture
def crypto() -> tuple[Stream, Stream]:
    """A market that is never closed."""
    return Stream(Kind.TRADES, "BTC/USD"), Stream(Kind.QUOTES, "BTC/USD")


@pytest.fixture
def watcher() -> type[Watcher]:
    """A strategy that keeps all it was told: ``watcher(streams).plug()``."""
    return Watcher
