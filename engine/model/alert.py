"""What a person should know: a finding, before anybody decided whether and how to wake somebody for it.

A finding has a key, and the key is what it is about. Whatever is found under one key is one alarm, however often it is
found, and it is over when whoever found it says that it no longer holds.
"""

from enum import StrEnum
from typing import Final

from attrs import field, frozen, validators

TITLE_CHARS_MAX: Final = 160
"""A title is one line of a telephone's screen or of a mail's subject."""


class Severity(StrEnum):
    """How soon somebody has to look. Only `CRITICAL` wakes people: see `engine.core.alerts`."""

    INFO = "info"
    """Good to know: a recovery, the daily word that all is well."""
    WARNING = "warning"
    """Look when you are at it: the engine goes on, with less than it should have."""
    CRITICAL = "critical"
    """Look now: the engine is blind, stopped, or cannot be sure of its orders."""

    @property
    def rank(self) -> int:
        """From 0, the least."""
        return _RANKS[self]


_RANKS: Final = {severity: rank for rank, severity in enumerate(Severity)}


@frozen(kw_only=True)
class Finding:
    """Something that holds, or that happened. ``at_ns``: since when or when, market time.

    ``key`` begins with what found it, such as ``silent/iex/trades/SPY``. ``title`` says what and where in one line,
    ``text`` what that means and what to do next.
    """

    key: str
    severity: Severity
    title: str = field(validator=validators.max_len(TITLE_CHARS_MAX))
    text: str = ""
    at_ns: int = 0


@frozen(kw_only=True)
class Alarm:
    """A finding as it stands. ``count``: how often it was found; ``since_s``, ``last_s``: seconds since the epoch.

    ``acknowledged``: who did, empty while nobody has. ``over``: it no longer holds, and is kept to be looked at.
    """

    finding: Finding
    since_s: float
    last_s: float
    count: int = 1
    acknowledged: str = ""
    over: bool = False
