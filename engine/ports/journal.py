"""Where a session is written down while it runs."""

from collections.abc import Sequence
from typing import Protocol

from engine.model.journal import JournalRecord
from engine.model.market import MarketEvent


class Journal(Protocol):
    """An open journal. Nothing here waits or raises: what is told is taken to the disk later, off the loop."""

    def tell(self, events: Sequence[MarketEvent], at_ns: int) -> None:
        """The market told these, in order and numbered, at this market time."""
        ...

    def note(self, record: JournalRecord) -> None:
        """Something crossed between the session and a strategy."""
        ...
