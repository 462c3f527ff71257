"""An overview as tables: what a person wants to see first comes first, as text that cannot disturb a terminal."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from engine.app.beside.overview import ChannelRow, HeardRow, Overview, TaskRow
from engine.app.report import SessionReport, Spread
from engine.app.screen.tables import (
    GAPS_SHOWN_MAX,
    Column,
    Sheet,
    count,
    gap_sheet,
    law,
    make_sheet,
    order_sheet,
    position_sheet,
    render_plain,
    stream_sheet,
    to_rich,
)
from engine.app.top.fit import fit

if TYPE_CHECKING:
    from rich.console import RenderableType

MOMENTS_SHOWN_MAX: Final = 20
"""The newest; the dashboard has more."""
PLAIN_ROWS_MAX: Final = 40
"""Of each table, in text that nobody scrolls."""
BAR_CELLS: Final = 10
_URGENCY: Final = ("silent", "waiting", "quiet", "halted", "live", "closed")
"""Of what a stream may be, the most urgent first."""


def sheets_of(seen: Overview) -> list[Sheet]:
    """Every table that has something to show, the most important first."""
    account = seen.report.account
    sheets = [
        make_sheet("Alarms", _ALARM, [row for row in seen.alarms if row.state != "over"]),
        make_sheet("Tasks", _task_columns(seen.report), seen.tasks),
        make_sheet("Open orders", _ORDER, seen.orders),
    ]
    if account is not None:
        sheets += [position_sheet(account), order_sheet(account)]
    sheets += [
        make_sheet("Channels", _CHANNEL, sorted(seen.channels, key=_fill, reverse=True)),
        make_sheet("Last events", _HEARD, sorted(seen.heard, key=_urgency))
        if seen.heard
        else stream_sheet(seen.report.sorted_streams),
        gap_sheet(seen.report.gaps[: -GAPS_SHOWN_MAX - 1 : -1]),
        make_sheet("Lately", _MOMENT, seen.moments[:MOMENTS_SHOWN_MAX]),
    ]
    return [sheet for sheet in sheets if sheet.rows]


def head_of(seen: Overview, silent_s: float = 0.0) -> str:
    """Which engine this is and how it is, in one line. ``silent_s``: how long it has not answered."""
    lag = f"loop lag p99 {seen.loop_lag_ms.p99:.1f} ms, " if seen.loop_lag_ms.max else ""
    silence = f"NO ANSWER FOR {silent_s:.0f} s, its loop is blocked; last seen: " if silent_s else ""
    return (
        f"{silence}{seen.session} at {seen.venue}, pid {seen.pid}, {lag}up {span(seen.uptime_s)}, "
        f"market {seen.now[:19].replace('T', ' ')} UTC ({seen.phase})"
    )


def render_text(seen: Overview) -> str:
    """The whole overview as plain text."""
    sheets = [_bounded(sheet) for sheet in sheets_of(seen)]
    return "\n\n".join([head_of(seen), *map(render_plain, sheets), law(seen.report.conservation)])


def render_rich(seen: Overview, lines: int, silent_s: float = 0.0) -> "RenderableType":
    """The overview for a terminal of so many lines."""
    from rich.console import Group
    from rich.text import Text

    totals = seen.report.conservation
    head = Text(head_of(seen, silent_s), style="bold red" if silent_s else "bold", no_wrap=True, overflow="ellipsis")
    style = "green" if totals.holds else "bold red"
    foot = Text(f"{law(totals)}   q leaves", style=style, no_wrap=True, overflow="ellipsis")
    return Group(head, *map(to_rich, fit(sheets_of(seen), lines - 2)), foot)


def span(seconds: float) -> str:
    """A duration as people say it: ``0.3 s``, ``42 s``, ``12 min``, ``3.5 h``, ``4.0 d``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"


def _bounded(sheet: Sheet) -> Sheet:
    return Sheet(
        sheet.title,
        sheet.columns,
        sheet.rows[:PLAIN_ROWS_MAX],
        sheet.more + max(0, len(sheet.rows) - PLAIN_ROWS_MAX),
    )


# -- columns


def _optional(seconds: float | None) -> str:
    return "" if seconds is None else span(seconds)


def _task_columns(report: SessionReport) -> tuple[Column, ...]:
    """Feeds and strategies have their lag beside them."""
    lags: dict[str, Spread] = {f"feed {row.feed}": row.lag_ms for row in report.feeds}
    lags |= {f"strategy {row.name}": row.lag_ms for row in report.strategies}

    def lag(row: TaskRow) -> str:
        known = lags.get(row.name)
        return "" if known is None else f"{known.p50:.1f} / {known.p99:.1f}"

    return (
        ("<task", lambda row: "  " * row.depth + row.name),
        ("<state", lambda row: row.state),
        ("restarts", lambda row: count(row.restarts) if row.restarts else ""),
        ("again in", lambda row: _optional(row.retry_in_s)),
        ("lag ms p50/p99", lag),
        ("<", lambda row: row.detail),
    )


def _fill(row: ChannelRow) -> float:
    return row.waiting / max(1, row.capacity)


def _bar(row: ChannelRow) -> str:
    cells = min(BAR_CELLS, round(_fill(row) * BAR_CELLS))
    return "#" * cells + "." * (BAR_CELLS - cells)


def _urgency(row: HeardRow) -> tuple[int, float, str]:
    rank = _URGENCY.index(row.state) if row.state in _URGENCY else 0
    return rank, -(row.age_s or 0.0), row.symbol


def _plain(*names: str) -> Iterable[Column]:
    def value(name: str) -> Callable[[Any], str]:
        return lambda row: str(getattr(row, name))

    return ((name, value(name)) for name in names)


_ALARM: Final[tuple[Column, ...]] = (
    ("<severity", lambda row: row.severity),
    ("<state", lambda row: row.state),
    ("<since", lambda row: row.since[:19].replace("T", " ")),
    ("times", lambda row: count(row.count)),
    ("<what", lambda row: row.title),
)
_ORDER: Final[tuple[Column, ...]] = (
    ("<strategy", lambda row: row.strategy or "(nobody's)"),
    ("<symbol", lambda row: row.symbol),
    ("<side", lambda row: row.side),
    ("<type", lambda row: row.type),
    *_plain("qty", "filled", "limit", "stop"),
    ("<status", lambda row: row.status),
    ("age", lambda row: span(row.age_s)),
)
_CHANNEL: Final[tuple[Column, ...]] = (
    ("<strategy", lambda row: row.strategy),
    ("<channel", lambda row: row.name),
    ("<fill", _bar),
    ("waiting", lambda row: count(row.waiting)),
    ("capacity", lambda row: count(row.capacity)),
    ("<when full", lambda row: row.full),
)
_HEARD: Final[tuple[Column, ...]] = (
    ("<symbol", lambda row: row.symbol),
    ("<kind", lambda row: row.kind),
    ("<feed", lambda row: row.feed),
    ("<state", lambda row: row.state),
    ("last event", lambda row: _optional(row.age_s) or "never"),
    ("may be silent", lambda row: _optional(row.limit_s)),
)
_MOMENT: Final[tuple[Column, ...]] = (
    ("<at", lambda row: row.at[11:19]),
    ("<what", lambda row: row.what),
    ("<where", lambda row: row.where),
    ("<", lambda row: row.text),
)
