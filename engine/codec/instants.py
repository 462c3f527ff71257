"""Instants on the wire: RFC 3339 text in JSON, the timestamp extension (-1) in MessagePack, integers inside.

Both are exact to the nanosecond, which msgspec's own ``datetime`` is not; hence fields typed ``Ext`` and ``str`` that
are turned into integers here. These are the innermost loops of the decoder: a frame's messages mostly share a second,
so a whole frame's texts are split in one go and cost little more than one ``int`` of each fraction.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import unpack
from typing import Final, Protocol, TypeVar

from msgspec.msgpack import Ext

from engine.model.instant import NS_PER_S, parse_instant, render_instant

I_co = TypeVar("I_co", covariant=True)

_TIMESTAMP: Final = -1
# The 8-byte form: 30 bits of nanoseconds above 34 bits of seconds.
_SECONDS_BITS: Final = 34
_SECONDS_MASK: Final = (1 << _SECONDS_BITS) - 1
_SCALE: Final[tuple[int, ...]] = tuple(10 ** (9 - digits) for digits in range(10))
# "2026-03-02T14:31:07." is 20 characters, and at most nine digits and the Z follow.
_HEAD: Final = 20


class Stamped(Protocol[I_co]):
    """A wire message with the instant it is ordered by."""

    @property
    def stamp(self) -> I_co: ...


def parse_ext(ext: Ext) -> int:
    """Read a timestamp extension of 4, 8 or 12 bytes; raises ``ValueError`` for anything else."""
    data: bytes = ext.data  # type: ignore[assignment]  # a decoded extension always holds bytes
    size = len(data)
    if ext.code == _TIMESTAMP:
        if size == 8:
            both = int.from_bytes(data, "big")
            ns, seconds = both >> _SECONDS_BITS, both & _SECONDS_MASK
        elif size == 4:
            ns, seconds = 0, int.from_bytes(data, "big")
        elif size == 12:
            ns, seconds = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big", signed=True)
        else:
            raise ValueError(f"a timestamp extension has 4, 8 or 12 bytes, not {size}")
        if ns < NS_PER_S:
            return seconds * NS_PER_S + ns
        raise ValueError(f"a timestamp extension holds {ns} ns, more than a second")
    raise ValueError(f"extension {ext.code} is not a timestamp (-1)")


def render_ext(ns: int) -> Ext:
    """Write an instant in the smallest form that holds it."""
    seconds, fraction = divmod(ns, NS_PER_S)
    if 0 <= seconds <= _SECONDS_MASK:
        if fraction or seconds >> 32:
            return Ext(_TIMESTAMP, (fraction << _SECONDS_BITS | seconds).to_bytes(8, "big"))
        return Ext(_TIMESTAMP, seconds.to_bytes(4, "big"))
    return Ext(_TIMESTAMP, fraction.to_bytes(4, "big") + seconds.to_bytes(8, "big", signed=True))


def parse_exts(wires: Sequence[Stamped[Ext]]) -> list[int]:
    """The instants of a frame; raises ``ValueError`` if one of them is none."""
    stamps = [wire.stamp for wire in wires]
    parts: list[bytes] = [ext.data for ext in stamps]  # type: ignore[misc]  # a decoded extension always holds bytes
    if set(map(len, parts)) == {8} and {ext.code for ext in stamps} == {_TIMESTAMP}:
        # The usual form, unpacked at once; the constants are written out: a global costs a tenth of this loop.
        return [
            (both >> 34) + (both & 0x3FFFFFFFF) * 1_000_000_000 for both in unpack(f">{len(parts)}Q", b"".join(parts))
        ]
    return [parse_ext(ext) for ext in stamps]


# A burst shares its second; 4096 of them are over an hour and about 0.5 MB.
@lru_cache(maxsize=4096)
def _second_ns(head: str) -> int:
    """The nanoseconds of ``YYYY-MM-DDTHH:MM:SS.``."""
    return parse_instant(f"{head[:-1]}Z")


@lru_cache(maxsize=4096)
def _second_text(seconds: int) -> str:
    """``YYYY-MM-DDTHH:MM:SS``."""
    return render_instant(seconds * NS_PER_S)[:-1]


def parse_text(text: str) -> int:
    """Read RFC 3339 text, its usual shape without a regular expression; raises ``ValueError`` when it is none."""
    digits = text[_HEAD:-1]
    if digits.isdecimal() and digits.isascii() and len(digits) <= 9 and text[-1] == "Z" and text[_HEAD - 1] == ".":
        return _second_ns(text[:_HEAD]) + int(digits) * _SCALE[len(digits)]
    return parse_instant(text)


def render_text(ns: int) -> str:
    """Write an instant as Alpaca does: trailing zeros trimmed."""
    seconds, fraction = divmod(ns, NS_PER_S)
    if fraction:
        return f"{_second_text(seconds)}.{fraction:09d}".rstrip("0") + "Z"
    return _second_text(seconds) + "Z"


def parse_texts(wires: Iterable[Stamped[str]]) -> list[int]:
    """The instants of a frame; raises ``ValueError`` if one of them is none."""
    texts = [wire.stamp for wire in wires]
    instants = _parse_burst(texts) if len(texts) > 1 else None
    return [parse_text(text) for text in texts] if instants is None else instants


def _parse_burst(texts: list[str]) -> list[int] | None:
    """All at once if they share a second and all have a fraction, else ``None``; nearly every busy frame does.

    Joined by ``|``, neighbours of one second meet in ``Z|2026-03-02T14:31:07.``, so splitting there leaves the
    fractions alone. Exactly one digit string for each text proves that there was nothing else.
    """
    second = texts[0][:_HEAD]
    joined = "|".join(texts)
    if second[-1:] != "." or joined[-1] != "Z":
        return None
    fractions = joined[_HEAD:-1].split(f"Z|{second}")
    digits = "".join(fractions)
    if len(fractions) != len(texts) or not (digits.isdecimal() and digits.isascii()):
        return None
    start, scale = _second_ns(second), _SCALE
    try:
        return [start + int(fraction) * scale[len(fraction)] for fraction in fractions]
    except IndexError:  # more than nine digits
        return None
