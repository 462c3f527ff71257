"""Invariants 8 and 9: how often REST is asked, and whether a wish for quiet is respected."""

from collections import deque
from typing import Final

from attrs import define, field

from engine.exchange.rest.http import Response
from engine.exchange.rest.received import Received
from engine.exchange.rest.server import DATA_PATHS, TOO_MANY
from engine.testing.simulate.judge.ground import Ground, broken
from engine.testing.simulate.watch import Life, Watch

WINDOW_S: Final = 60.0
COMPRESSED: Final = 24
"""Requests that a slow network may bring later than they were sent: all that can be under way at once."""
GRACE_S: Final = 1.5
"""A request that was sent before the wish for quiet arrived comes behind it."""
EARLY_S: Final = 0.5
"""``Retry-After`` is whole seconds, and both ways take some milliseconds."""
CHANGES: Final = frozenset({"POST", "PATCH", "DELETE"})
"""What is urgent may be asked once a second in spite of it; only questions have to keep quiet."""
STREAMS: Final = ("/v2/events", "/v1/events", "/v2beta1/events", "/v1beta1/events")
"""The replay of events is a stream that is opened, by its own supervisor."""
CLOCK: Final = "/v2/clock"
"""Asked once a minute whatever happens, beside the budget: market time has to go on. Neither held to the quiet, nor is
what it is answered with known to those who are."""
SLOWED: Final = ("net_latency", "net_freeze", "net_trickle", "net_away", "sleep", "black_hole", "slow_pages")
"""After one of these a request may arrive long after it was sent."""
SLOWED_S: Final = 90.0


@define(eq=False)
class _Side:
    """One of the two hosts: data or trading."""

    came_s: deque[float] = field(factory=deque)
    told_s: float = 0.0
    quiet_until_s: float = 0.0


@define(eq=False)
class Asking(Watch):
    """Counts by life, since a new one cannot know what the old one asked."""

    ground: Ground
    _sides: dict[bool, _Side] = field(factory=dict)

    def engine_started(self, life: Life) -> None:
        """A new account of what was asked."""
        del life
        self._sides.clear()

    def requested(self, received: Received, response: Response) -> None:
        """One request and its reply."""
        if self.ground.life is None:
            return
        now_s = self.ground.now_s
        side = self._sides.setdefault(received.path.startswith(DATA_PATHS), _Side())
        side.came_s.append(now_s)
        while side.came_s[0] <= now_s - WINDOW_S:
            side.came_s.popleft()
        told = {name.lower(): value for name, value in response.headers}
        limit = told.get("x-ratelimit-limit", "")
        if limit.isdigit() and len(side.came_s) > int(limit) + COMPRESSED and not self._slowed():
            broken(8, f"{len(side.came_s)} requests within a minute, and the venue allows {limit}: {received.path}")
        self._check_quiet(side, received, now_s)
        asked = told.get("retry-after", "")
        if received.path == CLOCK:
            return
        if response.status == TOO_MANY and asked.isdigit() and not (response.reset or response.silent or response.cut):
            side.told_s = max(side.told_s, now_s + response.delay_s)
            side.quiet_until_s = max(side.quiet_until_s, now_s + response.delay_s + int(asked))

    def _check_quiet(self, side: _Side, received: Received, now_s: float) -> None:
        early = side.told_s + GRACE_S < now_s < side.quiet_until_s - EARLY_S
        if (
            early
            and received.method not in CHANGES
            and not received.path.startswith((*STREAMS, CLOCK))
            and not self._slowed()
        ):
            left_s = side.quiet_until_s - now_s
            broken(
                9, f"{received.method} {received.path} came {left_s:.1f} s before the venue wanted to be asked again"
            )

    def _slowed(self) -> bool:
        return any(self.ground.now_s - self.ground.fault_s.get(kind, -SLOWED_S) < SLOWED_S for kind in SLOWED)
