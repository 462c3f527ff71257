"""A session's figures as tables: plain columns for files and pipes, coloured ones for a terminal.

Both come from the same `Sheet` values, so a log of a run on a server says what the screen would have said.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from engine.app.report import AccountRow, Conservation, FeedRow, GapRow, SessionReport, Spread, StrategyRow, StreamRow

if TYPE_CHECKING:
    from rich.console import RenderableType

GAPS_SHOWN_MAX: Final = 20
"""A closing table with more rows than a screen helps nobody; the rest is counted, and whole in ``--json``."""
STREAMS_SHOWN_MAX: Final = 40

_AMISS: Final = frozenset({"open", "failed", "lost", "silent", "tripped", "unknown", "critical"})
"""Words of a state that asks for a look; colour only repeats them."""

Cell = str
Column = tuple[str, Callable[[Any], Cell]]


@frozen
class Sheet:
    """A titled table of text. Columns whose title begins with ``<`` are aligned left, others right."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0
    """How many further rows there were."""


def one_line(text: Cell) -> Cell:
    """Without what would break a table or command a terminal: other people's words get here."""
    return text if text.isprintable() else " ".join("".join(c if c.isprintable() else " " for c in text).split())


def count(number: int) -> str:
    """A number with thin groups that survive copying: ``12,345``."""
    return f"{number:,}"


def spread(value: Spread) -> str:
    """The three quantiles in one cell."""
    return f"{value.p50:.1f} / {value.p99:.1f} / {value.max:.0f}"


def _figures(*names: str) -> tuple[Column, ...]:
    def figure(name: str) -> Callable[[Any], Cell]:
        return lambda row: count(getattr(row, name))

    return tuple((name, figure(name)) for name in names)


_FEED: Final[tuple[Column, ...]] = (
    ("<feed", lambda row: row.feed),
    ("<state", lambda row: row.state),
    *_figures("restarts", "connects", "messages", "malformed"),
    ("lag ms p50/p99/max", lambda row: spread(row.lag_ms)),
    ("queue ms", lambda row: spread(row.queue_ms)),
)
_STREAM: Final[tuple[Column, ...]] = (
    ("<strategy", lambda row: row.strategy),
    ("<stream", lambda row: f"{row.kind}:{row.symbol}"),
    *_figures("received", "backfilled", "delivered", "duplicates", "conflated", "dropped", "queued"),
)
# People compare holes by the second; the JSON object has all nine digits.
_TO_MILLISECONDS: Final = len("2026-03-02T14:31:07.123")
_GAP: Final[tuple[Column, ...]] = (
    ("<stream", lambda row: row.stream),
    ("<state", lambda row: "closed" if row.closed else "open"),
    *_figures("recovered"),
    ("missing", lambda row: "" if row.closed else "?" if row.count is None else count(row.count)),
    ("<from", lambda row: row.start[:_TO_MILLISECONDS].rstrip("Z")),
    ("<to", lambda row: row.end[:_TO_MILLISECONDS].rstrip("Z")),
    # Last, because it is the longest and the first to be cut where the terminal is narrow.
    ("<cause", lambda row: row.cause),
)
_STRATEGY: Final[tuple[Column, ...]] = (
    ("<strategy", lambda row: row.name),
    ("<state", lambda row: row.state),
    *_figures("restarts"),
    ("lag ms p50/p99/max", lambda row: spread(row.lag_ms)),
    ("<error", lambda row: row.error or ""),
)


_ORDER: Final[tuple[Column, ...]] = (
    ("<strategy", lambda row: row.strategy or "(nobody's)"),
    *_figures("orders", "open", "filled", "canceled", "refused", "unknown", "fills"),
    ("profit today", lambda row: row.profit),
)
_POSITION: Final[tuple[Column, ...]] = (
    ("<strategy", lambda row: row.strategy or "(nobody's)"),
    ("<symbol", lambda row: row.symbol),
    *((name, lambda row, name=name: getattr(row, name)) for name in ("qty", "entry_price", "price", "unrealized")),
    ("realized", lambda row: row.realized),
)


def told_orders(account: AccountRow) -> str:
    """The account's side in a few words."""
    orders, working = sum(row.orders for row in account.orders), sum(row.open for row in account.orders)
    killed = f", KILLED: {account.killed}" if account.killed else ""
    return f"account {account.stream}, {count(orders)} orders, {working} open{killed}"


def order_sheet(account: AccountRow) -> Sheet:
    """One line a strategy: what became of its orders."""
    if account.replay:
        return make_sheet("Orders (matched against the tape)", _ORDER, account.orders)
    return make_sheet("Orders (SHADOW: none was sent)" if account.shadow else "Orders", _ORDER, account.orders)


