"""Asking history whether a silent line is mute or the market is quiet."""

from collections.abc import Callable, Collection, Mapping
from itertools import groupby
from typing import Final

import trio

from engine.core.sequencer import Sequencer, Told
from engine.core.silence import Proof
from engine.core.splice import CLOCK_ERROR_NS
from engine.model.market import Kind
from engine.model.stream import Stream
from engine.ports import QUERY_SYMBOLS_MAX, Clock, History, HistoryQuery

PAGES_MAX: Final = 10
"""Of history about single streams: a minute of a hundred busy ones; what is not found there is unknown."""


async def missed(sequencer: Sequencer, history: History, clock: Clock, *, everything: bool) -> Proof:
    """Whether history holds an event newer than what a stream was told.

    Asks about the streams that spoke last, at most `QUERY_SYMBOLS_MAX` of each kind, or about all of them. Raises what
    ``history.page`` raises.
    """
    await trio.lowlevel.checkpoint()
    asked = False
    for kind in Kind:
        if not history.keeps(kind):
            continue
        streams = sorted(
            (told for told in sequencer if told.stream.kind is kind and told.splice is None and not told.lost),
            key=lambda told: told.last_ns,
            reverse=True,
        )
        for first in range(0, len(streams) if everything else min(len(streams), QUERY_SYMBOLS_MAX), QUERY_SYMBOLS_MAX):
            asked = True
            if await _any_missed(streams[first : first + QUERY_SYMBOLS_MAX], sequencer, history, clock):
                return "missed"
    return "nothing_missed" if asked else "unknown"


async def missed_of(
    sequencer: Sequencer, history: History, clock: Clock, streams: Collection[Stream]
) -> Mapping[Stream, Proof]:
    """What history says of each of these streams of one kind, at most `QUERY_SYMBOLS_MAX`. Of a stream that is not here
    it says nothing: it is not kept, not known, or has a hole, or was not reached within `PAGES_MAX` pages.

    Unlike `missed` it takes no stream's word for another's: each is asked about from its own last event on. Raises what
    ``history.page`` raises.
    """
    await trio.lowlevel.checkpoint()
    told = [one for stream in streams if (one := sequencer.of(stream)) is not None]
    told = [one for one in told if history.keeps(one.stream.kind) and one.splice is None and not one.lost]
    if not told:
        return {}
    reading = Reading(sequencer, clock, told, lambda one: one.cursor_ns)
    for _ in range(PAGES_MAX):
        if await reading.read_page(history) is None:
            break
    proofs: dict[Stream, Proof] = dict.fromkeys(reading.missed, "missed")
    if reading.token is None:
        proofs |= {one.stream: "nothing_missed" for one in told if one.stream not in proofs}
    return proofs


async def _any_missed(streams: Collection[Told], sequencer: Sequencer, history: History, clock: Clock) -> bool:
    # The newest told instant of the kind is where the line stopped speaking; its ties are compared one by one.
    heard_ns = max(told.cursor_ns for told in streams)
    reading = Reading(sequencer, clock, streams, lambda _: heard_ns)
    while await reading.read_page(history) is not None:
        if reading.missed:
            return True
    return bool(reading.missed)


class Reading:
    """History since the last events of some streams of one kind, a page at a time. ``missed``: what was not told."""

    def __init__(
        self, sequencer: Sequencer, clock: Clock, streams: Collection[Told], heard_ns: Callable[[Told], int]
    ) -> None:
        now_ns = clock.now_ns()
        self._splices = {
            told.stream.symbol: told.open_splice(
                heard_ns(told), asked_ns=now_ns, acked_ns=now_ns, settling=sequencer.settling
            )
            for told in streams
        }
        # What was published around the subscription may have been just before it, and is no proof.
        self._owed_ns = {told.stream.symbol: told.began_ns + CLOCK_ERROR_NS for told in streams}
        start_ns = min(splice.begin_fetch(now_ns) for splice in self._splices.values())
        kind = next(iter(streams)).stream.kind
        self._query = HistoryQuery(kind, tuple(sorted(self._splices)), start_ns, max(now_ns, start_ns))
        self.token: str | None = None
        self.missed: set[Stream] = set()

    async def read_page(self, history: History) -> str | None:
        """Read the next page; returns the token of the one after it, ``None`` behind the last."""
        page = await history.page(self._query, self.token)
        self.token = page.next_token
        for symbol, rows in groupby(page.rows, key=lambda row: row.symbol):
            splice = self._splices.get(symbol)
            if splice is None:
                continue
            if splice.rows(row for row in rows if row.ts_ns > self._owed_ns[symbol]) or splice.pending:
                self.missed.add(splice.stream)
        return self.token
