"""The queue in front of an account's request limit: one at a time, in the order of coming.

Every client of one account shares one `Throttle`, because the venue counts by account. The arithmetic is
``core/rate.py``; here is only the waiting, in Trio's time, because the limit is about real requests and not about
market time.
"""

from collections.abc import Callable, Mapping
from typing import Final

import trio

from engine.core.rate import Quota, TokenBucket, parse_quota
from engine.errors import VenueBusy

LIMIT_PER_MIN: Final = 200
"""Alpaca's free plan; a larger limit is learned from the first reply."""
PATIENCE_S: Final = 75.0
"""A wait longer than the venue's window of a minute, with some slack, is the caller's to decide about."""

STEP_S: Final = 0.001
"""The shortest wait: a rounding error's worth of seconds would not move a clock that has run for days."""


class Throttle:
    """Lets requests through at the pace the account is allowed.

    ``wall_s``, seconds since the epoch, is only used where a reply has no ``Date``.
    """

    def __init__(self, limit_per_min: int = LIMIT_PER_MIN, wall_s: Callable[[], float] | None = None) -> None:
        self._wall_s = wall_s
        self._bucket = TokenBucket(limit_per_min)
        self._queue = trio.Lock()

    @property
    def limit_per_min(self) -> int:
        """The limit as last told."""
        return self._bucket.limit_per_min

    async def turn(self) -> None:
        """Wait until one more request is allowed, and count it.

        Raises `VenueBusy` when the venue asked for more than `PATIENCE_S` of quiet.
        """
        async with self._queue:
            while (wait_s := self._bucket.wait_s(trio.current_time())) > 0:
                if wait_s > PATIENCE_S:
                    raise VenueBusy(
                        f"The venue asked for {wait_s:.0f} s without requests. Is another program using these keys?",
                        retry_after_s=wait_s,
                    )
                await trio.sleep(max(wait_s, STEP_S))
            self._bucket.take(trio.current_time())

    def learn(self, headers: Mapping[str, str]) -> Quota:
        """Take in what a reply said of the limit; ``headers`` with lower-case names."""
        quota = parse_quota(headers, self._wall_s() if self._wall_s is not None else None)
        self._bucket.learn(quota, trio.current_time())
        return quota
