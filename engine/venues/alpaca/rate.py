"""The queue in front of an account's request limit, in the order of coming, and a lane for what is urgent.

Every client of one account shares one `Throttle` for each of the venue's hosts, because the venue counts by account and
host. The arithmetic is ``core/rate.py``; here is only the waiting, in Trio's time, because the limit is about real
requests and not about market time.
"""

from collections.abc import Callable, Mapping
from typing import Final

import trio

from engine.core.rate import Lanes, Quota, parse_quota
from engine.errors import VenueBusy

LIMIT_PER_MIN: Final = 200
"""Alpaca's free plan; a larger limit is learned from the first reply."""
RESERVE_SHARE: Final = 0.25
"""Of the trading host's minute, what is kept for cancels and exits: 50 of 200 requests, 40 of them at once, so that
as many orders can be taken back in the second in which it matters, whatever was asked before."""
PATIENCE_S: Final = 75.0
"""A wait longer than the venue's window of a minute, with some slack, is the caller's to decide about."""
REFUSED_S: Final = 3.0
"""How long a 429 that does not say is taken to mean: what Alpaca's own client waits after one (alpaca-py)."""

STEP_S: Final = 0.001
"""The shortest wait: a rounding error's worth of seconds would not move a clock that has run for days."""


class Throttle:
    """Lets requests through at the pace the account is allowed.

    ``wall_s``, seconds since the epoch, is only used where a reply has no ``Date``. ``reserve_share`` of the limit is
    kept for urgent requests: `RESERVE_SHARE` where orders are sent, nothing where there is only something to read.
    """

    def __init__(
        self,
        limit_per_min: int = LIMIT_PER_MIN,
        wall_s: Callable[[], float] | None = None,
        *,
        reserve_share: float = 0.0,
    ) -> None:
        self._wall_s = wall_s
        self._lanes = Lanes(limit_per_min, reserve_share)
        self._queues = {False: trio.Lock(), True: trio.Lock()}

    @property
    def limit_per_min(self) -> int:
        """The limit as last told."""
        return self._lanes.limit_per_min

    async def turn(self, *, urgent: bool = False) -> None:
        """Wait until one more request is allowed, and count it.

        ``urgent``, for what takes risk away, has a queue of its own and goes first. Raises `VenueBusy` when the venue
        asked for more than `PATIENCE_S` of quiet.
        """
        async with self._queues[urgent]:
            while (wait_s := self._wait_s(urgent)) > 0:
                if wait_s > PATIENCE_S:
                    raise VenueBusy(
                        f"The venue asked for {wait_s:.0f} s without requests. Is another program using these keys?",
                        retry_after_s=wait_s,
                    )
                await trio.sleep(max(wait_s, STEP_S))
            self._lanes.take(trio.current_time(), urgent=urgent)

    def learn(self, headers: Mapping[str, str], *, refused: bool = False) -> Quota:
        """Take in what a reply said of the limit; ``headers`` with lower-case names, ``refused``: it was HTTP 429."""
        quota = parse_quota(headers, self._wall_s() if self._wall_s is not None else None)
        if refused and quota.wait_s is None:
            quota = Quota(quota.limit, quota.remaining, quota.reset_in_s, REFUSED_S)
        self._lanes.learn(quota, trio.current_time())
        return quota

    def _wait_s(self, urgent: bool) -> float:
        wait_s = self._lanes.wait_s(trio.current_time(), urgent=urgent)
        if not urgent and self._queues[True].locked():
            return max(wait_s, self._lanes.interval_s)  # the next request to come free is spoken for
        return wait_s
