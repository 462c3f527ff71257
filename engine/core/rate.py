"""How often we may ask: token buckets that learn the limit from what the venue says, with a lane for what cannot wait.

Alpaca counts requests per minute and account (200 on the free plan, thousands on a paid one) and tells the count with
most replies. The bucket is filled so that no minute ever holds more than the limit, whatever the burst, and what the
venue tells (fewer left than we thought, come back later) always wins over what we count ourselves: another program
may be spending the same account's minute.

A cancel that waits behind a flood of questions is how accounts are hurt, so a share of the minute can be kept for what
is urgent (`Lanes`). The rest of the world has only what is left, and both together never have more than the limit.

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
ORDERS_BURST_SHARE: Final = 0.4
"""The same of what a host for orders leaves to all that is not urgent: orders come together, at an opening or with a
piece of news, and are worth nothing later, while the questions between them are few."""
URGENT_BURST_SHARE: Final = 0.8
"""Of the minute's urgent requests, how many may be made at once: they come when everything is to end at once."""
PROBE_EVERY_S: Final = 1.0
"""How often an urgent request goes out although the venue asked for quiet: a refused cancel costs nothing, and the
quiet may be about another program's requests; once a second is no storm."""
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
    """At most ``limit_per_min`` requests in any minute, at most a share of them at once.

    ``wait_s(now)`` says how long to wait; once it says 0, `take` counts the request.
    """

    limit_per_min: int
    burst_share: float = BURST_SHARE
    _full_at_s: float = field(default=0.0, init=False)
    """When the bucket is full again; one number holds the whole state (GCRA, as ATM networks did it)."""

    @property
    def burst(self) -> int:
        """How many requests may be made at once."""
        return max(1, int(self.limit_per_min * self.burst_share))

    @property
    def interval_s(self) -> float:
        """How long one token takes to come back: a minute for all that is not the burst."""
        return WINDOW_S / max(1, self.limit_per_min - self.burst)

    def wait_s(self, now_s: float) -> float:
        """Seconds until a request may be made; 0.0 when it may be made now."""
        room_at_s = self._full_at_s - (self.burst - 1) * self.interval_s
        return room_at_s - now_s if room_at_s - now_s > ROUNDING_S else 0.0

    def take(self, now_s: float) -> None:
        """Count one request made now."""
        self._full_at_s = max(self._full_at_s, now_s) + self.interval_s

    def learn(self, quota: Quota, now_s: float) -> None:
        """Take in the limit and what is left of it, as a reply that came now said."""
        if quota.limit and quota.limit != self.limit_per_min:
            used = max(0.0, self._full_at_s - now_s) / self.interval_s
            self.limit_per_min = min(quota.limit, LIMIT_MAX)
            self._full_at_s = now_s + used * self.interval_s
        if quota.remaining is not None and quota.remaining < self.burst:
            used_s = (self.burst - quota.remaining) * self.interval_s
            self._full_at_s = max(self._full_at_s, now_s + used_s)


@define
class Lanes:
    """A minute's requests in two lanes: ``reserve_share`` of them are kept for what is urgent, the rest is for all.

    Urgent requests have the open lane too when theirs is used up. What the venue asks for is waited out by all others;
    urgent ones only go more slowly, until the venue says that something is left.
    """

    limit_per_min: int
    reserve_share: float = 0.0
    _open: TokenBucket = field(init=False)
    _kept: TokenBucket | None = field(init=False, default=None)
    _quiet_until_s: float = field(default=0.0, init=False)
    _spent: bool = field(default=False, init=False)
    """Whether the venue's last word was that nothing is left."""
    _probe_at_s: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        burst_share = ORDERS_BURST_SHARE if self.reserve_share else BURST_SHARE
        self._open = TokenBucket(self.limit_per_min - self._reserve, burst_share)
        self._keep()

    @property
    def interval_s(self) -> float:
        """How long one request of the open lane takes to come back."""
        return self._open.interval_s

    def wait_s(self, now_s: float, *, urgent: bool = False) -> float:
        """Seconds until a request may be made; 0.0 when it may be made now."""
        quiet_s = max(0.0, self._quiet_until_s - now_s)
        if urgent and quiet_s:
            quiet_s = max(0.0, self._probe_at_s - now_s) if self._spent else 0.0
        wait_s = max(self._lane(now_s, urgent=urgent).wait_s(now_s), quiet_s)
        return wait_s if wait_s > ROUNDING_S else 0.0

    def take(self, now_s: float, *, urgent: bool = False) -> None:
        """Count one request made now."""
        self._lane(now_s, urgent=urgent).take(now_s)
        self._probe_at_s = now_s + PROBE_EVERY_S

    def learn(self, quota: Quota, now_s: float) -> None:
        """Take in what a reply that came now said."""
        if quota.limit:
            self.limit_per_min = min(quota.limit, LIMIT_MAX)
            self._keep()
        left = None if quota.remaining is None else max(0, quota.remaining - self._reserve)
        self._open.learn(Quota(self.limit_per_min - self._reserve, left), now_s)
        if self._kept is not None:
            self._kept.learn(Quota(self._reserve), now_s)
        if quota.wait_s is not None:
            self._quiet_until_s, self._spent = max(self._quiet_until_s, now_s + quota.wait_s), True
        elif quota.remaining:
            self._spent = False

    @property
    def _reserve(self) -> int:
        return int(self.limit_per_min * self.reserve_share)

    def _keep(self) -> None:
        """Have a lane for what is urgent exactly where the share comes to a request."""
        if not self._reserve:
            self._kept = None
        elif self._kept is None:
            self._kept = TokenBucket(self._reserve, URGENT_BURST_SHARE)

    def _lane(self, now_s: float, *, urgent: bool) -> TokenBucket:
        """The lane that has room first; a request that is not urgent has only one."""
        if not urgent or self._kept is None or self._kept.wait_s(now_s) > self._open.wait_s(now_s):
            return self._open
        return self._kept


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
