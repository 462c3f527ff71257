"""What a replay keeps of what crosses between it and its strategies: the journal of its session, hashed."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
from attrs import define, field

from engine.app.replay.folder import Folder
from engine.model.journal import DECISIVE, Asked, JournalRecord
from engine.model.market import MarketEvent

_PACK: Final = msgspec.msgpack.Encoder()


@define(eq=False)
class Keeper:
    """`engine.ports.journal.Journal` of a replay."""

    keep_all: bool = True
    folder: Folder | None = None
    records: list[JournalRecord] = field(factory=list)
    decisions: list[Asked] = field(factory=list)
    _hash: "hashlib._Hash" = field(factory=hashlib.sha256, init=False)

    def tell(self, events: Sequence[MarketEvent], at_ns: int) -> None:
        """Nothing: they are on the tape."""

    def note(self, record: JournalRecord) -> None:
        """Keep and hash a record."""
        self._hash.update(_PACK.encode(record))
        if self.keep_all:
            self.records.append(record)
        if isinstance(record, Asked) and record.verb in DECISIVE:
            self.decisions.append(record)
        if self.folder is not None:
            self.folder.note(record)

    def hexdigest(self, digest: str) -> str:
        """The hash of all records until now and of ``digest``, the tape's: what they rest on."""
        return hashlib.sha256(f"{digest} {self._hash.hexdigest()}".encode()).hexdigest()
