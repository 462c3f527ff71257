"""What a person declares about alerts: how many at most, when not, and how insistent."""

import re
from datetime import time
from typing import Final

from attrs import field, frozen
from attrs.validators import ge, gt

_MOMENT: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


@frozen
class QuietHours:
    """A part of the day by the clock on the wall, which may span midnight. It begins at ``begin`` and ends before
    ``end``.

    It is a question about each moment and not a length of time, so the nights on which clocks are put forward or back
    are an hour shorter or longer, and nothing else.
    """

    begin: time
    end: time

    def __attrs_post_init__(self) -> None:
        if self.begin == self.end:
            raise ValueError("quiet hours begin and end at the same time: leave them away, or end them elsewhere")

    def covers(self, moment: time) -> bool:
        """Whether this moment is a quiet one."""
        if self.begin < self.end:
            return self.begin <= moment < self.end
        return moment >= self.begin or moment < self.end


@frozen(kw_only=True)
class AlertPolicy:
    """How alarms become notices. Seconds of any clock that does not go backwards."""

    quiet: QuietHours | None = None
    """When only what is critical is told."""
    heartbeat_at: time | None = None
    """When a day's word that all is well is told, by the clock on the wall."""
    notices_max: int = field(default=20, validator=ge(5))
    """Within ``window_s`` no more than this is told, whatever happens: what is more is told together."""
    window_s: float = field(default=600.0, validator=gt(0))
    settle_s: float = field(default=60.0, validator=ge(0))
    """A condition that comes back within this time has not been away."""
    remind_after_s: float = field(default=300.0, validator=gt(0))
    """What is critical and nobody has acknowledged is told again after this, then after twice this, and so on."""
    remind_max_s: float = field(default=3600.0, validator=gt(0))
    """The intervals of reminders grow up to this."""
    escalate_after_s: float = field(default=600.0, validator=gt(0))
    """What is critical and nobody has acknowledged for this long is told to the further channels too."""


def parse_moment(text: str) -> time:
    """A time of the day such as ``09:00``; raises ``ValueError``.

    >>> parse_moment("7:05")
    datetime.time(7, 5)
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time of the day such as 09:00")
    return time(int(match[1]), int(match[2]))


def parse_quiet(text: str) -> QuietHours:
    """Quiet hours such as ``22:00-07:00``; raises ``ValueError``."""
    begin, mark, end = text.partition("-")
    if not mark:
        raise ValueError(f"{text!r} is not a part of the day such as 22:00-07:00")
    return QuietHours(parse_moment(begin), parse_moment(end))
