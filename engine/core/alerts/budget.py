"""How many notices may go out: a ceiling for every window of time, that no storm can spend at the cost of what matters.

The ceiling is shared out. A quarter is for digests, evenly spaced, so that in a storm something can still be said at
any time; of the rest, half may be spent on what is not critical; and one notice is kept for the end of the session.
"""

from collections import deque

from attrs import define, field


@define
class Budget:
    """At most ``notices_max`` (five or more) in any ``window_s`` seconds."""

    notices_max: int
    window_s: float
    _alone: deque[tuple[float, bool]] = field(factory=deque, init=False)
    """When each notice about one alarm went out, and whether that was critical."""
    _digests: deque[float] = field(factory=deque, init=False)

    @property
    def digests_max(self) -> int:
        """Digests in a window."""
        return max(1, (self.notices_max - 1) // 4)

    @property
    def alone_max(self) -> int:
        """Notices about one alarm in a window."""
        return self.notices_max - 1 - self.digests_max

    def room(self, now_s: float, *, critical: bool) -> bool:
        """Whether a notice about one alarm may go out."""
        while self._alone and now_s - self._alone[0][0] >= self.window_s:
            self._alone.popleft()
        if len(self._alone) >= self.alone_max:
            return False
        return critical or sum(not urgent for _, urgent in self._alone) < max(1, self.alone_max // 2)

    def spend(self, now_s: float, *, critical: bool) -> None:
        """One went out."""
        self._alone.append((now_s, critical))

    def digest_at_s(self) -> float:
        """From when on the next digest may go out."""
        if not self._digests:
            return float("-inf")
        spaced_s = self._digests[-1] + self.window_s / self.digests_max
        return max(spaced_s, self._digests[0] + self.window_s if len(self._digests) >= self.digests_max else spaced_s)

    def spend_digest(self, now_s: float) -> None:
        """One went out."""
        self._digests.append(now_s)
        while len(self._digests) > self.digests_max:
            self._digests.popleft()