def position_sheet(account: AccountRow) -> Sheet:
    """One line a strategy and symbol."""
    return make_sheet(
        "Positions (SHADOW)" if account.shadow and not account.replay else "Positions", _POSITION, account.positions
    )


def feed_sheet(rows: Sequence[FeedRow]) -> Sheet:
    """One line a connection."""
    return make_sheet("Feeds", _FEED, rows)


def stream_sheet(rows: Sequence[StreamRow], rows_max: int = STREAMS_SHOWN_MAX) -> Sheet:
    """One line a stream and strategy."""
    return make_sheet("Streams", _STREAM, rows, rows_max)


def gap_sheet(rows: Sequence[GapRow], rows_max: int = GAPS_SHOWN_MAX) -> Sheet:
    """One line a hole, the latest last."""
    sheet = make_sheet("Gaps", _GAP, rows[-rows_max:], rows_max)
    return Sheet(sheet.title, sheet.columns, sheet.rows, more=max(0, len(rows) - rows_max))


def strategy_sheet(rows: Sequence[StrategyRow]) -> Sheet:
    """One line a strategy."""
    return make_sheet("Strategies", _STRATEGY, rows)


def law(totals: Conservation) -> str:
    """The conservation law with its numbers, in one line."""
    left = f"{count(totals.received)} received + {count(totals.backfilled)} backfilled"
    right = (
        f"{count(totals.delivered)} delivered + {count(totals.conflated)} conflated + {count(totals.dropped)} dropped"
        f" + {count(totals.queued)} queued"
    )
    return f"{left} = {right}" if totals.holds else f"NOT BALANCED: {left} against {right}"


def render_report(report: SessionReport) -> str:
    """The closing summary as plain text; the error that ended a session is told apart from it, on stderr."""
    sheets = [feed_sheet(report.feeds), stream_sheet(report.sorted_streams), strategy_sheet(report.strategies)]
    if report.account is not None:
        sheets += [order_sheet(report.account), position_sheet(report.account)]
    if report.gaps:
        sheets.append(gap_sheet(report.gaps))
    head = f"Session ended by {report.ended_by} after {report.duration_s:.1f} s."
    return "\n\n".join([head, *(render_plain(sheet) for sheet in sheets if sheet.rows), law(report.conservation)])


def render_plain(sheet: Sheet) -> str:
    """Columns of text, two spaces apart."""
    head, *rows = _aligned(sheet)
    lines = [sheet.title, head, "  ".join("-" * width for width in _widths(sheet)), *rows]
    if sheet.more:
        lines.append(f"... and {sheet.more} more")
    return "\n".join(lines)


def to_rich(sheet: Sheet) -> "RenderableType":
    """The same sheet for a terminal: where that is narrow the lines are cut at the right, and no column disappears."""
    from rich.console import Group  # rich is only for terminals: a headless run should not pay for it
    from rich.text import Text

    def line(text: str, style: str) -> "Text":
        # As text, not as markup: what a venue or a strategy says may have brackets in it.
        return Text(text, style=style, no_wrap=True, overflow="ellipsis")

    head, *rows = _aligned(sheet)
    lines = [line(sheet.title, "italic"), line(head, "dim")]
    lines += [line(text, "" if _AMISS.isdisjoint(row) else "red") for text, row in zip(rows, sheet.rows, strict=True)]
    if sheet.more:
        lines.append(line(f"... and {sheet.more} more", "dim"))
    return Group(*lines)


def _widths(sheet: Sheet) -> list[int]:
    titles = [column.lstrip("<") for column in sheet.columns]
    return [max(len(cell) for cell in cells) for cells in zip(titles, *sheet.rows, strict=True)]


def _aligned(sheet: Sheet) -> list[str]:
    """The titles of the columns, and then the rows, each as one line."""
    titles = tuple(column.lstrip("<") for column in sheet.columns)
    sides = [str.ljust if column.startswith("<") else str.rjust for column in sheet.columns]
    widths = _widths(sheet)
    return [
        "  ".join(side(cell, width) for side, cell, width in zip(sides, cells, widths, strict=True)).rstrip()
        for cells in (titles, *sheet.rows)
    ]


def make_sheet(title: str, columns: Sequence[Column], rows: Sequence[Any], rows_max: int | None = None) -> Sheet:
    """The rows as columns of text, each cell on one line."""
    shown = rows if rows_max is None else rows[:rows_max]
    return Sheet(
        title,
        tuple(name for name, _ in columns),
        tuple(tuple(one_line(cell(row)) for _, cell in columns) for row in shown),
        more=len(rows) - len(shown),
    )
