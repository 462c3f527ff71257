"""What happened lately, kept for whoever looks: each control event and each fill as one line of text."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final

from engine.app.beside.engine import Engine
from engine.app.beside.overview import MomentRow
from engine.core.rules import plain
from engine.flow.notices import Notices
from engine.model.control import Alarm, Connected, ControlEvent, Gap, Halted, Lost, Resumed, Stale
from engine.model.instant import render_instant
from engine.model.order import Fill

NOTICES_MAX: Final = 1000
"""Control events that may wait for this part: a loss of a wildcard tells a gap for each of hundreds of symbols at
once, and of those the newest are enough."""


async def note_moments(engine: Engine) -> None:
    """Keep in ``engine.moments`` what happens, until the session stops."""
    notices = Notices(NOTICES_MAX)
    with ExitStack() as stack:
        engine.markets.listen(notices)
        stack.callback(engine.markets.unlisten, notices)
        for run in engine.session.runs if engine.account is not None else ():
            stack.callback(_note_fills(engine, run.name))
        async for notice in notices:
            engine.moments.append(moment_of(notice))


def _note_fills(engine: Engine, strategy: str) -> Callable[[], None]:
    """Keep the fills of a strategy; returns what ends that."""
    assert engine.account is not None, "there are fills only where there is an account"

    def put(fill: Fill, strategy: str) -> None:
        engine.moments.append(moment_of_fill(fill, strategy))

    return engine.account.desk.listen_fills(strategy, partial(put, strategy=strategy))


def moment_of(event: ControlEvent) -> MomentRow:
    """A control event as a line: what, where (a feed, a stream or a strategy), and the rest in words."""
    what, where, text = _words(event)
    return MomentRow(at=render_instant(event.at_ns), at_ns=event.at_ns, what=what, where=where, text=text)


def moment_of_fill(fill: Fill, strategy: str) -> MomentRow:
    """An execution of a strategy's order as a line."""
    text = f"{fill.side.value} {plain(fill.qty)} {fill.symbol} at {plain(fill.price)}"
    return MomentRow(at=render_instant(fill.ts_ns), at_ns=fill.ts_ns, what="fill", where=strategy, text=text)


def _words(event: ControlEvent) -> tuple[str, str, str]:
    match event:
        case Connected(feed=feed):
            return "connected", feed, "the line is open and subscribed"
        case Lost(feed=feed):
            return "lost", feed, f"{event.reason} Trying again in {event.retry_in_s:.1f} s."
        case Gap(feed=feed):
            return "gap", f"{feed} {event.stream}", _gap_words(event)
        case Resumed(feed=feed):
            missing = f"{event.gaps} gaps left" if event.gaps else "nothing missing"
            return "resumed", feed, f"after {event.outage_s:.1f} s, {event.backfilled} events recovered, {missing}"
        case Stale(feed=feed):
            return "stale", feed, f"nothing for {event.silent_s:.1f} s"
        case Halted(strategy=strategy):
            return "halted", strategy, event.reason
        case Alarm(feed=feed):
            return "alarm", feed, event.message


def _gap_words(gap: Gap) -> str:
    missing = "events" if gap.count is None else f"{gap.count} events"
    bounds = f"from {render_instant(gap.start_ns)} to {render_instant(gap.end_ns)}"
    return f"{missing} missing ({gap.cause}) {bounds}, {gap.recovered} recovered"
