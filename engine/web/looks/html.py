"""Text into HTML, escaped unless it is HTML already: no page here is made in another way."""

from collections.abc import Iterable
from html import escape
from typing import Final


class Html(str):
    """Text that is HTML. Only `html` and `join` make it, out of templates that are written down in this program."""

    __slots__ = ()


NOTHING: Final = Html("")


def html(template: str, *values: object, **named: object) -> Html:
    """Fill a template as ``str.format`` does, with every value escaped that is not `Html`.

    >>> html("<b>{}</b>", "1 < 2")
    '<b>1 &lt; 2</b>'
    """
    return Html(
        template.format(*(_safe(value) for value in values), **{name: _safe(value) for name, value in named.items()})
    )


def join(parts: Iterable[Html], between: str = "") -> Html:
    """One after the other."""
    return Html(between.join(parts))


def _safe(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))
