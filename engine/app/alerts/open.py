"""Alerts put together around a session: the outermost thing beside it, so that also its end is told."""

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import trio

from engine.app.alerts.channels import Channel
from engine.app.alerts.findings import SAID, listen, tell_ending, tell_events, tell_left, watch_killswitch
from engine.app.alerts.live import LiveAlarms
from engine.app.alerts.outbox import Send
from engine.app.alerts.post import Post
from engine.app.alerts.sender import Sender
from engine.app.beside.attach import keep_apart
from engine.app.beside.engine import Engine
from engine.app.config.alerts import AlertSettings
from engine.core.alerts import Book


@asynccontextmanager
async def open_alerts(
    engine: Engine,
    settings: AlertSettings,
    channels: Sequence[Channel] = (),
    *,
    redact: Callable[[str], str] = str,
    send: Send | None = None,
) -> AsyncIterator[Sender]:
    """Give the engine its alarms, and send what they come to for as long as the block lasts.

    ``send``: how a notice is sent, in place of apprise. What leaves the block is told before it goes on: a session that
    ended by an error, and then at most five seconds for notices that are still on their way.
    """
    alarms = LiveAlarms(
        book=Book(settings.policy()), wall_ns=engine.venue.wall_ns, redact=redact, zone=settings.zone(), said=SAID
    )
    engine.alarms = alarms
    sender = Sender(alarms, channels, send or Post(title_of(engine)), well=lambda: well(engine))
    notices = listen(engine)

    async def send_notices(_: Engine) -> None:
        await sender.run()

    async def hear(_: Engine) -> None:
        await tell_events(engine, notices)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_apart, "alerts", send_notices, engine)
        nursery.start_soon(keep_apart, "alerts: events", hear, engine)
        nursery.start_soon(keep_apart, "alerts: kill switch", watch_killswitch, engine)
        error: BaseException | None = None
        try:
            yield sender
        except (Exception, BaseExceptionGroup) as raised:
            error = raised
            raise
        finally:
            engine.markets.unlisten(notices)
            tell_left(engine, notices)
            tell_ending(engine, _without_cancels(error))
            await sender.close()  # noqa: ASYNC102 - shielded and bounded inside
            nursery.cancel_scope.cancel()


def _without_cancels(error: BaseException | None) -> BaseException | None:
    """What went wrong; a cancel did not."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(trio.Cancelled)[1]
    return error


def title_of(engine: Engine) -> str:
    """Which engine it is that speaks: the machine, and what it runs."""
    names = ", ".join(run.name for run in engine.session.runs)
    return f"gapless on {socket.gethostname()}" + (f" ({names})" if names else "")


def well(engine: Engine) -> str:
    """How the engine is, in a line for the heartbeat."""
    report = engine.figures()
    feeds = ", ".join(f"{row.feed} {row.state}" for row in report.feeds) or "no feed"
    strategies = ", ".join(f"{row.name} {row.state}" for row in report.strategies) or "no strategy"
    return f"Up for {report.duration_s / 3600:.1f} h; feeds: {feeds}; strategies: {strategies}."
