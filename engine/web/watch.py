"""A browser that watches: the news of its page as a stream of events, for as long as it reads them."""

from collections.abc import Callable
from typing import Final

import msgspec
import trio
from attrs import frozen

from engine.app.account import AccountSide
from engine.core.rules import plain
from engine.web.charts import Charts
from engine.web.charts.candles import CANDLES_MAX
from engine.web.charts.charts import CHARTS_MAX
from engine.web.charts.marks import fill_marks, order_lines
from engine.web.guard.door import Receive, Send
from engine.web.pulse import Board, Full, Pulse
from engine.web.pulse.pulse import Draw, Gather, Pieces
from engine.web.scene.lags import Lags

RETRY_MS: Final = 1000
"""How soon a browser that lost its stream comes back."""
CANDLE: Final = "c:"
"""What the names of candles begin with; their second follows."""
_CROWDED: Final = (
    f"As many as {CHARTS_MAX} charts are followed at once, and others are looked at: close one, and this one begins."
)


@frozen
class Watched:
    """What one browser watches: a page by its key, and how it is made."""

    key: str
    draw: Draw
    gather: Gather


async def watch(
    pulse: Pulse, watched: Watched | None, still_in: Callable[[], object], receive: Receive, send: Send
) -> None:
    """Tell one browser the news of its page, until it leaves or is logged out.

    What it has not read yet waits in its socket, which has a deadline (`engine.web.serving`), and nowhere else.
    """
    if watched is None:
        await _answer(send, 404)
        return
    try:
        with pulse.watching(watched.key, watched.draw, watched.gather) as board:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_until_gone, receive, nursery.cancel_scope)
                await _tell(board, still_in, send)
                nursery.cancel_scope.cancel()
    except Full:
        await _answer(send, 503)


async def _tell(board: Board, still_in: Callable[[], object], send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": f"retry: {RETRY_MS}\n\n".encode(), "more_body": True})
    beat = 0
    while still_in() is not None:
        await board.later_than(beat)
        message, beat = board.since(beat), board.beat
        await send({"type": "http.response.body", "body": message, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive, scope: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - receiving is what is waited for
        await trio.lowlevel.checkpoint()
    scope.cancel()


async def _answer(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


# -- what pages draw themselves


def nothing_of(_board: Board) -> Pieces:
    """A page that is all HTML."""
    return {}


def lags_of(lags: Lags, _board: Board) -> Pieces:
    """The lines of lag."""
    return {"lag": msgspec.json.encode(lags.read())}


def candles_of(charts: Charts, account: AccountSide | None, symbol: str, board: Board) -> Pieces:
    """The candles that changed, each a piece of its own, and all that is drawn on them."""
    chart = charts.look(symbol)
    if chart is None:
        return {"note": msgspec.json.encode(_CROWDED)}
    rows = chart.candles.take_changed() if board.beat else chart.candles.all()
    pieces = {f"{CANDLE}{start}": msgspec.json.encode(row) for start, row in rows.items()}
    names = board.names(CANDLE)
    if len(names) > CANDLES_MAX:
        board.forget(set(sorted(names, key=lambda name: int(name[2:]))[: len(names) - CANDLES_MAX]))
    tickets = () if account is None else tuple(account.desk.blotter.tickets())
    open_ones = () if account is None else account.desk.blotter.open_tickets()
    held = "" if account is None else plain(account.desk.blotter.account_position(symbol))
    on_it = {"fills": fill_marks(tickets, symbol), "lines": order_lines(open_ones, symbol), "held": held}
    return {**pieces, "marks": msgspec.json.encode(on_it), "note": msgspec.json.encode(chart.note)}
