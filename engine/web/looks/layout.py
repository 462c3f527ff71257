"""What stands around every page: the way to the others, the figures that matter always, and the form of all deeds."""

from typing import Final

from attrs import frozen

from engine.web.looks.html import NOTHING, Html, html, join
from engine.web.looks.words import count, milliseconds, money, seconds
from engine.web.scene import Scene
from engine.web.scene.scene import ACCOUNT

PAGES: Final = (
    ("overview", "/", "Overview", "◱"),
    ("charts", "/charts", "Charts", "▥"),
    ("strategies", "/strategies", "Strategies", "◇"),
    ("orders", "/orders", "Orders", "☰"),
    ("alerts", "/alerts", "Alerts", "▲"),
    ("kill", "/kill", "Kill switch", "■"),
)
"""Name, path, title and sign of each."""


@frozen(kw_only=True)
class Frame:
    """What a page needs beside the scene: which it is, where its news come from, and what only this browser knows."""

    page: str
    title: str
    events: str
    csrf: str
    word: str = ""
    """What came of the last deed, told once."""
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


def whole(scene: Scene, frame: Frame, body: Html) -> Html:
    """A page from the first byte to the last."""
    scripts = join(html('<script src="/static/{}" defer></script>', name) for name in ("live.js", *frame.scripts))
    styles = join(html('<link rel="stylesheet" href="/static/{}">', name) for name in (*frame.styles, "app.css"))
    word = html('<p class="word" role="status">{}</p>', frame.word) if frame.word else NOTHING
    return html(
        _WHOLE,
        title=frame.title,
        session=scene.overview.session or "session",
        venue=scene.overview.venue,
        styles=styles,
        scripts=scripts,
        events=frame.events,
        links=_links(frame.page),
        strip=strip(scene),
        badges=badges(scene),
        word=word,
        body=body,
        csrf=frame.csrf,
        version=scene.overview.version,
    )


def bare(title: str, body: Html, scripts: tuple[str, ...] = ()) -> Html:
    """A page for who is not logged in, or went wrong."""
    told = join(html('<script src="/static/{}" defer></script>', name) for name in scripts)
    return html(_BARE, title=title, scripts=told, body=body)


def common(scene: Scene) -> dict[str, Html]:
    """The pieces that are on every page."""
    return {"strip": strip(scene), "badges": badges(scene)}


def badges(scene: Scene) -> Html:
    """What must be seen from every page: a tripped switch, alarms that wait."""
    parts = []
    for scope, reason in scene.killed.items():
        what = "all strategies" if scope == ACCOUNT else scope
        parts.append(html('<a class="banner bad" href="/kill">■ Kill switch tripped for {}: {}</a>', what, reason))
    critical = [row for row in scene.overview.alarms if row.state == "open" and row.severity == "critical"]
    if critical:
        more = f" (and {len(critical) - 1} more)" if len(critical) > 1 else ""
        parts.append(html('<a class="banner bad" href="/alerts">▲ {}{}</a>', critical[0].title, more))
    return join(parts)


def strip(scene: Scene) -> Html:
    """The figures that matter always."""
    told, account = scene.overview, scene.overview.report.account
    waiting = sum(row.state == "open" and row.severity != "info" for row in told.alarms)
    missing = sum(not row.closed for row in told.report.gaps)
    live = sum(row.state == "live" for row in told.report.feeds)
    worst = max((row.lag_ms.p99 for row in told.report.feeds), default=0.0)
    profits = [row.profit for row in account.orders] if account is not None else []
    total = str(sum(map(float, profits))) if profits and all(profits) else ""
    law = told.report.conservation
    feeds = len(told.report.feeds)
    cells = (
        ("Profit today", money(total), ""),
        ("Feeds live", f"{live} / {feeds}", "" if live == feeds else "bad"),
        ("Lag p99", milliseconds(worst), ""),
        ("Gaps open", count(missing), "watch" if missing else ""),
        ("Alerts", count(waiting), "bad" if waiting else ""),
        ("Events", count(law.received + law.backfilled), ""),
        ("Market", told.phase, ""),
        ("Up", seconds(told.uptime_s), ""),
    )
    told_cells = join(
        html('<div class="{}"><dt>{}</dt><dd>{}</dd></div>', kind, name, value) for name, value, kind in cells
    )
    return html(
        '<dl>{}</dl><p class="now">Market time <time>{}</time></p>', told_cells, told.now[:19].replace("T", " ")
    )


def _links(page: str) -> Html:
    return join(
        html(
            '<li><a href="{}"{} class="to-{}"><span class="sign" aria-hidden="true">{}</span><span>{}</span></a></li>',
            path, Html(' aria-current="page"') if name == page else NOTHING, name, sign, title,
        )
        for name, path, title, sign in PAGES
    )  # fmt: skip


_HEAD: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>{title} · gapless</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
"""
_WHOLE: Final = (
    _HEAD
    + """{styles}
<script src="/static/theme.js"></script>
{scripts}
</head>
<body data-events="{events}">
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/" aria-label="gapless, to the overview">
<img src="/static/icon.svg" alt="" width="22" height="22"><span>gapless</span></a>
<p class="session"><strong>{session}</strong> <span class="venue">{venue}</span></p>
<p id="pulse" class="pulse" role="status">connecting</p>
<button type="button" class="quiet" id="theme" aria-label="Switch between dark and light">◐</button>
<button type="submit" class="quiet" form="deed" formaction="/logout">Log out</button>
</header>
<nav class="pages" aria-label="Pages"><ul>{links}</ul></nav>
<main id="main" tabindex="-1">
<div class="piece" id="badges" aria-live="polite">{badges}</div>
<section class="strip piece" id="strip" aria-label="At one look">{strip}</section>
<h1>{title}</h1>
{word}{body}
</main>
<form id="deed" method="post" action="/logout"><input type="hidden" name="csrf" value="{csrf}"></form>
<footer>gapless {version} · charts by <a href="https://www.tradingview.com/" rel="noreferrer">TradingView</a>
(Lightweight Charts) and uPlot · <a href="/static/vendor/NOTICE.txt">licences</a></footer>
</body>
</html>
"""
)
_BARE: Final = (
    _HEAD
    + """<link rel="stylesheet" href="/static/app.css">
<script src="/static/theme.js"></script>
{scripts}
</head>
<body class="bare">
<main id="main">
<p class="brand"><img src="/static/icon.svg" alt="" width="28" height="28"><span>gapless</span></p>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
)
