"""Gaps on a line of time: what each feed missed, drawn by the server, and the newest of them in words."""

from typing import Final

from engine.app.beside.overview import Overview
from engine.model.instant import NS_PER_S
from engine.web.looks.html import NOTHING, Html, html, join
from engine.web.looks.words import clock, count, pill, table
from engine.web.scene import Scene

WIDTH: Final = 1000
"""Of the drawing, in its own units: the browser stretches it."""
LANE: Final = 26
SPAN_MIN_S: Final = 600.0
SPAN_MAX_S: Final = 6 * 3600.0
"""The line of time shows the session so far, but ten minutes at least and six hours at most."""
ROWS_MAX: Final = 8
TICKS: Final = 5


def gap_chart(scene: Scene) -> Html:
    """One lane for each feed; hollow where history filled the gap, solid where it is still missing."""
    feeds = sorted({row.feed for row in scene.overview.report.feeds} | {row.feed for row in scene.overview.report.gaps})
    if not feeds:
        return NOTHING
    span_s = min(max(scene.now_s - scene.began_s, SPAN_MIN_S), SPAN_MAX_S)
    from_s = scene.now_s - span_s
    height = LANE * len(feeds)
    lanes = join(
        html('<rect class="lane" x="0" y="{}" width="{}" height="{}"/>', LANE * number + 4, WIDTH, LANE - 8)
        for number in range(len(feeds))
    )
    marks = join(
        _mark(row.start_ns / NS_PER_S, row.end_ns / NS_PER_S, row.closed, LANE * feeds.index(row.feed), from_s, span_s)
        for row in scene.overview.report.gaps
        if row.end_ns / NS_PER_S >= from_s
    )
    names = join(html("<li>{}</li>", name) for name in feeds)
    ticks = join(html("<li>{}</li>", _ago(span_s * (TICKS - number) / TICKS)) for number in range(TICKS + 1))
    missing = sum(not row.closed for row in scene.overview.report.gaps)
    told = f"{len(scene.overview.report.gaps)} gaps in the last {_ago(span_s)}, {missing} of them not filled"
    return html(
        '<figure class="gapline"><ul class="lanes">{}</ul><svg viewBox="0 0 {} {}" preserveAspectRatio="none" '
        'height="{}" role="img" aria-label="{}">{}{}</svg><ol class="ticks" aria-hidden="true">{}</ol>'
        '<figcaption><span class="key closed"></span>filled from history <span class="key open"></span>still missing'
        "</figcaption></figure>",
        names, WIDTH, height, height, told, lanes, marks, ticks,
    )  # fmt: skip


def gap_table(told: Overview) -> Html:
    """The newest gaps in words."""
    rows = [
        (
            clock(row.start),
            row.stream.replace("_", " ").replace(":", " "),
            pill("filled", "good") if row.closed else pill("open"),
            f"{(row.end_ns - row.start_ns) / NS_PER_S:.1f} s",
            count(row.recovered),
            row.cause,
        )
        for row in list(told.report.gaps)[-ROWS_MAX:][::-1]
    ]
    columns = (
        ("From", ""), ("Stream", ""), ("State", ""), ("Length", "num"), ("Recovered", "num"), ("Cause", "wide wrap"),
    )  # fmt: skip
    return table("Newest gaps", columns, rows, "No gap: nothing was missed so far.")


def _mark(start_s: float, end_s: float, closed: bool, top: int, from_s: float, span_s: float) -> Html:
    left = max(0.0, (start_s - from_s) / span_s) * WIDTH
    right = min(1.0, max(0.0, (end_s - from_s) / span_s)) * WIDTH
    width = max(right - left, 3.0)  # a gap of a moment is seen too
    return html(
        '<rect class="gap {}" x="{}" y="{}" width="{}" height="{}"/>',
        "closed" if closed else "open", f"{min(left, WIDTH - width):.1f}", top + 4, f"{width:.1f}", LANE - 8,
    )  # fmt: skip


def _ago(span_s: float) -> str:
    if span_s < 1:
        return "now"
    return f"{span_s / 60:.0f} min" if span_s < 7200 else f"{span_s / 3600:.1f} h"
