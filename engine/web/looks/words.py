"""Figures and states as a person reads them; every state has a sign and a word, and never only a colour."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from engine.web.looks.html import NOTHING, Html, html, join

NONE: Final = "\u2013"
"""In place of a figure that is not known."""
MINUS: Final = "\u2212"
"""As long as a plus."""
_GOOD: Final = ("live", "running", "ready", "listening", "recording", "armed", "finished", "ended", "over")
_WATCH: Final = (
    "waiting",
    "quiet",
    "starting",
    "connecting",
    "waits",
    "restarting",
    "acknowledged",
    "paused",
    "backfill",
)
_BAD: Final = ("silent", "lost", "failed", "tripped", "open", "unknown", "stopped")
_SIGNS: Final = {
    "live": "●", "running": "●", "ready": "●", "listening": "●", "recording": "●", "armed": "●",
    "finished": "✓", "filled": "✓",
    "waiting": "◌", "quiet": "◐", "silent": "▲", "halted": "■", "closed": "○", "lost": "▲", "failed": "✕",
    "restarting": "↻", "tripped": "■", "stopped": "■", "paused": "❚❚", "open": "▲", "acknowledged": "◐", "over": "✓",
}  # fmt: skip


def tone(state: str) -> str:
    """The class of a state: ``good``, ``watch``, ``bad`` or ``calm``."""
    word = state.split(" ", 1)[0]
    return "good" if word in _GOOD else "watch" if word in _WATCH else "bad" if word in _BAD else "calm"


def pill(state: str, kind: str = "") -> Html:
    """A state with its sign."""
    sign = _SIGNS.get(state.split(" ", 1)[0], "○")
    return html('<span class="pill {}"><span aria-hidden="true">{}</span> {}</span>', kind or tone(state), sign, state)


def count(number: int) -> str:
    """With thousands apart: 1 234 567."""
    return f"{number:,}".replace(",", "\u202f")


def seconds(value: float | None) -> str:
    """A duration in the unit that suits it."""
    if value is None:
        return NONE
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    if value < 7200:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h"


def milliseconds(value: float) -> str:
    """A lag; 0: none was measured."""
    if not value:
        return NONE
    if value >= 1000:
        return seconds(value / 1000)
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value * 1000:.0f} µs"


def clock(instant: str) -> Html:
    """The time of day of an RFC 3339 instant, with the whole of it at hand."""
    time = instant.partition("T")[2][:8]
    return html('<time datetime="{}" title="{}">{}</time>', instant, instant, time or instant)


def money(text: str) -> Html:
    """Dollars with a sign, that needs no colour: an arrow, and plus or minus."""
    if not text:
        return html('<span class="none">{}</span>', NONE)
    number = float(text)
    kind, sign, mark = ("up", "+", "▲") if number > 0 else ("down", MINUS, "▼") if number < 0 else ("even", "", "")
    arrow = html('<span class="arrow" aria-hidden="true">{}</span>', mark) if mark else NOTHING
    return html('<span class="money {}">{}{}{}</span>', kind, arrow, sign, f"{abs(number):,.2f}")


def price(text: str) -> str:
    """A price with two places at least, and four at most from a dollar up."""
    if not text:
        return NONE
    if abs(float(text)) >= 1:  # an average price may have many places; of a coin worth less than a cent all count
        text = f"{float(text):.4f}".rstrip("0")
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"


def side(text: str) -> Html:
    """Which way an order goes."""
    buy = text == "buy"
    return html('<span class="side {}">{} {}</span>', "up" if buy else "down", "▲" if buy else "▼", text or NONE)


Column = tuple[str, str]
"""A heading, and the classes of its cells: ``num`` for figures, ``wide`` for what a telephone has no room for, ``name``
for what somebody named, at any length."""


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[object]], empty: str) -> Html:
    """A table that says what it is, or one sentence where there is nothing to show."""
    lines = [join(_cell(number, value, columns[number][1]) for number, value in enumerate(row)) for row in rows]
    if not lines:
        return html('<p class="empty">{}</p>', empty)
    head = join(html('<th scope="col" class="{}">{}</th>', kind, name) for name, kind in columns)
    body = join(html("<tr>{}</tr>", line) for line in lines)
    return html(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table><caption>{}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        caption, caption, head, body,
    )  # fmt: skip


def _cell(number: int, value: object, kind: str) -> Html:
    if number == 0:
        return html('<th scope="row" class="{}">{}</th>', kind, value)
    return html('<td class="{}">{}</td>', kind, value)


def panel(name: str, title: str, inner: Html, *, kind: str = "", note: str = "") -> Html:
    """A titled part of a page; what is in it is the piece with this name."""
    told = html('<p class="note">{}</p>', note) if note else NOTHING
    return html(
        '<section class="panel {}" aria-labelledby="{}-title"><header><h2 id="{}-title">{}</h2>{}</header>'
        '<div class="piece" id="{}">{}</div></section>',
        kind, name, name, title, told, name, inner,
    )  # fmt: skip


Draw = Callable[[], Html]
