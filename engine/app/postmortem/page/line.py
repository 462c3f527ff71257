"""The lower part of the page: the timeline of lines and processes, lags, what was told, and the settings."""

import json
from typing import Any, Final

from engine.app.postmortem.page.html import Clock, Column, Markup, details, join, section, table, tag
from engine.app.postmortem.read.lanes import Lane, Stretch
from engine.app.postmortem.story import Story
from engine.app.postmortem.units import NOTHING, duration, milliseconds
from engine.model.instant import NS_PER_S

STREAMS_MAX: Final = 60
"""Rows, the busiest first."""
TICKS: Final = 5
WIDTH_MIN: Final = 0.25
"""Percent of the timeline: what is shorter is drawn so wide, so that it can be seen."""
BINS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000)
"""Edges of the histogram's bins."""
_STATES: Final = (
    ("up", "up"),
    ("down", "down"),
    ("repair", "reading what was missed"),
    ("gap", "gap that stays open"),
    ("failed", "failed or killed"),
)


def timeline(story: Story, clock: Clock) -> Markup:
    """When each process, line and strategy was up, where gaps are, and a list of what happened."""
    span = max(story.end_ns - story.start_ns, 1)
    ticks = [
        tag("span", clock(story.start_ns + span * number // (TICKS - 1)), style=f"left:{100 * number / (TICKS - 1):g}%")
        for number in range(TICKS)
    ]
    lanes = [_lane(lane, story, span) for lane in story.timeline.lanes]
    axis = tag("div", tag("div", cls="lane-name"), tag("div", *ticks, cls="axis"), cls="lane", aria_hidden="true")
    key = tag(
        "p", *(part for state, says in _STATES for part in (tag("i", cls=f"key {state}"), says, "  ")), cls="lead"
    )
    columns = [Column("time", left=True), Column("what", left=True), Column("where", left=True), Column("", left=True)]
    rows = [
        (clock(one.at_ns, 3), tag("span", one.what, cls=f"word {one.what}"), one.where, one.text)
        for one in story.timeline.happenings
    ]
    happened = table(columns, rows, "What happened", named=False, more=story.timeline.more)
    return section(
        "Lines, gaps and restarts",
        key,
        tag(
            "div",
            *lanes,
            axis,
            cls="timeline",
            role="img",
            aria_label="Timeline; the table below has the same in words",
        ),
        details(f"What happened, in words ({len(rows):,})", happened) if rows else Markup(""),
        name="timeline",
    )


def _lane(lane: Lane, story: Story, span: int) -> Markup:
    bars = [_bar(one, story, span) for one in lane.stretches]
    return tag("div", tag("div", lane.name, cls="lane-name"), tag("div", *bars, cls="bars"), cls=f"lane {lane.kind}")


def _bar(one: Stretch, story: Story, span: int) -> Markup:
    left = min(max(100 * (one.start_ns - story.start_ns) / span, 0.0), 100.0 - WIDTH_MIN)
    right = min(max(100 * (one.end_ns - story.start_ns) / span, 0.0), 100.0)
    width = max(right - left, WIDTH_MIN)
    lasted = duration(max(one.end_ns - one.start_ns, 0) / NS_PER_S)
    return tag("i", cls=one.state, style=f"left:{left:.3f}%;width:{width:.3f}%", title=f"{one.text} ({lasted})")


def lags(story: Story) -> Markup:
    """How long events were under way, as a histogram and in figures."""
    known = {kind: lag for kind, lag in sorted(story.market.lags.items()) if lag.events}
    feeds = story.closing.get("feeds") or []
    if not known and not feeds:
        why = "A replay has no line." if story.manifest.venue == "replay" else "None was recorded."
        return section("Lag", name="lag", lead=f"{why} Lag is told of what came over a line, live.")
    lead = (
        "From an event's own instant to its arrival here, by the market's clock: the venue, the way, and our reading."
    )
    parts: list[object] = []
    if known:
        total = sum(lag.events for lag in known.values())
        counts, before = [], 0
        for edge in BINS_MS:
            below = sum(lag.below(edge) for lag in known.values())
            counts.append(max(below - before, 0))
            before = max(below, before)
        counts.append(total - before)
        names = [*(f"< {edge} ms" if edge < 1000 else f"< {duration(edge / 1000)}" for edge in BINS_MS), "more"]
        rows = [_bin(name, number, total, max(counts)) for name, number in zip(names, counts, strict=True)]
        parts.append(tag("div", *rows, cls="histogram", role="img", aria_label="Histogram of lag; figures are below"))
        columns = [
            Column("kind", left=True),
            Column("events"),
            Column("p50"),
            Column("p90"),
            Column("p99"),
            Column("p99.9"),
        ]
        figures = [
            (kind, f"{lag.events:,}", *(milliseconds(lag.percentile_ms(share)) for share in (0.5, 0.9, 0.99, 0.999)))
            for kind, lag in known.items()
        ]
        parts.append(table(columns, figures, "Lag by kind of event"))
    if feeds:
        parts.append(_feeds(feeds))
    return section("Lag", *parts, name="lag", lead=lead)


def _bin(name: str, number: int, total: int, most: int) -> Markup:
    share = 100 * number / total
    told = f"{number:,} ({share:.1f} %)" if number else ""
    bar = tag("i", style=f"width:{100 * number / most:.2f}%") if number else Markup("")
    return tag("div", tag("span", name), tag("div", bar, cls="bars"), tag("span", told), cls="bin")


def _feeds(feeds: list[dict[str, Any]]) -> Markup:
    columns = [
        Column("line", left=True),
        Column("messages"),
        Column("connects"),
        Column("restarts"),
        Column("malformed"),
        Column("lag p50"),
        Column("lag p99"),
        Column("lag max"),
        Column("queue p99", tip="how long events waited for a strategy"),
    ]
    rows = [
        (
            feed.get("feed", ""),
            *(f"{feed.get(name, 0):,}" for name in ("messages", "connects", "restarts", "malformed")),
            *(milliseconds(_spread(feed, "lag_ms").get(name)) for name in ("p50", "p99", "max")),
            milliseconds(_spread(feed, "queue_ms").get("p99")),
        )
        for feed in feeds
    ]
    return table(columns, rows, "Lines, as they were counted by the session itself")


def _spread(feed: dict[str, Any], name: str) -> dict[str, float]:
    told = feed.get(name)
    return told if isinstance(told, dict) else {}


def streams(story: Story, clock: Clock) -> Markup:
    """What the market told, stream by stream."""
    known = sorted(story.market.streams.values(), key=lambda one: (-one.events, one.kind, one.symbol))
    if not known:
        why = (
            "The market of a replay stays on its tapes."
            if story.manifest.venue == "replay"
            else "No event was recorded."
        )
        return section("What was told", name="streams", lead=why)
    events, late = sum(one.events for one in known), sum(one.backfilled for one in known)
    lead = f"{events:,} events of {len(known):,} streams, {late:,} of them read from history after an outage."
    columns = [
        Column("stream", left=True),
        Column("events"),
        Column("from history"),
        Column("first", left=True),
        Column("last", left=True),
    ]
    rows = [
        (f"{one.kind} {one.symbol}", f"{one.events:,}", f"{one.backfilled:,}", clock(one.first_ns), clock(one.last_ns))
        for one in known[:STREAMS_MAX]
    ]
    told = table(columns, rows, "Streams", named=False, more=max(0, len(known) - STREAMS_MAX))
    return section("What was told", told, _law(story), name="streams", lead=lead)


def _law(story: Story) -> Markup:
    law = story.closing.get("conservation")
    if not isinstance(law, dict):
        return Markup("")
    figures = {name: f"{law.get(name, 0):,} {name}" for name in ("received", "backfilled", "delivered", "conflated")}
    told = (
        f"{figures['received']} + {figures['backfilled']} = {figures['delivered']} + {figures['conflated']} + "
        f"{law.get('dropped', 0):,} dropped + {law.get('queued', 0):,} queued"
    )
    holds = "The books of events balance: " if law.get("holds") else "THE BOOKS OF EVENTS DO NOT BALANCE: "
    return tag("p", holds, told, ".", cls="lead")


def settings(story: Story) -> Markup:
    """What the session was run with, and which files the report rests on."""
    manifest = story.manifest
    rows = [
        ("folder", story.folder.name),
        ("venue", manifest.venue or NOTHING),
        ("begun", manifest.started),
        ("ended", manifest.ended or "not in order, or not yet"),
        ("ended by", story.closing.get("ended_by") or "not recorded"),
        ("versions", f"gapless {manifest.gapless}, Python {manifest.python}, Trio {manifest.trio}"),
        ("seeds", ", ".join(f"{name} {value}" for name, value in manifest.seeds.items()) or NOTHING),
        ("recorded", f"{manifest.last_seq:,} events; at most {manifest.window_s:g} s are lost with a process"),
    ]
    columns = [Column("", left=True), Column("", left=True)]
    plain = json.dumps(dict(manifest.settings), indent=2, ensure_ascii=False, default=str)
    files = [(name, tag("code", digest)) for name, digest in sorted(manifest.files.items())]
    hashes = table([Column("file", left=True), Column("SHA-256", left=True)], files, "Files", named=False)
    return section(
        "Settings",
        table(columns, rows, "The session", named=False),
        details("All settings", tag("pre", plain)),
        details("Hashes of the files", hashes) if files else Markup(""),
        name="settings",
    )


def nothing_happened(story: Story) -> Markup:
    """A word on top of a session in which nothing was told and nothing was done."""
    if story.market.streams or story.tickets or story.trips or story.manifest.venue == "replay":
        return Markup("")
    text = "This session holds no event of a market and no order: nothing was told, or nothing was wanted."
    return join([tag("p", text, cls="finding warning")])
