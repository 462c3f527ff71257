"""How often we may ask: a token bucket that learns the limit from what the venue says.

Alpaca counts requests per minute and account (200 on the free plan, thousands on a paid one) and tells the count with
most replies. The bucket is filled so that no minute ever holds more than the limit, whatever the burst, and what the
venue tells (fewer left than we thought, come back later) always wins over what we count ourselves: another program
may be spending the same account's minute.

Pure: ``now_s`` is any clock in seconds that does not go backwards. The waiting is in ``venues/alpaca/rate.py``.
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from attrs import define, field, frozen

WINDOW_S: Final = 60.0
"""The venue counts by the minute."""
BURST_SHARE: Final = 0.1
"""Of a minute's requests, how many may be made at once; the rest is spread over the minute."""
ROUNDING_S: Final = 1e-9
"""What is left of sums of floats; not a wait."""
LIMIT_MAX: Final = 1_000_000
"""A larger limit per minute is a slip of the venue's or means none; faster than one can ask anyway."""


@frozen
class Quota:
    """What one reply said of the limit; ``None`` where it said nothing. Times in seconds from the reply on."""

    limit: int | None = None
    remaining: int | None = None
    reset_in_s: float | None = None
    retry_after_s: float | None = None

    @property
    def wait_s(self) -> float | None:
        """How long the venue asks not to be asked, in seconds; ``None`` when it did not say."""
        if self.retry_after_s is not None:
            return self.retry_after_s
        return self.reset_in_s if self.remaining == 0 else None


def parse_quota(headers: Mapping[str, str], wall_s: float | None = None) -> Quota:
    """Read ``X-RateLimit-*`` and ``Retry-After`` (header names in lower case); what cannot be read counts as not said.

    ``X-RateLimit-Reset`` is an instant by the venue's clock, so it is compared with the venue's own ``Date``: that
    needs no clock of ours and no skew between the two. Without ``Date`` our own seconds since the epoch, ``wall_s``,
    have to do; without those the reset is not known.
    """
    date_s = _instant_s(headers.get("date", ""))
    if date_s is None:
        date_s = wall_s
    reset_s = _whole(headers.get("x-ratelimit-reset", ""))
    return Quota(
        limit=_whole(headers.get("x-ratelimit-limit", "")),
        remaining=_whole(headers.get("x-ratelimit-remaining", "")),
        reset_in_s=max(0.0, reset_s - date_s) if reset_s is not None and date_s is not None else None,
        retry_after_s=_retry_after_s(headers.get("retry-after", ""), date_s),
    )


@define
class TokenBucket:
    """At most ``limit_per_min`` requests in any minute, at most a tenth of them at once.

    ``wait_s(now)`` says how long to wait; once it says 0, `take` counts the request.
    """

    limit_per_min: int
    _full_at_s: float = field(default=0.0, init=False)
    """When the bucket is full again; one number holds the whole state (GCRA, as ATM networks did it)."""
    _closed_until_s: float = field(default=0.0, init=False)

    @property
    def burst(self) -> int:
        """How many requests may be made at once."""
        return max(1, int(self.limit_per_min * BURST_SHARE))

    @property
    def interval_s(self) -> float:
        """How long one token takes to come back: a minute for all that is not the burst."""
        return WINDOW_S / max(1, self.limit_per_min - self.burst)

    def wait_s(self, now_s: float) -> float:
        """Seconds until a request may be made; 0.0 when it may be made now."""
        room_at_s = self._full_at_s - (self.burst - 1) * self.interval_s
        wait_s = max(room_at_s - now_s, self._closed_until_s - now_s)
        return wait_s if wait_s > ROUNDING_S else 0.0

    def take(self, now_s: float) -> None:
        """Count one request made now."""
        self._full_at_s = max(self._full_at_s, now_s) + self.interval_s

    def learn(self, quota: Quota, now_s: float) -> None:
        """Take in what a reply that came now said."""
        if quota.limit and quota.limit != self.limit_per_min:
            used = max(0.0, self._full_at_s - now_s) / self.interval_s
            self.limit_per_min = min(quota.limit, LIMIT_MAX)
            self._full_at_s = now_s + used * self.interval_s
        if quota.remaining is not None and quota.remaining < self.burst:
            used_s = (self.burst - quota.remaining) * self.interval_s
            self._full_at_s = max(self._full_at_s, now_s + used_s)
        if quota.wait_s is not None:
            self._closed_until_s = max(self._closed_until_s, now_s + quota.wait_s)


def _whole(text: str) -> int | None:
    # Longer than any count or epoch second, and int() of a huge text is slow.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _instant_s(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def _retry_after_s(text: str, date_s: float | None) -> float | None:
    """``Retry-After`` is seconds or, rarely, an HTTP date."""
    seconds = _whole(text)
    if seconds is not None:
        return float(seconds)
    until_s = _instant_s(text)
    return max(0.0, until_s - date_s) if until_s is not None and date_s is not None else None
