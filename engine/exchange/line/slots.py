"""One session per account and endpoint, and the ghosts of those that were dropped.

Alpaca lets an account hold one authenticated connection per endpoint; the next one is told 406. A connection that died
without a goodbye may keep its slot for about a minute and a half, so a client's own past locks it out. With the `ghost`
fault this does the same.
"""

from typing import TypeAlias

from attrs import define, field

Slot: TypeAlias = tuple[str, str]
"""Endpoint path and key id."""


@define
class Slots:
    """Who holds which slot; ``now_s`` is any clock that does not go back."""

    _held: dict[Slot, int] = field(factory=dict)
    _ghosts: dict[Slot, float] = field(factory=dict)

    def claim(self, slot: Slot, line: int, now_s: float) -> bool:
        """Take the slot for a line; false where another line, or a ghost, has it."""
        if self._ghosts.get(slot, now_s) > now_s:
            return False
        self._ghosts.pop(slot, None)
        return self._held.setdefault(slot, line) == line

    def holds(self, line: int) -> bool:
        """Whether a line has a slot."""
        return line in self._held.values()

    def release(self, line: int, now_s: float, ghost_s: float = 0.0) -> None:
        """Give up what a line holds; with ``ghost_s`` a ghost keeps it for so long."""
        self._ghosts = {slot: until_s for slot, until_s in self._ghosts.items() if until_s > now_s}
        for slot in [slot for slot, holder in self._held.items() if holder == line]:
            del self._held[slot]
            if ghost_s > 0:
                self._ghosts[slot] = now_s + ghost_s
