"""Numbers for people: dollars, shares, durations; ``n/a`` where a measure is not defined."""

from typing import Final

NOTHING: Final = "n/a"
"""What stands where there is no number: it is not defined, or was not recorded."""
_LARGE: Final = 1e12
"""From here on a number is written with an exponent: no table has room for it."""


def dollars(value: float | None, *, signed: bool = False) -> str:
    """``$1,234.50``; ``signed``: with a plus as well."""
    if value is None:
        return NOTHING
    shown = round(value, 2) + 0.0
    sign = "-" if shown < 0 else "+" if signed and shown > 0 else ""
    return f"{sign}${abs(shown):,.2f}" if abs(shown) < _LARGE else f"{sign}${abs(shown):.3g}"


def percent(value: float | None, *, signed: bool = False) -> str:
    """A share as ``12.34 %``; small ones have more digits."""
    if value is None:
        return NOTHING
    digits = 2 if abs(value) >= 0.001 or not value else 4
    shown = round(value * 100, digits) + 0.0
    sign = "-" if shown < 0 else "+" if signed and shown > 0 else ""
    return f"{sign}{abs(shown):,.{digits}f} %" if abs(shown) < _LARGE else f"{sign}{abs(shown):.3g} %"


def number(value: float | None) -> str:
    """Two digits behind the point."""
    if value is None:
        return NOTHING
    shown = round(value, 2) + 0.0
    return f"{'-' if shown < 0 else ''}{abs(shown):,.2f}" if abs(shown) < _LARGE else f"{shown:.3g}"


def bps(value: float | None) -> str:
    """Basis points."""
    return NOTHING if value is None else f"{number(value)} bp"


def price(value: float | None) -> str:
    """A price: two digits, or four where it is below a dollar."""
    if value is None:
        return NOTHING
    digits = 2 if abs(value) >= 1 and round(value, 2) == round(value, 4) else 4
    return f"{value:,.{digits}f}"


def quantity(value: float) -> str:
    """Shares or coins, without digits that say nothing."""
    return f"{value:,.8f}".rstrip("0").rstrip(".")


def duration(seconds: float | None) -> str:
    """``2 d 3 h``, ``12 min 5 s``, ``0.5 s``: the two largest units."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + " s"
    parts = []
    left = round(seconds)
    for name, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size} {name}")
            left %= size
    return " ".join(parts[:2])


def milliseconds(value: float | None) -> str:
    """A time of the machine: ``0.12 ms``, ``1.5 s``."""
    if value is None:
        return NOTHING
    if value >= 10_000:
        return duration(value / 1000)
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"


def times(count: int) -> str:
    """How often: ``once``, ``3 times``."""
    return "once" if count == 1 else f"{count:,} times"
