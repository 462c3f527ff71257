"""Time as one integer: nanoseconds since 1970-01-01T00:00:00Z.

Venues stamp events to the nanosecond and ``datetime`` stops at the microsecond, so everything inside counts
nanoseconds and text appears only at the edges. RFC 3339 as Alpaca writes it: UTC, ``Z``, nought to nine digits of
fraction with trailing zeros trimmed (its REST replies also use offsets such as ``-04:00``).
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

NS_PER_S: Final = 1_000_000_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)


# A burst shares its second: 4096 different seconds are over an hour of them, and cost about 0.5 MB.
@lru_cache(maxsize=4096)
def _second_ns(text: str) -> int:
    """The nanoseconds of ``YYYY-MM-DDTHH:MM:SS`` taken as UTC."""
    whole = datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH
    return (whole.days * 86_400 + whole.seconds) * NS_PER_S


def parse_instant(text: str) -> int:
    """Read RFC 3339 text; raises ``ValueError`` with the text when it is not an instant.

    >>> parse_instant("2026-03-02T14:31:07.123456789Z")
    1772461867123456789
    >>> parse_instant("2026-03-02T10:31:07-04:00") == parse_instant("2026-03-02T14:31:07Z")
    True
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 instant such as 2026-03-02T14:31:07.5Z")
    ns = _second_ns(f"{text[:10]}T{text[11:19]}") + int((match[7] or "0").ljust(9, "0"))
    if match[9]:
        offset_s = int(match[10]) * 3600 + int(match[11]) * 60
        ns -= offset_s * NS_PER_S if match[9] == "+" else -offset_s * NS_PER_S
    return ns


@lru_cache(maxsize=4096)
def _second_text(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def render_instant(ns: int) -> str:
    """Write an instant as Alpaca does: ``Z``, and no digit of fraction that is not needed.

    >>> render_instant(1772461867500000000)
    '2026-03-02T14:31:07.5Z'
    """
    seconds, fraction = divmod(ns, NS_PER_S)
    text = _second_text(seconds)
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else text + "Z"
