"""Reading the signs of a running engine: which task did what last. In Trio's thread, in one step, once a second.

What is looked at are the engine's own marks, not messages for this purpose: a mark that was set only to be looked at
would prove that the setting of marks works.
"""

from collections.abc import Iterator
from typing import Final

import trio
from attrs import define, field

from engine.app.account import AccountSide
from engine.app.beside.engine import Engine
from engine.core.health.verdict import Movement, Progress, Sign
from engine.flow.markets import NOBODY
from engine.store.session import Recording
from engine.store.sqlite import SqliteStore

LINE_WITHIN_S: Final = 300.0
"""For a line that is not there: an attempt takes 10 s, the pause between two 30 s at most, the ghost of our own session
90 s, and a long backfill shows itself by its rows. In five minutes one of them has happened, or nothing works."""
STUCK_WITHIN_S: Final = 60.0
"""For a strategy that takes nothing from a channel that is full and holds up its feed. The feed says so after 5 s."""
ROUND_WITHIN_S: Final = 300.0
"""For one comparison of the books, beside the pause between two: a dozen requests, each of which is bounded."""
DISK_WITHIN_S: Final = 30.0
"""For what waits to be written. A disk that sleeps or is busy takes seconds."""
TICK_WITHIN_S: Final = 60.0
"""For the parts beside a session: the slowest goes round each ten seconds."""


@define(eq=False)
class SignReader:
    """Reads the signs of one engine again and again, and knows since when what it sees has not changed."""

    engine: Engine
    _movement: Movement = field(factory=Movement)

    def read(self) -> Progress:
        """The signs of this moment."""
        now_s = trio.current_time()
        signs = tuple(self._signs(now_s))
        self._movement.end_round()
        return Progress(at_s=now_s, signs=signs, missing=tuple(self._missing()))

    # -- does it get on

    def _signs(self, now_s: float) -> Iterator[Sign]:
        yield from self._feeds(now_s)
        yield from self._strategies(now_s)
        if self.engine.account is not None:
            yield from self._account(self.engine.account, now_s)
        journal = self.engine.markets.fanout.journal
        if isinstance(journal, Recording) and journal.flushed_s is not None and not journal.failure:
            yield Sign(task="recording", at_s=journal.flushed_s, within_s=DISK_WITHIN_S, doing="writing")
        for part, at_s in self.engine.ticks.items():
            yield Sign(task=part, at_s=at_s, within_s=TICK_WITHIN_S, doing="running")

    def _feeds(self, now_s: float) -> Iterator[Sign]:
        """A feed that is live looks after itself: its silence is asked about. One that is not has to try."""
        for name, stream in self.engine.markets.streams.items():
            if stream.state in ("live", "starting", "stopped"):
                continue
            backfill = getattr(stream, "backfill", None)  # not every kind of stream has one
            rows = 0 if backfill is None else backfill.rows
            state = (stream.state, stream.connects, stream.restarts, rows)
            since_s = self._movement.since(("feed", name), state, now_s)
            # Where the venue has named an hour to come back, waiting for it is what there is to do.
            at_s = max(since_s, min(now_s, stream.retry_at_s or since_s))
            yield Sign(task=f"feed {name}", at_s=at_s, within_s=LINE_WITHIN_S, doing=stream.state)

    def _strategies(self, now_s: float) -> Iterator[Sign]:
        """A strategy may read as slowly as it likes, unless all others wait for it."""
        for channel, _ in self.engine.markets.fanout.channels():
            if channel.strategy == NOBODY or not channel.crowded:
                continue
            at_s = self._movement.since(("channel", id(channel)), channel.delivered, now_s)
            doing = f"holding up its feed with a full {channel.name}"
            yield Sign(task=f"strategy {channel.strategy}", at_s=at_s, within_s=STUCK_WITHIN_S, doing=doing)

    def _account(self, account: AccountSide, now_s: float) -> Iterator[Sign]:
        stream, desk = account.stream, account.desk
        if stream.state not in ("listening", "starting", "stopped"):
            state = (stream.state, stream.connects, stream.restarts)
            at_s = self._movement.since("account stream", state, now_s)
            yield Sign(task="account stream", at_s=at_s, within_s=LINE_WITHIN_S, doing=stream.state)
        at_s = self._movement.since("reconcile", desk.comparing.tried_s, now_s)
        within_s = desk.tuning.reconcile_every_s + ROUND_WITHIN_S
        yield Sign(task="reconcile", at_s=at_s, within_s=within_s, doing="comparing the books")
        store = desk.store
        if isinstance(store, SqliteStore) and store.waiting_since_s is not None:
            yield Sign(task="order file", at_s=store.waiting_since_s, within_s=DISK_WITHIN_S, doing="writing")

    # -- can it trade

    def _missing(self) -> Iterator[str]:
        session = self.engine.session
        if session.ended_by:
            yield f"session: it is ending ({session.ended_by})"
        wanted = {name for channel, _ in self.engine.markets.fanout.channels() for name in channel.feeds}
        for name, stream in self.engine.markets.streams.items():
            if name in wanted and stream.state != "live":  # one that was only opened to read history never goes live
                yield f"feed {name}: is {stream.state}"
        account = self.engine.account
        if account is not None:
            if account.desk.gate.account_blocked:
                yield f"account: {account.desk.gate.account_blocked}"
            if account.killed:
                yield f"kill switch: it is tripped ({account.killed})"
        for run in session.runs:
            if run.state not in ("running", "finished"):
                yield f"strategy {run.name}: is {run.state}"
        if session.runs and all(run.state == "finished" for run in session.runs):
            yield "strategies: all have finished"
