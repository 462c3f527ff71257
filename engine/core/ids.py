"""Our own ids of orders: made of the session, the strategy and a counter, and never of chance.

An id that can be computed again is what makes sending safe: it is on disk before the order leaves, an order that may or
may not have arrived can be asked for by it, and sending it twice is refused by the venue instead of traded twice. It
also says whose order it is, to us and to whoever reads the venue's records.
"""

import re
from hashlib import blake2b
from typing import Final

STRATEGY_MAX: Final = 64
"""Characters of a strategy's part. With 16 of the session and 18 digits of a counter an id stays under 100 characters;
the venue takes 128 (Alpaca's API reference)."""
SEQ_MAX: Final = 10**18 - 1
"""More orders than any session sends, and still few enough digits for the length above."""
KILL_PREFIX: Final = "kill-"
"""Begins the ids of the orders of ``gapless kill``, which no strategy places."""
_SESSION: Final = re.compile(r"[a-z0-9]{4,16}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.]")
_ID: Final = re.compile(rf"([a-z0-9]{{4,16}})-([A-Za-z0-9_.]{{1,{STRATEGY_MAX}}})-(0|[1-9][0-9]{{0,17}})")
_MARK: Final = "."
"""Stands before the digest in a changed name, and is not allowed to stand there by itself."""
_DIGEST_BYTES: Final = 5
"""Ten characters: two names of a thousand collide once in two billion installations."""
_CHANGED: Final = re.compile(rf"\{_MARK}[0-9a-f]{{{2 * _DIGEST_BYTES}}}$")


def render_client_order_id(session: str, strategy: str, seq: int) -> str:
    """The id of a strategy's order: ``session-strategy-seq``, at most 100 characters.

    ``session`` is 4 to 16 of a-z and 0-9. In the strategy's name every character but letters, digits, ``_`` and ``.``
    becomes ``_``; a name that was changed or cut ends in a digest of the whole, so that no two names give one id.
    Raises `ValueError` for a session or a number that no id can be made of.

    >>> render_client_order_id("k3x9", "sma_cross", 7), render_client_order_id("k3x9", "my strategy", 7)
    ('k3x9-sma_cross-7', 'k3x9-my_strategy.2e322b6b59-7')
    """
    if not _SESSION.fullmatch(session):
        raise ValueError(f"a session is named by 4 to 16 of a-z and 0-9, not {session!r}")
    if not 0 <= seq <= SEQ_MAX:
        raise ValueError(f"orders are counted from 0 to {SEQ_MAX}, not {seq}")
    return f"{session}-{safe_name(strategy)}-{seq}"


def safe_name(strategy: str) -> str:
    """A strategy's name as it stands in ids: the name itself where that is possible."""
    safe = _UNSAFE.sub("_", strategy)
    if safe == strategy and 0 < len(safe) <= STRATEGY_MAX and not _CHANGED.search(safe):
        return safe
    digest = blake2b(strategy.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{safe[: STRATEGY_MAX - len(digest) - 1]}{_MARK}{digest}"


def parse_client_order_id(text: str) -> tuple[str, str, int] | None:
    """Session, strategy (as `safe_name` writes it) and number of an id of ours; ``None`` for anybody else's.

    >>> parse_client_order_id("k3x9-sma_cross-7"), parse_client_order_id("by hand")
    (('k3x9', 'sma_cross', 7), None)
    """
    match = _ID.fullmatch(text)
    return None if match is None else (match[1], match[2], int(match[3]))
