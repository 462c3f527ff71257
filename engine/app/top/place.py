"""Where engines wait to be looked at: one socket each, in a folder that is this user's alone.

The folder is ``$XDG_RUNTIME_DIR/gapless``, which ends with the login, or else ``run`` beside the order files. A socket
is made under another name and gets its own once it listens: so whoever finds one that refuses knows that its engine is
dead, and may remove it. Links are never followed.
"""

import os
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import trio

from engine.errors import EngineAway, Misconfigured
from engine.store.folder import FILE_MODE, FOLDER_MODE, state_root

ENDING: Final = ".sock"
BACKLOG: Final = 16
"""Connections that may wait to be accepted: two for each client that is served at once."""
ADDRESS_BYTES_MAX: Final = 100
"""A Unix socket's address holds 108 bytes on Linux and 104 elsewhere; longer paths are named by their folder's
descriptor."""
CONNECT_S: Final = 2.0
"""An engine whose loop hangs does not accept: then it is not asked any longer than this."""


def runtime_folder(environ: Mapping[str, str]) -> Path:
    """The folder of the sockets of this user's engines. Raises `Misconfigured` where there is no home."""
    runtime = Path(environ.get("XDG_RUNTIME_DIR", ""))
    if runtime.is_absolute() and runtime.is_dir():
        return runtime / "gapless"
    return state_root(environ) / "run"


def make_private(folder: Path) -> None:
    """Make the folder where it is missing, and make sure that it is ours alone. Raises `Misconfigured`."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise Misconfigured(
            f"The folder {folder} for the sockets of 'gapless top' cannot be made: {error.strerror}; "
            "set XDG_RUNTIME_DIR to one that can be written."
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Misconfigured(
            f"{folder} is to hold the sockets of 'gapless top', but it is not a folder of this user alone: "
            f"remove it, or run chmod 700 {folder}."
        )


@contextmanager
def bind_socket(folder: Path, pid: int) -> Iterator[socket.socket]:
    """A listening socket that this engine is found by; it is removed when the block is left. Raises `Misconfigured`."""
    make_private(folder)
    path = _free_name(folder, pid)
    rising = folder / f".{path.name}.new"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            rising.unlink(missing_ok=True)
            with _address(rising) as address:
                listener.bind(address)
            rising.chmod(FILE_MODE)
            listener.listen(BACKLOG)
            rising.rename(path)
        except OSError as error:
            raise Misconfigured(
                f"'gapless top' cannot attach to this engine: no socket can be made at {path} ({error.strerror})."
            ) from error
        listener.setblocking(False)
        made = path.lstat().st_ino
        try:
            yield listener
        finally:
            with suppress(OSError):
                if path.lstat().st_ino == made:
                    path.unlink()


def _free_name(folder: Path, pid: int) -> Path:
    """``PID.sock``; ``PID-2.sock`` and so on for further sessions of one process."""
    path, number = folder / f"{pid}{ENDING}", 1
    while _is_socket(path) and not _remove_dead(path):
        number += 1
        path = folder / f"{pid}-{number}{ENDING}"
    return path


def find_sockets(folder: Path) -> list[Path]:
    """The sockets of engines that run, by age; those of dead engines are removed."""
    try:
        found = [path for path in folder.iterdir() if path.suffix == ENDING and _is_socket(path)]
    except OSError:
        return []
    alive = [path for path in found if not _remove_dead(path)]
    return sorted(alive, key=_age_key)


def pid_of(path: Path) -> int | None:
    """Whose socket this is."""
    text = path.stem.partition("-")[0]
    return int(text) if text.isdecimal() else None


async def connect(path: Path) -> trio.SocketStream:
    """Attach to an engine. Raises `EngineAway`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        # Trio's own way in is by name; this one is by address, past any network that a test stands in for.
        line = trio.socket.from_stdlib_socket(made.dup())
    try:
        with trio.fail_after(CONNECT_S), _address(path) as address:
            await line.connect(address)
    except (OSError, trio.TooSlowError) as error:
        line.close()
        raise EngineAway(
            f"The engine at {path} cannot be attached to: it has ended, or its loop does not run."
        ) from error
    return trio.SocketStream(line)


def _remove_dead(path: Path) -> bool:
    """Whether nobody listens there any more; then it is gone afterwards."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        try:
            with _address(path) as address:
                asking.connect(address)
        except ConnectionRefusedError:
            with suppress(OSError):
                path.unlink()
            return True
        except FileNotFoundError:
            return True
        except OSError:  # such as a full backlog: somebody is there
            return False
    return False


def _is_socket(path: Path) -> bool:
    """Whether it is a socket of ours, and no link to one."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid()


def _age_key(path: Path) -> tuple[float, str]:
    try:
        return path.lstat().st_mtime, path.name
    except OSError:
        return 0.0, path.name


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """The address of a socket, short enough for one while the block runs. Raises ``OSError``."""
    if len(os.fsencode(path)) <= ADDRESS_BYTES_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
