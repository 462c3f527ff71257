"""The first page: whether data comes, how late, what is missing, and what runs."""

from collections import defaultdict
from typing import Final

from engine.app.beside.overview import HeardRow, Overview, TaskRow
from engine.app.report import StreamRow
from engine.web.looks.gaps import gap_chart, gap_table
from engine.web.looks.html import NOTHING, Html, html, join
from engine.web.looks.words import clock, count, milliseconds, panel, pill, seconds, table, tone
from engine.web.scene import Scene

STREAMS_SHOWN_MAX: Final = 200
"""Rows of streams: those that need a look come first."""
MOMENTS_SHOWN_MAX: Final = 40
NAMES_SHOWN_MAX: Final = 3
"""Of the streams of one subscription; the rest are counted."""
_URGENCY: Final = {"silent": 0, "halted": 1, "waiting": 2, "quiet": 3, "live": 4, "closed": 5}


def pieces(scene: Scene) -> dict[str, Html]:
    """What of this page changes."""
    told = scene.overview
    return {
        "feeds": feeds(told),
        "gaps": join((gap_chart(scene), gap_table(told))),
        "streams": streams(told),
        "law": law(told),
        "tasks": tasks(told),
        "channels": channels(told),
        "moments": moments(told),
    }


def body(scene: Scene, _csrf: str) -> Html:
    """The page below its heading."""
    told = pieces(scene)
    lag = html(
        '<section class="panel" aria-labelledby="lag-title"><header><h2 id="lag-title">Lag</h2>'
        '<p class="note">event to delivery, windows of two seconds, market time</p></header>'
        '<div id="lag" class="plot" role="img" aria-label="Lag of each feed over the last minutes"></div></section>'
    )
    left = join(
        (
            panel("feeds", "Feeds", told["feeds"]),
            lag,
            panel("gaps", "Gaps", told["gaps"], note="what the line missed, and whether history filled it"),
            panel("streams", "Streams", told["streams"], note="those that need a look come first"),
        )
    )
    right = join(
        (
            panel("law", "Conservation", told["law"], note="every event is accounted for"),
            panel("tasks", "Nursery tree", told["tasks"]),
            panel("channels", "Channels", told["channels"], note="what waits for strategies"),
            panel("moments", "Lately", told["moments"]),
        )
    )
    return html('<div class="columns"><div>{}</div><div>{}</div></div>', left, right)


def feeds(told: Overview) -> Html:
    """Each connection."""
    rows = [
        (
            row.feed, pill(row.state or "starting"), milliseconds(row.lag_ms.p50), milliseconds(row.lag_ms.p99),
            milliseconds(row.lag_ms.max), count(row.messages), count(row.restarts), count(row.malformed),
        )
        for row in told.report.feeds
    ]  # fmt: skip
    columns = (
        ("Feed", ""), ("State", ""), ("p50", "num wide"), ("p99", "num"), ("Max", "num wide"), ("Messages", "num"),
        ("Restarts", "num"), ("Malformed", "num wide"),
    )  # fmt: skip
    return table("Feeds", columns, rows, "No feed is open yet: no strategy has asked for a stream.")


def streams(told: Overview) -> Html:
    """Each stream, with how long it has been silent and what became of its events."""
    heard = {(row.feed, row.kind, row.symbol): row for row in told.heard}
    states = {row.feed: row.state for row in told.report.feeds}
    grouped: dict[tuple[str, str, str], list[StreamRow]] = defaultdict(list)
    for row in told.report.streams:
        grouped[row.feed, row.kind, row.symbol].append(row)
    found = [
        (heard.get(key) or HeardRow(feed=key[0], kind=key[1], symbol=key[2], state=states.get(key[0], "waiting")), rows)
        for key, rows in grouped.items()
    ]
    found.sort(key=lambda pair: (_URGENCY.get(pair[0].state, 2), pair[0].symbol, pair[0].kind))
    columns = (
        ("Symbol", ""), ("Stream", ""), ("State", ""), ("Silent for", "num"), ("Limit", "num wide"),
        ("Received", "num"), ("Backfilled", "num wide"), ("Dropped", "num"), ("Conflated", "num wide"),
        ("Late", "num wide"), ("Duplicates", "num wide"), ("Strategies", "num wide"),
    )  # fmt: skip
    rows = [
        (
            row.symbol, row.kind.replace("_", " "), pill(row.state), seconds(row.age_s), seconds(row.limit_s),
            count(max(one.received for one in own)), count(max(one.backfilled for one in own)),
            _some(sum(one.dropped for one in own)), count(sum(one.conflated for one in own)),
            count(max(one.late for one in own)), count(max(one.duplicates for one in own)), str(len(own)),
        )
        for row, own in found[:STREAMS_SHOWN_MAX]
    ]  # fmt: skip
    return table("Streams", columns, rows, "No strategy has subscribed to anything yet.")


