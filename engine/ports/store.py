"""Where the desk's memory is kept, so that a process can die at any instant."""

from typing import Protocol

from engine.model.entry import Entry


class OrderStore(Protocol):
    """A file of entries, open for one engine."""

    async def write(self, *entries: Entry) -> None:
        """Write these in one piece and in order; on return they survive a loss of power.

        Writes that wait for each other are synced together. Raises `StoreFailed`. A cancelled caller leaves at once,
        and its entries are written all the same.
        """
        ...

    def write_soon(self, *entries: Entry) -> None:
        """Write these with the next `write`, or within a second; what is lost with the process can be asked for again.

        For what the broker can tell again. Never waits; a failure is raised by the next `write`.
        """
        ...
