"""How much one connection may queue and how long it may take: the numbers, each with its reason."""

from typing import Final

from attrs import field, frozen

from engine.exchange.line.outbound import FRAME_EVENTS_MAX
from engine.exchange.line.session import Keys
from engine.exchange.tiers import PLUS, Tier

ROOM_EVENTS: Final = 2_000
"""At speed 0 the market waits while this many events wait for one line: some ten frames ahead of the socket."""
QUEUE_EVENTS_MAX: Final = 100_000
QUEUE_AGE_MAX_S: Final = 10.0
"""A client that is 100,000 events or ten seconds behind is told 407: about what a busy stream makes in that time."""
WRITE_BYTES_MAX: Final = 65_536
"""Frames are put together up to this size for one write: the socket takes no more at once anyway."""
ANSWERS_MAX: Final = 16
"""Answers that wait for a client before it is heard again: to a subscription it can be megabytes of names."""
SEND_WITHIN_S: Final = 120.0
"""A peer that takes nothing for two minutes is dead, however patient speed 0 is with slow strategies."""
SLOW_GOODBYE_S: Final = 1.0
ABNORMAL: Final = 1006
"""The code that stands for "no close frame came"."""
UPGRADE_WITHIN_S: Final = 10.0
"""From TCP to the upgrade request, and from there to the answer; a loopback client needs milliseconds."""
CLOSE_WITHIN_S: Final = 2.0
"""A peer that does not answer a close frame in this time is cut off."""


@frozen
class LineOptions:
    """How connections are served, and what their account pays for (``tier``).

    ``ping_every_s`` ``None``: the exchange sends no pings, as far as known of Alpaca.
    """

    keys: Keys = field(factory=Keys)
    frame_events_max: int = FRAME_EVENTS_MAX
    ping_every_s: float | None = None
    pong_within_s: float = 5.0
    tier: Tier = PLUS