def law(told: Overview) -> Html:
    """The law of conservation, in figures: what came in, and where it is now."""
    law = told.report.conservation
    words = ("holds", "✓", "good") if law.holds else ("BROKEN: a bug, please report it", "✕", "bad")
    verdict = html('<span class="pill {}"><span aria-hidden="true">{}</span> {}</span>', words[2], words[1], words[0])
    came = (("received", law.received), ("backfilled", law.backfilled))
    went = (
        ("delivered", law.delivered), ("conflated", law.conflated), ("dropped", law.dropped), ("queued", law.queued),
    )  # fmt: skip
    sides = join(
        html(
            '<dl>{}<div class="sum"><dt>{}</dt><dd>{}</dd></div></dl>',
            join(html("<div><dt>{}</dt><dd>{}</dd></div>", name, count(number)) for name, number in rows),
            title, count(sum(number for _, number in rows)),
        )
        for title, rows in (("in", came), ("out", went))
    )  # fmt: skip
    return html('<p>{}</p><div class="law">{}</div>', verdict, sides)


def tasks(told: Overview) -> Html:
    """What runs inside what."""
    rows = join(
        html(
            '<li class="depth-{}"><span class="task">{}</span>{}{}<span class="detail">{}</span></li>',
            min(row.depth, 4), row.name, pill(row.state), _restarts(row), row.detail,
        )
        for row in told.tasks
    )  # fmt: skip
    return html('<ul class="tree">{}</ul>', rows) if told.tasks else html('<p class="empty">Nothing runs.</p>')


def channels(told: Overview) -> Html:
    """How full the queue of each subscription is."""
    rows = [
        (
            row.strategy, _names(row.name), f"{count(row.waiting)} / {count(row.capacity)}",
            html(
                '<meter min="0" max="{}" high="{}" value="{}" aria-label="{} of {}"></meter>',
                row.capacity, row.capacity * 0.8, row.waiting, row.waiting, row.capacity,
            ),
            row.full.replace("_", " "),
        )
        for row in told.channels
    ]  # fmt: skip
    columns = (
        ("Strategy", "name"),
        ("Channel", "wrap"),
        ("Waiting", "num"),
        ("Fill", "bar"),
        ("When full", "num wide"),
    )
    return table("Channels", columns, rows, "No subscription is open.")


def moments(told: Overview) -> Html:
    """What happened, the latest first."""
    rows = join(
        html(
            '<li>{} <span class="what {}">{}</span> <span class="where">{}</span> <span class="text">{}</span></li>',
            clock(row.at), tone(row.what), row.what, row.where, row.text,
        )
        for row in told.moments[:MOMENTS_SHOWN_MAX]
    )  # fmt: skip
    if not rows:
        return html('<p class="empty">Nothing worth a line has happened.</p>')
    return html('<ol class="moments" tabindex="0" aria-label="What happened lately">{}</ol>', rows)


def _some(number: int) -> Html:
    return html('<span class="{}">{}</span>', "watch" if number else "", count(number))


def _restarts(row: TaskRow) -> Html:
    if not row.restarts:
        return NOTHING
    again = "" if row.retry_in_s is None else f", again in {row.retry_in_s:.0f} s"
    return html('<span class="restarts">{}&times; restarted{}</span>', row.restarts, again)


def _names(channel: str) -> Html:
    """The streams of a subscription, the first of them where they are many."""
    names = channel.split(", ")
    if len(names) <= NAMES_SHOWN_MAX + 1:
        return html("{}", channel)
    more = len(names) - NAMES_SHOWN_MAX
    return html('<span title="{}">{} and {} more</span>', channel, ", ".join(names[:NAMES_SHOWN_MAX]), more)
