"""The live view: what the session is doing now, a few times a second, without touching the path of the data.

The figures are taken in Trio's thread (they are plain counters, and nobody else may read them while they change); the
drawing, which costs milliseconds, is done by rich's own refresh thread from the last figures taken. Where nobody
looks at a terminal, one plain line every few seconds says the same.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import trio
from attrs import evolve

from engine.app.logs import redacted
from engine.app.options import Snapshot
from engine.app.report import SessionReport
from engine.app.screen.tables import (
    count,
    feed_sheet,
    gap_sheet,
    law,
    order_sheet,
    position_sheet,
    strategy_sheet,
    stream_sheet,
    to_rich,
    told_orders,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

REFRESHES_PER_S: Final = 4
"""Enough to look alive; each refresh costs the terminal about 8 ms of a thread."""
LINE_EVERY_S: Final = 5.0
"""Without a terminal: a line this often keeps a log readable."""
STREAM_ROWS_MAX: Final = 14
"""The view has to fit a small terminal."""
GAP_ROWS_MAX: Final = 5
RATE_OVER: Final = 2 * REFRESHES_PER_S
"""Snapshots that a rate is taken over: two seconds of them. Lines come seldom, so there it is over the last two."""


def write_line(line: str) -> None:
    """Write to stderr, whatever that is by then."""
    sys.stderr.write(line + "\n")


class View:
    """Shows a session. Give ``watch`` to the session as its watcher and run `serve` beside it."""

    def __init__(self, *, title: str, live: bool, say: Callable[[str], None] = write_line) -> None:
        """``live`` draws tables on the terminal; otherwise ``say`` is given a line now and then."""
        self._say = say
        self._title = title
        self._live = live
        self._snapshot: Snapshot | None = None
        self._latest = SessionReport()
        self._seen: deque[tuple[float, int]] = deque(maxlen=RATE_OVER if live else 2)

    def watch(self, snapshot: Snapshot) -> None:
        """The session has started; ``snapshot`` gives its figures."""
        self._snapshot = snapshot

    @property
    def latest(self) -> SessionReport:
        """The figures of this moment, or the last known ones."""
        if self._snapshot is not None:
            self._latest = _without_secrets(self._snapshot())
        return self._latest

    async def serve(self) -> None:
        """Refresh until cancelled."""
        if self._live:
            await self._serve_tables()
        else:
            await self._serve_lines()

    async def _serve_tables(self) -> None:
        from rich.console import Console
        from rich.live import Live

        with Live(
            console=Console(stderr=True),
            refresh_per_second=REFRESHES_PER_S,
            redirect_stdout=sys.stdout.isatty(),
            get_renderable=self._render,
            transient=True,
        ):
            while True:
                self._take()
                await trio.sleep(1 / REFRESHES_PER_S)

    async def _serve_lines(self) -> None:
        self._take()
        while True:
            await trio.sleep(LINE_EVERY_S)
            self._take()
            self._say(self.line())

    def _take(self) -> None:
        report = self.latest
        self._seen.append((report.duration_s, sum(row.messages for row in report.feeds)))

    def rate_per_s(self) -> float:
        """Messages a second over the last two seconds or so."""
        if len(self._seen) < 2:
            return 0.0
        (start_s, before), (end_s, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end_s - start_s) if end_s > start_s else 0.0

    def line(self) -> str:
        """Everything that matters in one line of text."""
        report = self._latest
        feeds = ", ".join(f"{row.feed} {row.state} ({row.restarts} restarts)" for row in report.feeds) or "no feed yet"
        open_gaps = sum(not gap.closed for gap in report.gaps)
        traded = "" if report.account is None else f"; {told_orders(report.account)}"
        failed = "".join(f", {row.name}: {row.error}" for row in report.strategies if row.error)
        return (
            f"{report.duration_s:.0f} s: {feeds}; {self.rate_per_s():,.0f}/s; {law(report.conservation)}; "
            f"{count(len(report.gaps))} gaps, {open_gaps} open{traded}{failed}"
        )

    def _render(self) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        report = self._latest
        head = Text(f"{self._title}   {report.duration_s:.1f} s   {self.rate_per_s():,.0f} messages/s", style="bold")
        sheets = [feed_sheet(report.feeds), strategy_sheet(report.strategies)]
        if report.account is not None:
            sheets += [order_sheet(report.account), position_sheet(report.account)]
        sheets.append(stream_sheet(report.sorted_streams, STREAM_ROWS_MAX))
        if report.gaps:
            sheets.append(gap_sheet(report.gaps, GAP_ROWS_MAX))
        totals = report.conservation
        foot = Text(law(totals), style="green" if totals.holds else "bold red")
        return Group(head, *(to_rich(sheet) for sheet in sheets if sheet.rows), foot)


def _without_secrets(report: SessionReport) -> SessionReport:
    """What strategies raise is their own words, and a table cuts them where it likes."""
    rows = tuple(evolve(row, error=redacted(row.error)) if row.error else row for row in report.strategies)
    return evolve(report, strategies=rows, error=redacted(report.error) if report.error else None)


def wants_tables(*, as_json: bool, isatty: Callable[[], bool], environ: Mapping[str, str] = os.environ) -> bool:
    """Tables are for a person at a terminal; a program that reads JSON gets lines, and a terminal that cannot move its
    cursor, on which rich would draw nothing until the end."""
    return isatty() and not as_json and environ.get("TERM", "").lower() not in ("dumb", "unknown")
