"""Settings of ``[health]``: where the engine says how it is, and when its loop counts as frozen."""

from ipaddress import ip_address
from typing import Final

from attrs import field, frozen, validators

from engine.errors import Misconfigured

PORT_MAX: Final = 65_535
FROZEN_MIN_S: Final = 0.5
"""The loop beats four times a second: less would call a busy one frozen."""
FROZEN_MAX_S: Final = 3600.0
"""A venue has dropped the line after seconds; more than an hour is a mistake, and too long for a thread to wait."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@frozen
class HealthSettings:
    """Health, metrics and the watchdog of a session."""

    port: int | None = field(default=None, validator=validators.optional([validators.ge(0), validators.le(PORT_MAX)]))
    """Of ``/healthz``, ``/readyz`` and ``/metrics``; ``None``: they are not served; 0: a free one, which is told."""
    host: str = "127.0.0.1"
    """Where to listen."""
    expose: bool = False
    """Whether other machines may be let in: what is served shows positions and profit, and asks nobody for a login."""
    frozen_after_s: float = field(default=2.0, validator=[validators.ge(FROZEN_MIN_S), validators.le(FROZEN_MAX_S)])
    """The loop counts as frozen when it has not come round for this long. It beats four times a second."""

    def __attrs_post_init__(self) -> None:
        if not self.expose and not is_loopback(self.host):
            raise Misconfigured(
                f"Setting health.host is {self.host}, which lets other machines see positions and profit without a "
                "login: set health.expose = true if that is meant, or leave health.host at 127.0.0.1."
            )
