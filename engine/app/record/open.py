"""The recording of a live session: opened beside its markets, and told what they tell."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio

from engine.app.logs import redacted
from engine.app.options import RunOptions
from engine.app.record.describe import describe_live
from engine.app.record.recorder import record
from engine.app.wiring import Venue
from engine.codec.journal import render_control
from engine.errors import GaplessError, StoreFailed
from engine.flow.markets import NOBODY, Markets
from engine.flow.notices import Notices
from engine.model.journal import Noted
from engine.store.session import Recording, open_recording, write_orders
from engine.store.sqlite import RunSync


class _Controls(Notices):
    """Control events on their way into the journal, each noted in the step in which it is announced."""

    def __init__(self, recording: Recording, markets: Markets) -> None:
        super().__init__(capacity=1)
        self._recording = recording
        self._markets = markets

    def put(self, notice: Any) -> None:
        """Note it behind the last event."""
        self._recording.note(Noted(self._markets.fanout.seq, notice.at_ns, NOBODY, redacted(render_control(notice))))


@asynccontextmanager
async def recording_for(
    options: RunOptions,
    venue: Venue,
    markets: Markets,
    report: Callable[[str], None],
    on_failure: Callable[[GaplessError], None],
    *,
    run_sync: RunSync = trio.to_thread.run_sync,
) -> AsyncIterator[Recording | None]:
    """Record the session in ``options.record_dir``; ``None`` where it has none. To be entered before any feed is made.

    From here on the fan-out goes on behind the last event of the folder, and everything that is published or announced
    is in the journal. A recording that has to stop is reported and stops nothing else, unless there is nothing else:
    then ``on_failure`` is told. Raises what `open_recording` raises.
    """
    if options.record_dir is None:
        yield None
        return

    def fail(sentence: str) -> None:
        if all(loaded.strategy is record for loaded in options.strategies):
            on_failure(StoreFailed(sentence))
        else:
            report(sentence)

    async with open_recording(
        options.record_dir,
        describe_live(options, markets.clock.now_ns()),
        run_sync=run_sync,
        frames=options.record_frames,
        now_ns=markets.clock.now_ns,
        feed_of=venue.feed_of,
        on_failure=fail,
    ) as recording:
        if recording.notice:
            report(recording.notice)
        markets.fanout.seq = max(markets.fanout.seq, recording.last_seq)
        markets.fanout.journal = recording
        markets.listen(_Controls(recording, markets))
        if options.record_frames:
            venue.on_frames = _frames(recording)
        yield recording
        if recording.tickets is not None:
            try:
                await run_sync(write_orders, options.record_dir, tuple(recording.tickets()))
            except OSError as error:
                report(f"The orders cannot be kept in {options.record_dir}: {error.strerror}; the order file has them.")
    if recording.outcome:
        report(recording.outcome)


def _frames(recording: Recording) -> Callable[[str, int, Any], None]:
    def on_frames(feed: str, received_ns: int, frames: Any) -> None:
        for frame in frames:
            recording.frame(feed, received_ns, frame)

    return on_frames
