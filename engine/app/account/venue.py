"""Where a session's orders go (to the venue, or in shadow to a matching engine here), and where they are kept."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

from engine.app.kill.place import read_account_number
from engine.app.options import RunOptions
from engine.app.wiring import Venue
from engine.core.matching.models import MODELS
from engine.core.overflow import Overflow
from engine.flow.markets import Markets
from engine.model.market import Kind
from engine.ports import AccountFeed, Broker
from engine.store import state_folder
from engine.venues.alpaca.account_events import AlpacaEvents
from engine.venues.alpaca.account_line import AlpacaAccountFeed
from engine.venues.alpaca.broker import AlpacaBroker
from engine.venues.shadow import MARK, ShadowVenue

_SEES: Final = (Kind.TRADES, Kind.QUOTES, Kind.BARS, Kind.STATUSES)
"""What orders of a shadow session are matched against, as far as strategies subscribe to it."""
_SEEN_MAX: Final = 100_000
"""Events that may wait to be matched: seconds of a whole market. Beyond it the oldest are dropped: only a model."""


@frozen(kw_only=True)
class Counter:
    """Where orders are handed in and where their news come from. ``shadow`` is set where none is really sent."""

    broker: Broker
    feed: AccountFeed
    shadow: ShadowVenue | None = None

    async def serve(self, markets: Markets) -> None:
        """Keep a shadow's market moving; there is nothing to do for a real venue."""
        if self.shadow is None:
            await trio.lowlevel.checkpoint()
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.shadow.run)
            await _match(self.shadow, markets)


async def find_counter(options: RunOptions, venue: Venue, report: Callable[[str], None]) -> Counter:
    """The counter of these options. Raises `BrokerUnavailable` where a shadow finds no account to copy."""
    truth = AlpacaBroker(venue.trading, venue.trading_throttle, report)
    if options.shadow:
        shadow = ShadowVenue(truth=truth, clock=venue.clock, model=MODELS["touch"], seed=options.exchange.seed)
        await shadow.open()
        report(f"SHADOW session: orders are matched here ({shadow.model.describe()}) and none is sent.")
        return Counter(broker=shadow, feed=shadow, shadow=shadow)
    events = AlpacaEvents(
        trading_url=venue.endpoints.trading_url,
        keys=venue.keys,
        throttle=venue.trading_throttle,
        now_ns=venue.clock.now_ns,
        report=report,
    )
    feed = AlpacaAccountFeed(
        url=venue.account_url,
        keys=venue.keys,
        events=events,
        environment=venue.endpoints.environment,
        settings=venue.line_settings,
    )
    return Counter(broker=truth, feed=feed)


@asynccontextmanager
async def find_folder(options: RunOptions, venue: Venue) -> AsyncIterator[Path]:
    """The folder of the order file. A shadow, and an exchange that ends with this session, begin anew each time."""
    if options.shadow or (options.state is None and venue.own_exchange):
        with tempfile.TemporaryDirectory(prefix="gapless-") as folder:
            yield Path(folder)
    elif options.state is not None:
        yield options.state
    else:
        yield state_folder(options.venue, await read_account_number(venue.trading), None, os.environ)


async def _match(shadow: ShadowVenue, markets: Markets) -> None:
    """Show the shadow what strategies are told, and ask for nothing more."""
    channel = markets.overhear(MARK, _SEES, Overflow("drop_oldest", _SEEN_MAX))
    with suppress(StopAsyncIteration):  # the session's data has ended; what strategies leave behind is still matched
        while True:
            for event in await channel.batch():
                shadow.take(event)
    await shadow.stand()
