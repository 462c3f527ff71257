"""What can go wrong with the order file, as one sentence: what, where, and what to do about it.

SQLite's own words ("disk I/O error") name neither the file nor the way out. Its codes are few and stable, so each that
a person can do something about has a sentence here; for the rest its words are given with the file's name.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine.errors import StoreFailed

_PRIMARY: Final = 0xFF
"""SQLite's extended codes keep the plain one in their last byte."""
_ASIDE: Final = "move it aside, with its -wal file, and start again: what is held is then adopted from the broker"

SENTENCES: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and start again",
    sqlite3.SQLITE_IOERR: "the disk refused to read or write; look at its free space, the quota and its health",
    sqlite3.SQLITE_READONLY: "it may not be written; give this user the right to write the file and its folder",
    sqlite3.SQLITE_PERM: "it may not be opened; give this user the right to read and write it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; look whether it is a file and whether its folder may be written",
    sqlite3.SQLITE_BUSY: "another program is writing it; close that program (a database browser?) and start again",
    sqlite3.SQLITE_LOCKED: "another program is writing it; close that program (a database browser?) and start again",
    sqlite3.SQLITE_CORRUPT: f"it is damaged; {_ASIDE}",
    sqlite3.SQLITE_NOTADB: f"it is no order file, or damaged; {_ASIDE}",
}


def damaged(path: Path, what: str) -> StoreFailed:
    """The error of a file that can be read but holds what cannot be meant."""
    return StoreFailed(f"The order file {path} is damaged ({what}): {_ASIDE}.")


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say about the file into `StoreFailed`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
        raise StoreFailed(f"The order file {path}: {SENTENCES.get(code, str(error))} ({_name(error)}).") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreFailed(
            f"The order file {path} cannot be used: {reason}; look at the path and its rights."
        ) from error


def _name(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", "") or type(error).__name__)
