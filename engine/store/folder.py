"""Where the memory of one account lies, and that nobody else reads it.

One folder for each account, because the file inside is the memory of exactly one broker's books: two accounts in one
file, or paper and live in one, would adopt each other's positions.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.errors import Misconfigured, StoreFailed

ORDERS: Final = "orders.db"
LOCK: Final = "lock"
LATCHES: Final = "latches"
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
"""Positions and orders are nobody else's business, and whoever may write a latch may stop or free the engine."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_]+")


def state_folder(venue: str, account_number: str, root: Path | None, environ: Mapping[str, str]) -> Path:
    """The folder of an account: ``VENUE-ACCOUNT`` in ``root``, or else in ``$XDG_STATE_HOME/gapless``.

    Where that variable is empty or not absolute (then it is to be ignored, says the XDG specification), it is
    ``~/.local/state``. Raises `Misconfigured` when there is no home either, or a name could not be one of a folder.
    """
    for name in (venue, account_number):
        if not _PLAIN.fullmatch(name):
            raise Misconfigured(
                f"The state of account {account_number!r} at {venue!r} cannot get a folder: "
                "both names must be letters, digits and underscores; look at the account that the venue tells."
            )
    return (root or state_root(environ)) / f"{venue}-{account_number}"


def state_root(environ: Mapping[str, str]) -> Path:
    """``$XDG_STATE_HOME/gapless``, in which all that is remembered lies. Raises `Misconfigured` without a home."""
    return _states(environ) / "gapless"


def _states(environ: Mapping[str, str]) -> Path:
    state_home = Path(environ.get("XDG_STATE_HOME", ""))
    if state_home.is_absolute():
        return state_home
    home = Path(environ.get("HOME", ""))
    if not home.is_absolute():
        raise Misconfigured(
            "There is no folder for the order file: set XDG_STATE_HOME or HOME, or name one by --state."
        )
    return home / ".local" / "state"


def make_folder(folder: Path) -> None:
    """Make the folder where it is missing, for this user alone. Raises `StoreFailed`."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except FileExistsError:
        raise StoreFailed(f"{folder} is to be the folder of the order file, but it is a file; name another.") from None
    except OSError as error:
        raise StoreFailed(
            f"The folder {folder} for the order file cannot be made: {error.strerror}; look at its path and its rights."
        ) from error


def sync_folder(folder: Path) -> None:
    """Make durable that a file was made or removed here: a file's own sync says nothing of its name. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
