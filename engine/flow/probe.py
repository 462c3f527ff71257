"""Asking history whether a silent line is mute or the market is quiet."""

from collections.abc import Iterable
from itertools import groupby

import trio

from engine.core.sequencer import Sequencer, Told
from engine.core.silence import Proof
from engine.core.splice import CLOCK_ERROR_NS
from engine.model.market import Kind
from engine.ports import QUERY_SYMBOLS_MAX, Clock, History, HistoryQuery


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
            if await _any_missed(kind, streams[first : first + QUERY_SYMBOLS_MAX], sequencer, history, clock):
                return "missed"
    return "nothing_missed" if asked else "unknown"


async def _any_missed(
    kind: Kind, streams: Iterable[Told], sequencer: Sequencer, history: History, clock: Clock
) -> bool:
    now_ns = clock.now_ns()
    heard_ns = max(told.cursor_ns for told in streams)
    splices = {
        told.stream.symbol: told.open_splice(heard_ns, asked_ns=now_ns, acked_ns=now_ns, settling=sequencer.settling)
        for told in streams
    }
    # What was published around the subscription may have been just before it, and is no proof.
    owed_ns = {told.stream.symbol: told.began_ns + CLOCK_ERROR_NS for told in streams}
    # The newest told instant of the kind is where the line stopped speaking; its ties are compared one by one.
    start_ns = min(splice.begin_fetch(now_ns) for splice in splices.values())
    query = HistoryQuery(kind, tuple(sorted(splices)), start_ns, max(now_ns, start_ns))
    token: str | None = None
    while True:
        page = await history.page(query, token)
        for symbol, rows in groupby(page.rows, key=lambda row: row.symbol):
            splice = splices.get(symbol)
            if splice is None:
                continue
            if splice.rows(row for row in rows if row.ts_ns > owed_ns[symbol]) or splice.pending:
                return True
        token = page.next_token
        if token is None:
            return False
