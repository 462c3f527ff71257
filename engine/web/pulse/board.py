"""What one page shows now, piece by piece, and the message that brings a browser up to it.

Nothing is queued for a browser. It is told what changed since what it was told last, so one that reads slowly misses
beats and not pieces, and costs the same memory as one that is quick.
"""

from collections.abc import Mapping

import msgspec
import trio
from attrs import define, field

from engine.flow.channel import Waker


@define(eq=False)
class Board:
    """``beat`` counts from 1; each piece of a page is JSON, with the beat at which it last changed."""

    beat: int = 0
    watchers: int = 0
    changed: Waker = field(factory=Waker)
    _pieces: dict[str, tuple[int, bytes]] = field(factory=dict)
    _messages: dict[int, bytes] = field(factory=dict)
    """By the beat that a browser is at: almost all are at the last one, so each beat is put together once."""

    def put(self, pieces: Mapping[str, bytes]) -> None:
        """The next beat: the pieces as they are now. What is not among them stays as it is."""
        self.beat += 1
        self._messages.clear()
        for name, now in pieces.items():
            before = self._pieces.get(name)
            if before is None or before[1] != now:
                self._pieces[name] = (self.beat, now)
        self.changed.wake()

    def since(self, beat: int) -> bytes:
        """What a browser at this beat has to be told, as one event of a stream of them."""
        message = self._messages.get(beat)
        if message is None:
            told = [msgspec.json.encode(name) + b":" + piece for name, (at, piece) in self._pieces.items() if at > beat]
            message = self._messages[beat] = b"data: {" + b",".join(told) + b"}\n\n"
        return message

    def forget(self, names: set[str]) -> None:
        """Pieces that are not shown any more, such as a minute that is too old."""
        for name in names:
            self._pieces.pop(name, None)

    def names(self, prefix: str) -> list[str]:
        """The pieces whose names begin like this."""
        return [name for name in self._pieces if name.startswith(prefix)]

    async def later_than(self, beat: int) -> None:
        """Wait for a beat after this one."""
        await trio.lowlevel.checkpoint()
        while self.beat <= beat:
            await self.changed.wait()
