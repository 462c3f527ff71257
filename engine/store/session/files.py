"""One journal on the disk: blocks are appended, a torn tail is cut, whole blocks are read through mapped memory."""

import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from attrs import define

from engine.codec.journal import EMPTY, Walk, pack_block
from engine.errors import StoreFailed
from engine.store.folder import FILE_MODE

MARKET: Final = "market.journal"
DECISIONS: Final = "decisions.journal"
FRAMES: Final = "frames.journal"

T = TypeVar("T")


@define(eq=False)
class JournalFile:
    """A journal that is open for appending. ``end`` is where its last whole block ends."""

    path: Path
    end: int
    torn: int
    """Bytes that were cut when it was opened."""
    _descriptor: int

    @classmethod
    def open(cls, path: Path, see: Callable[[memoryview, str], None]) -> "JournalFile":
        """Open a journal, new or left by a crash: ``see`` is given each whole block and where it is, and what is
        behind the last one is cut. Raises `GaplessError` for one that is damaged, ``OSError``."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            walk = walk_file(path)
            for payload in walk:
                see(payload, f"{path}, the block that ends at byte {walk.end}")
            torn = walk.torn
            if torn:
                os.ftruncate(descriptor, walk.end)
            file = cls(path, walk.end, torn, descriptor)
            if not file.end:
                file._write(EMPTY)
        except BaseException:
            os.close(descriptor)
            raise
        return file

    def append(self, payload: bytes) -> None:
        """One block more. Raises ``OSError``, and then the file ends with its last whole block if the disk allows."""
        self._write(pack_block(payload))

    def _write(self, content: bytes) -> None:
        try:
            rest = memoryview(content)
            at = self.end
            while rest:
                written = os.pwrite(self._descriptor, rest, at)
                at, rest = at + written, rest[written:]
        except OSError:
            os.ftruncate(self._descriptor, self.end)
            raise
        self.end += len(content)

    def sync(self) -> None:
        """Make durable what was appended. Raises ``OSError``. May run beside `append`."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def walk_file(path: Path) -> Walk:
    """The blocks of a journal; none where there is no such file. Raises `StoreFailed` where it cannot be read."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return Walk(b"", str(path))  # what is empty cannot be mapped
            # Pages are read as they are walked over and given back under pressure: a journal may be larger than memory.
            return Walk(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), str(path))
    except FileNotFoundError:
        return Walk(b"", str(path))
    except OSError as error:
        raise StoreFailed(f"{path} cannot be read: {error.strerror}; look at its rights and its disk.") from error


def read_blocks(path: Path, decode: Callable[[memoryview], T]) -> Iterator[T]:
    """What each whole block of a journal holds. Raises `StoreFailed` and `Misconfigured`."""
    walk = walk_file(path)
    for payload in walk:
        yield decoded(payload, decode, f"{path}, the block that ends at byte {walk.end}")


def decoded(payload: memoryview, decode: Callable[[memoryview], T], where: str) -> T:
    """What a block holds; raises `StoreFailed` naming the place where it cannot be understood."""
    try:
        return decode(payload)
    except ValueError as error:  # as msgspec's errors are
        raise StoreFailed(
            f"{where}: it is whole, but not understood ({error}); a newer gapless may have written it."
        ) from error
