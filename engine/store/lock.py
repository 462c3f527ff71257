"""One engine for each folder: two would number their orders alike and close each other's positions.

``flock``, and not a file whose presence means "taken": the system lets go of it with the process, however that ends.
The pid inside is only for the sentence.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine.errors import Misconfigured, StoreFailed
from engine.store.folder import FILE_MODE, LOCK

_PID_MAX: Final = 32
"""Bytes: more than any pid has digits."""


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Be the one engine of this folder. Raises `Misconfigured` when there is one already, `StoreFailed`."""
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
    except OSError as error:
        raise StoreFailed(
            f"The lock {path} cannot be opened: {error.strerror}; give this user the right to write the folder."
        ) from error
    try:
        _take(descriptor, path)
        yield
    finally:
        os.close(descriptor)  # which lets go of it


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    except BlockingIOError:
        pid = os.pread(descriptor, _PID_MAX, 0).decode("ascii", "replace").strip() or "unknown"
        raise Misconfigured(
            f"Another engine (pid {pid}) works on {path.parent}: stop it first, or give this one a folder of its own."
        ) from None
    except OSError as error:
        raise StoreFailed(
            f"The lock {path} cannot be taken: {error.strerror}; use a folder on a local disk with free space."
        ) from error
