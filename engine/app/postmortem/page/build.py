"""The page put together: parts in order, style and scripts inside, and a policy that forbids everything else."""

import base64
import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from engine.app.postmortem.page.charts import chart_data
from engine.app.postmortem.page.html import Clock, Markup, clock_of, data, join, tag
from engine.app.postmortem.page.line import lags, nothing_happened, settings, streams, timeline
from engine.app.postmortem.page.performance import equity, findings, key_figures, measures, strategies
from engine.app.postmortem.page.trading import fills, prices, trades
from engine.app.postmortem.story import Story
from engine.app.postmortem.units import duration
from engine.core.bars import is_crypto
from engine.model.instant import NS_PER_S

_STATIC: Final = files("engine.app.postmortem.page") / "static"
_VENDOR: Final = files("engine") / "web" / "static" / "vendor"
"""What others wrote is there once, and the dashboard loads the same."""
_PARTS: Final = (
    ("equity", "Equity"),
    ("measures", "Measures"),
    ("strategies", "Strategies"),
    ("prices", "Prices"),
    ("trades", "Trades"),
    ("fills", "Fills"),
    ("timeline", "Lines and gaps"),
    ("lag", "Lag"),
    ("streams", "Streams"),
    ("settings", "Settings"),
)


def build_page(story: Story) -> str:
    """The whole page as text: it refers to nothing outside of itself."""
    clock = clock_of(story.start_ns, story.end_ns, crypto=bool(story.told) and any(map(is_crypto, story.told)))
    title = f"{story.who or 'session'}, {clock.day(story.start_ns)}"
    parts = [
        equity(story, clock),
        measures(story),
        strategies(story),
        prices(story),
        trades(story, clock),
        fills(story, clock),
        timeline(story, clock),
        lags(story),
        streams(story, clock),
        settings(story),
    ]
    body = [
        _header(story, clock),
        nothing_happened(story),
        findings(story),
        key_figures(story),
        _contents(join(parts)),
        *parts,
        tag("footer", "Written by gapless ", tag("code", "report"), ". Charts by uPlot (MIT licence, Leon Sorokin)."),
    ]
    uplot = f"/*\n{_read(_VENDOR / 'uplot-LICENSE.txt')}*/\n{_read(_VENDOR / 'uPlot.iife.min.js')}"
    scripts = [uplot, _read(_STATIC / "page.js")]
    shown = {**chart_data(story), "zone": clock.zone}
    whole = join(
        [
            tag("head", *_head(title, scripts)),
            tag(
                "body",
                tag("main", *body),
                tag("script", data(shown), type="application/json", id="data"),
                *(tag("script", Markup(script)) for script in scripts),
            ),
        ]
    )
    return f"<!doctype html>\n{tag('html', whole, lang='en')}\n"


def _head(title: str, scripts: list[str]) -> list[Markup]:
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts)
    policy = f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
    return [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{title} - gapless report"),
        tag("style", Markup(_read(_VENDOR / "uPlot.min.css") + _read(_STATIC / "page.css"))),
    ]


def _header(story: Story, clock: Clock) -> Markup:
    manifest = story.manifest
    lasted = duration((story.end_ns - story.start_ns) / NS_PER_S)
    span = f"{clock.day(story.start_ns)}, {clock(story.start_ns)} to {clock(story.end_ns)} {clock.name} ({lasted})"
    ended = story.closing.get("ended_by")
    state = (f"ended: {ended}" if ended else "ended") if manifest.finished else "no end recorded"
    badges = [
        tag("span", manifest.venue or "unknown venue", cls="badge"),
        tag("span", state, cls="badge" if manifest.finished else "badge bad"),
    ]
    account = story.closing.get("account") or {}
    if account.get("shadow") and not account.get("replay"):
        badges.append(tag("span", "shadow: no order was sent", cls="badge"))
    return tag("header", tag("h1", story.who or "A session without strategies"), tag("p", span), tag("p", *badges))


def _contents(parts: Markup) -> Markup:
    links = [tag("a", name, href=f"#{place}") for place, name in _PARTS if f'<section id="{place}"' in parts]
    return tag("nav", *links, aria_label="Parts of this page")


def _read(file: Traversable) -> str:
    """A file that the page holds. Raises ``OSError`` where the installation lacks it."""
    return file.read_text(encoding="utf-8")
