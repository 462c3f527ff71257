"""The settings ``[alerts]``: how alarms reach a person. Where they are sent to is secret, and never in a file."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from attrs import Attribute, field, frozen, validators

from engine.core.alerts import AlertPolicy, parse_moment, parse_quiet
from engine.errors import Misconfigured

CHANNELS_MAX: Final = 16
"""Each channel has a queue and up to one thread; nobody reads more."""

_Check: TypeAlias = Callable[[Any, "Attribute[Any]", Any], None]


def _reads_as(read: Callable[[str], object]) -> _Check:
    """A validator for text that means something: empty, or as ``read`` takes it."""

    def check(_instance: object, _attribute: "Attribute[Any]", value: str) -> None:
        if value:
            read(value)

    return check


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{name!r} is not a time zone such as Europe/Berlin") from None


@frozen
class AlertSettings:
    """When, how often and to whom. Times of the day are those of ``timezone``."""

    channels: tuple[str, ...] = field(default=(), validator=validators.max_len(CHANNELS_MAX))
    """Environment variables that hold addresses, beside GAPLESS_ALERT_URLS: ``MAIL``, ``critical=PHONE``,
    ``critical,further=PARTNER``."""
    quiet_hours: str = field(default="", validator=_reads_as(parse_quiet))
    """Such as ``22:00-07:00``: only what is critical is told then, all else in one digest afterwards."""
    heartbeat_at: str = field(default="", validator=_reads_as(parse_moment))
    """Such as ``09:00``: a word each day that all is well, or what is not. Empty: none."""
    timezone: str = field(default="", validator=_reads_as(_zone))
    """Such as ``Europe/Berlin``; empty: that of this machine."""
    notices_max: int = field(default=20, validator=validators.ge(5))
    """At most so many notices within ``window_s``, whatever happens; what is more is told together."""
    window_s: float = field(default=600.0, validator=validators.ge(60))
    settle_s: float = field(default=60.0, validator=validators.ge(0))
    """A condition that comes back within this many seconds has not been away."""
    remind_after_s: float = field(default=300.0, validator=validators.ge(10))
    """What is critical is told again after this, then after ever longer, until somebody acknowledges it."""
    remind_max_s: float = field(default=3600.0, validator=validators.ge(10))
    """The longest time between two reminders."""
    escalate_after_s: float = field(default=600.0, validator=validators.ge(10))
    """What is critical and not acknowledged for this long is told to the ``further`` channels too."""

    def policy(self) -> AlertPolicy:
        """What the book goes by; raises `Misconfigured` for a heartbeat that quiet hours would hold back."""
        quiet = parse_quiet(self.quiet_hours) if self.quiet_hours else None
        heartbeat = parse_moment(self.heartbeat_at) if self.heartbeat_at else None
        if quiet is not None and heartbeat is not None and quiet.covers(heartbeat):
            raise Misconfigured(
                f"[alerts] heartbeat_at = {self.heartbeat_at} lies in quiet_hours = {self.quiet_hours}: choose another "
                "time for it."
            )
        return AlertPolicy(
            quiet=quiet,
            heartbeat_at=heartbeat,
            notices_max=self.notices_max,
            window_s=self.window_s,
            settle_s=self.settle_s,
            remind_after_s=self.remind_after_s,
            remind_max_s=max(self.remind_max_s, self.remind_after_s),
            escalate_after_s=self.escalate_after_s,
        )

    def zone(self) -> ZoneInfo | None:
        """The zone that people live in; ``None``: that of this machine."""
        return _zone(self.timezone) if self.timezone else None
