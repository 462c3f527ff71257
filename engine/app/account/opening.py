"""Opening the account's side and closing it: what depends on what, and what is waited for at the end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Final

import trio
from attrs import evolve

from engine.app.account.building import build_side
from engine.app.account.side import AccountSide
from engine.app.account.venue import Counter, find_counter, find_folder
from engine.app.options import RunOptions
from engine.app.wiring import Venue
from engine.errors import GaplessError
from engine.flow.account.heartbeat import end_heartbeat, serve_heartbeat
from engine.flow.account.killswitch import KillSwitch
from engine.flow.desk import Desk, DeskTuning
from engine.flow.markets import Markets
from engine.model.instant import NS_PER_S
from engine.ports.steps import Probe, ignore
from engine.store import Latches, SqliteStore, open_store
from engine.store.sqlite import RunSync
from engine.venues.shadow import MARK

SETTLE_S: Final = 10.0
"""How long the end of a session waits for the outcome of orders that are under way; what is open then is found again
at the next start. As long as the venue may take to answer one request."""
SESSION_CHARS_MAX: Final = 16
"""Of a session's name, which is part of every client order id."""


@asynccontextmanager
async def open_account_side(
    options: RunOptions,
    venue: Venue,
    markets: Markets,
    report: Callable[[str], None],
    on_failure: Callable[[GaplessError], None],
    *,
    run_sync: RunSync,
    probe: Probe = ignore,
) -> AsyncIterator[AccountSide]:
    """Open the account's side; ``on_failure`` is told what ends it for good while the block runs.

    Leaving waits, at most `SETTLE_S`, until the outcome of every order is known.
    """
    async with AsyncExitStack() as stack:
        counter = await find_counter(options, venue, report)
        folder = await stack.enter_async_context(find_folder(options, venue))
        now_ns = markets.clock.now_ns  # the market's, as in the file: by this machine's clock a made market's are old
        store = await stack.enter_async_context(open_store(folder, now_ns=now_ns, probe=probe, run_sync=run_sync))
        nursery = await stack.enter_async_context(trio.open_nursery())

        def on_trip(scope: str) -> None:
            nursery.start_soon(side.flatten, scope, options.on_kill == "flatten")  # noqa: ASYNC113 - called much later

        switch = KillSwitch(latches=Latches(folder, probe), on_trip=on_trip, now_ns=venue.wall_ns, report=report)
        side = _build_side(options, markets, counter, store, switch, report, probe)

        async def guard(task: Callable[[], Awaitable[object]]) -> None:
            try:
                await task()
            except GaplessError as failure:
                on_failure(failure)

        nursery.start_soon(counter.serve, markets)  # noqa: ASYNC113 - the nursery is open: the stack entered it
        nursery.start_soon(guard, side.desk.run)
        nursery.start_soon(guard, side.stream.run)
        nursery.start_soon(switch.run)
        nursery.start_soon(
            serve_heartbeat, folder, lambda: venue.wall_ns() / NS_PER_S, lambda: len(side.desk.blotter.open_tickets())
        )
        try:
            yield side
        finally:
            with trio.move_on_after(SETTLE_S, shield=True) as patience:
                await settle(side.desk)
            if patience.cancelled_caught:
                report(f"Orders whose outcome is not known after {SETTLE_S:g} s are asked for at the next start.")
            side.close()
            nursery.cancel_scope.cancel()
        end_heartbeat(folder)


def _build_side(
    options: RunOptions,
    markets: Markets,
    counter: Counter,
    store: SqliteStore,
    switch: KillSwitch,
    report: Callable[[str], None],
    probe: Probe,
) -> AccountSide:
    """Put together what decides and what sends, with what former runs left in the order file."""
    shadow = counter.shadow is not None
    remembered = store.remembered
    if shadow:
        remembered = evolve(remembered, session=f"{MARK}{remembered.session}"[:SESSION_CHARS_MAX])
    return build_side(
        markets=markets,
        broker=counter.broker,
        feed=counter.feed,
        store=store,
        remembered=remembered,
        switch=switch,
        limits=options.limits,
        strategy_limits=options.strategy_limits,
        random=Random(f"{options.exchange.seed}/account"),
        report=report,
        probe=probe,
        folder=store.folder,
        shadow=shadow,
        tuning=DeskTuning(reconcile_every_s=options.tuning.reconcile_every_s),
    )


async def settle(desk: Desk) -> None:
    """Wait until the outcome of every order is known, or will never be; the caller bounds it."""
    try:
        await desk.settle()
    except GaplessError:
        await trio.lowlevel.checkpoint()  # the desk ended before; what ended it has been told
