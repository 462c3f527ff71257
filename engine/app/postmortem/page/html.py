"""HTML by functions: whatever is text is escaped, and only what was made here is markup."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from attrs import frozen

from engine.model.instant import NS_PER_S

TALL: Final = 20
"""Rows from which on a table scrolls by itself, so that what is below it is found."""
_VOID: Final = frozenset({"meta", "link", "br"})
_NAMES: Final = {"cls": "class", "for_": "for"}


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A value as text of a page."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element. Attributes that are ``None`` or ``False`` are left out; ``cls`` is the class, ``_`` is ``-``."""
    told = "".join(
        f" {_NAMES.get(key, key.replace('_', '-'))}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{told}>")
    return Markup(f"<{name}{told}>{''.join(map(text, children))}</{name}>")


def join(parts: Iterable[object]) -> Markup:
    """One behind the other."""
    return Markup("".join(map(text, parts)))


@frozen
class Column:
    """A column of a table. ``left``: text, else a number that stands right; ``signed``: marked by its sign."""

    title: str
    left: bool = False
    signed: bool = False
    tip: str = ""


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[object]], caption: str, *, more: int = 0, named: bool = True
) -> Markup:
    """A table that scrolls by itself where it is too large. ``caption`` is shown if ``named``, else only read out."""
    if not rows:
        return Markup("")
    head = tag(
        "tr", *(tag("th", one.title, scope="col", cls=_class(one, ""), title=one.tip or None) for one in columns)
    )
    body = (
        tag("tr", *(tag("td", cell, cls=_class(one, cell)) for one, cell in zip(columns, row, strict=True)))
        for row in rows
    )
    note = tag("p", f"and {more:,} more: see --json", cls="more") if more else Markup("")
    whole = tag(
        "table", tag("caption", caption, cls=None if named else "unseen"), tag("thead", head), tag("tbody", *body)
    )
    kind = "scroll tall" if len(rows) > TALL else "scroll"
    return join([tag("div", whole, cls=kind, tabindex="0", role="region", aria_label=caption), note])


def _class(column: Column, cell: object) -> str | None:
    kind = "l" if column.left else "n"
    if column.signed and isinstance(cell, str) and cell.startswith(("+", "-")):
        kind += " up" if cell[0] == "+" else " down"
    return kind


def section(title: str, *children: object, name: str, lead: str = "") -> Markup:
    """A part of the page with its heading."""
    heading = tag("h2", title, id=f"{name}-title")
    said = tag("p", lead, cls="lead") if lead else Markup("")
    return tag("section", heading, said, *children, id=name, aria_labelledby=f"{name}-title")


def details(summary: str, *children: object) -> Markup:
    """Something that opens when it is wanted."""
    return tag("details", tag("summary", summary), *children)


def data(value: Mapping[str, Any]) -> Markup:
    """Values for a script, in which nothing can end the element that holds them."""
    told = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        told = told.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(told)


@frozen
class Clock:
    """Instants as people read them: in the zone of the market, with the day where a session has several."""

    zone: str
    several_days: bool = False

    def __call__(self, ns: int, digits: int = 0) -> str:
        """Hours, minutes and seconds; ``digits`` of a second's fraction."""
        moment = datetime.fromtimestamp(ns // NS_PER_S, UTC).astimezone(self._zone)
        day = moment.strftime("%m-%d ") if self.several_days else ""
        fraction = f".{ns % NS_PER_S:09d}"[: digits + 1] if digits else ""
        return day + moment.strftime("%H:%M:%S") + fraction

    def day(self, ns: int) -> str:
        """The date."""
        return datetime.fromtimestamp(ns // NS_PER_S, UTC).astimezone(self._zone).strftime("%a %d %b %Y")

    @property
    def name(self) -> str:
        """What to call the zone."""
        return "New York time" if self.zone == "America/New_York" else self.zone

    @property
    def _zone(self) -> tzinfo:
        return ZoneInfo(self.zone) if self.zone != "UTC" else UTC


def clock_of(start_ns: int, end_ns: int, *, crypto: bool) -> Clock:
    """New York's time for what trades there, UTC for coins."""
    zone = "UTC" if crypto else "America/New_York"
    plain = Clock(zone)
    return Clock(zone, plain.day(start_ns) != plain.day(end_ns))
