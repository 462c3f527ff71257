"""What trips the kill switch and keeps it tripped: one small file for each scope, until a person removes it.

Everything here fails closed. That a file is there is what trips, whatever is in it: so a disk that is too full for a
reason still trips, so does a process that dies while it writes one, and so does ``touch latches/account`` by hand. That
is also why the file is made in its place and not renamed into it. A folder that is gone or cannot be read is tripped.

The first line of a file is the reason that stands. Who trips what is tripped already adds a line, so that a running
engine sees that ``gapless kill`` is at work again, and with it what closes a position twice.

Synchronous, because other processes use it too, and because it is asked before every send: two looks for a file that
is not there are some microseconds.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from attrs import define, field

from engine.errors import StoreFailed
from engine.model.instant import render_instant
from engine.ports.steps import Probe, Step, ignore
from engine.store.folder import FILE_MODE, LATCHES, make_folder, sync_folder

ACCOUNT: Final = "account"
"""The scope that every strategy is in."""
_NAME_MAX: Final = 200
"""Characters; file systems allow 255 bytes."""
_DIGEST: Final = 32
_READ_MAX: Final = 64 * 1024
"""Bytes of a latch that are read: a reason is a sentence, and some hundred of them fit."""


@define(eq=False)
class Latches:
    """The latches of one account, in its state folder. Making one makes the folder; raises `StoreFailed`."""

    folder: Path
    """The state folder; the latches are in a folder inside."""
    probe: Probe = ignore
    _place: Path = field(init=False)
    _paths: dict[str, Path] = field(factory=dict, init=False)
    """By scope: there are as many as strategies, and each is asked for before every send."""

    def __attrs_post_init__(self) -> None:
        self._place = self.folder / LATCHES
        make_folder(self._place)

    def trip(self, scope: str, reason: str, by: str, at_ns: int) -> None:
        """Trip ``account`` or a strategy: durable on return, and at once for whoever asks. The first reason stays, and
        a later one is kept behind it (`trips`).

        ``by`` says who: a limit, a command, a signal. Raises `StoreFailed` where no file can be made.
        """
        self.probe(Step.LATCH_WRITING)
        content = json.dumps({"scope": scope, "reason": reason, "at": render_instant(at_ns), "by": by})
        try:
            make_folder(self._place)
            self._add(self._path(scope), f"{content}\n".encode("ascii"))
            sync_folder(self._place)
        except OSError as error:
            raise StoreFailed(
                f"The kill switch cannot be latched in {self._place}: {error.strerror}; it holds for this run only. "
                "Look at the disk and the rights of the folder, and do not start again before."
            ) from error
        self.probe(Step.LATCH_WRITTEN)

    def tripped(self, scope: str) -> str:
        """Why this scope may not trade: a sentence, empty where it may. A strategy is tripped when the account is."""
        for name in (ACCOUNT, scope):
            if (told := self._told(self._path(name))) is not None:
                return told["reason"] or "it was tripped without a reason"
        return "" if os.access(self._place, os.R_OK | os.X_OK) else self._unreadable(self._place)["reason"]

    def trips(self, scope: str) -> tuple[tuple[str, str], ...]:
        """When and why this scope itself was tripped since it was last reset, each time, where that can be read."""
        found = []
        for line in self._read(self._path(scope)).splitlines():
            with suppress(ValueError, KeyError, TypeError, RecursionError):
                told = json.loads(line)
                found.append((str(told["at"]), str(told["reason"])))
        return tuple(found)

    def reset(self, scope: str) -> None:
        """Free this scope alone; that it was not tripped is fine. Raises `StoreFailed`."""
        try:
            make_folder(self._place)
            self._path(scope).unlink(missing_ok=True)
            sync_folder(self._place)
        except OSError as error:
            raise StoreFailed(
                f"The latch of {scope} in {self._place} cannot be removed: {error.strerror}; remove it by hand."
            ) from error

    def all(self) -> Mapping[str, str]:
        """Every tripped scope and why, by name."""
        try:
            names = sorted(os.listdir(self._place))  # noqa: PTH208 - asked each second, and paths are a third of it
        except OSError:
            return {ACCOUNT: self._unreadable(self._place)["reason"]}
        found = [told for name in names if (told := self._told(self._place / name)) is not None]
        return {told["scope"]: told["reason"] for told in found}

    def _path(self, scope: str) -> Path:
        """Any name of a strategy as one of a file; of a very long one the end is a digest of it."""
        if (path := self._paths.get(scope)) is not None:
            return path
        name = quote(scope, safe=" :")
        if name.startswith("."):
            name = f"%2E{name[1:]}"
        if len(name) >= _NAME_MAX:
            name = f"{name[: _NAME_MAX - _DIGEST - 1]}-{sha256(scope.encode()).hexdigest()[:_DIGEST]}"
        return self._paths.setdefault(scope, self._place / name)

    def _add(self, path: Path, content: bytes) -> None:
        """Add a line, in one piece; what stands before it stays what it is. Where there is a file it is tripped
        already, and that nothing can be added to it is no failure."""
        before = self._read(path) if path.exists() else None
        if before is not None and len(before) + len(content) > _READ_MAX:
            return  # nobody would read it
        line = b"" if before is None or before.endswith(b"\n") else b"\n"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(line + content)
                file.flush()
                os.fsync(descriptor)
        except OSError:
            if before is None:
                raise

    def _told(self, path: Path) -> Mapping[str, str] | None:
        """What a latch tells; ``None`` where there is none. What cannot be read tells of that."""
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError:
            return self._unreadable(path)
        try:
            first = os.read(descriptor, _READ_MAX).partition(b"\n")[0]
            if not first:
                return self._unreadable(path, "was made by hand (there is nothing in it)")
            told = json.loads(first)
            # What trips is the name of the file: a copy of another scope's latch trips its own.
            scope = str(told["scope"]) if len(path.name) == _NAME_MAX else unquote(path.name)
            return {"scope": scope, "reason": str(told["reason"])}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return self._unreadable(path)
        finally:
            os.close(descriptor)

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(_READ_MAX)
        except OSError:
            return b""

    def _unreadable(self, path: Path, why: str = "is there but cannot be read") -> Mapping[str, str]:
        return {"scope": unquote(path.name), "reason": f"{path} {why}, which counts as tripped"}
