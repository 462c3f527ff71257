"""Turn a fresh clone into something that runs: one ``.venv``, filled from a lock, made once and mended when broken.

What makes this hard is not installing but being interrupted, started twice, or moved: so the state of ``.venv`` is one
small file, the stamp, and everything is decided by reading it.

- The stamp is written last and names all that was installed (a digest of the lock, of the project's metadata, and the
  folder). When it fits, starting costs a few file reads and nothing is written: that works in a read-only folder too.
- No stamp in a ``.venv`` that we began means that an installation was interrupted: it is thrown away and made again,
  because pip may have left half a package that looks whole. Downloads are in pip's cache, so that is quick.
- A ``.venv`` that we did not make is somebody's: it is moved aside, never deleted.
- ``dev`` holds everything that ``core`` holds, so after a check the demo has nothing to install.

Standard library only. Every refusal is one sentence on stderr and exit code 1.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NoReturn, TypeAlias

import installing

Lock: TypeAlias = Literal["core", "dev"]

ROOT = Path(__file__).resolve().parent.parent
VENV_NAME = ".venv"
LOCKS = Path("scripts") / "locks"
STAMP = "gapless-stamp.json"
OLDER_SDK = "older-sdk"
"""A folder in `.venv` for Alpaca's older SDK, whose dependencies would break the newer one's (see `locks/older.in`)."""
OURS = "gapless-made-this"
"""An empty file, the first thing in a `.venv` of ours: it tells an interrupted one from somebody else's."""


def start(lock: Lock, arguments: Sequence[str]) -> NoReturn:
    """Bring ``.venv`` up to ``lock`` and become its Python with ``arguments``; never returns."""
    try:
        python = ensure(ROOT, lock)
        become(python, arguments)
    except installing.Refused as refusal:
        sys.exit(f"gapless: {refusal}")
    except OSError as error:
        sys.exit(f"gapless: {installing.sentence_for(error, ROOT)}")
    except KeyboardInterrupt:
        sys.exit("gapless: stopped while setting up; the next start begins where this one can be trusted.")


def become(python: Path, arguments: Sequence[str]) -> NoReturn:
    """Replace this process, so that signals and the exit code are those of the job itself.

    ``-P`` keeps the current folder out of the import path: the demo runs the same from anywhere.
    """
    command = [str(python), "-P", *arguments]
    environment = installing.clean_environment()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":  # exec on Windows returns to the shell before the job ends
        sys.exit(subprocess.call(command, env=environment))
    os.execve(command[0], command, environment)


def ensure(root: Path, lock: Lock) -> Path:
    """Return the Python of a ``.venv`` in ``root`` that holds ``lock`` and the project; installs what is missing."""
    venv = root / VENV_NAME
    if is_current(root, lock):
        return python_of(venv)
    with only_one(root):
        if not is_current(root, lock):  # somebody else may have finished while we waited
            install(root, lock)
    return python_of(venv)


def is_current(root: Path, lock: Lock) -> bool:
    """Whether the stamp says that ``lock``, or ``dev`` in its place, is installed as it is written now."""
    venv = root / VENV_NAME
    try:
        stamp = json.loads((venv / STAMP).read_text())
    except (OSError, ValueError):
        return False
    return python_of(venv).exists() and stamp in (wanted(root, lock), wanted(root, "dev"))


def wanted(root: Path, lock: Lock) -> dict[str, str]:
    """What the stamp has to say. The folder is in it because scripts in a venv hold absolute paths."""
    digest = hashlib.sha256()
    locks = (lock, "older") if lock == "dev" else (lock,)
    for path in (*(root / LOCKS / f"{name}.txt" for name in locks), root / "pyproject.toml"):
        digest.update(path.read_bytes())
    return {"lock": lock, "sha256": digest.hexdigest(), "folder": str(root)}


def install(root: Path, lock: Lock) -> None:
    """Fill ``.venv`` and write the stamp; what a run that died left behind is thrown away first."""
    venv = root / VENV_NAME
    if not is_usable(venv):
        make_room(venv)
        venv.mkdir()
        (venv / OURS).touch()
        installing.make_venv(venv)
    stamp = venv / STAMP
    stamp.unlink(missing_ok=True)
    installing.install_lock(python_of(venv), root / LOCKS / f"{lock}.txt")
    if lock == "dev":
        installing.install_apart(python_of(venv), root / LOCKS / "older.txt", venv / OLDER_SDK)
    installing.install_project(python_of(venv), root)
    unfinished = stamp.with_suffix(".new")
    unfinished.write_text(json.dumps(wanted(root, lock), indent=2) + "\n")
    unfinished.replace(stamp)


def is_usable(venv: Path) -> bool:
    """Whether packages can be changed in place: ours, once complete, in the same folder, and its Python runs."""
    try:
        stamp = json.loads((venv / STAMP).read_text())
        same_folder = bool(stamp["folder"] == str(venv.parent))
        answer = subprocess.run(
            [python_of(venv), "-c", "import sys; print(sys.version_info >= (3, 11))"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return same_folder and answer.stdout.strip() == "True"


def make_room(venv: Path) -> None:
    """Remove a broken ``.venv`` of ours; move one of somebody else's aside."""
    if not venv.exists() and not venv.is_symlink():
        return
    if (venv / OURS).exists() and not venv.is_symlink():
        installing.say(f"{VENV_NAME} is unfinished or outdated: making it again")
        shutil.rmtree(venv)
        return
    aside = next(
        path for number in range(1, 1000) if not (path := venv.with_name(f"{VENV_NAME}.before-{number}")).exists()
    )
    venv.rename(aside)
    installing.say(f"found a {VENV_NAME} that was not made here: kept as {aside.name}")


def python_of(venv: Path) -> Path:
    """Where a venv keeps its interpreter."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


@contextlib.contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Let one set-up at a time work on ``root``; the lock is on the folder itself, so nothing is left behind."""
    if importlib.util.find_spec("fcntl") is None:  # Windows: two set-ups at once are the user's own doing
        yield
        return
    import fcntl

    handle = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            installing.say("another set-up is at work in this folder: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
