"""What was told, kept for those who ask for it again: numbered, and found by id or by instant.

The event streams over SSE can replay, and lists of activities are paged, so something has to remember; a server that
runs for weeks cannot remember everything. What is forgotten is the oldest, and a reader can tell that it missed some,
because the numbers go on.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from attrs import define, field

KEPT_MIN: Final = 100_000
"""As many updates at least: what became of some 30,000 orders, in about 100 MB."""

_Item = TypeVar("_Item")


@define
class Log(Generic[_Item]):
    """Items in the order in which they were told. ``id_of`` gives ids that sort, ``ts_of`` instants that never fall."""

    id_of: Callable[[_Item], str]
    ts_of: Callable[[_Item], int]
    kept_min: int = KEPT_MIN
    _items: list[_Item] = field(factory=list)
    _forgotten: int = 0

    @property
    def start(self) -> int:
        """The number of the oldest item that is kept."""
        return self._forgotten

    @property
    def end(self) -> int:
        """The number that the next item will have."""
        return self._forgotten + len(self._items)

    def add(self, item: _Item) -> None:
        """Keep an item; half of the oldest are forgotten at a time, so that forgetting costs nothing per item."""
        self._items.append(item)
        if len(self._items) >= 2 * self.kept_min:
            del self._items[: self.kept_min]
            self._forgotten += self.kept_min

    def read(self, number: int, items_max: int) -> Sequence[_Item]:
        """Items from a number on, oldest first; those that are forgotten are left out."""
        first = max(number - self._forgotten, 0)
        return self._items[first : first + items_max]

    def newest_first(self) -> Sequence[_Item]:
        """All that are kept, newest first."""
        return self._items[::-1]

    def after_id(self, item_id: str) -> int:
        """The number of the first item behind an id."""
        return self._forgotten + bisect_right(self._items, item_id, key=self.id_of)

    def from_ts(self, ts_ns: int) -> int:
        """The number of the first item of an instant or later."""
        return self._forgotten + bisect_left(self._items, ts_ns, key=self.ts_of)
