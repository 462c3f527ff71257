"""How packages get into ``.venv``: pip with exact versions and hashes, seen by the person who waits.

pip says a great deal and means little of it to most people. Here each package it starts on becomes one line (one
changing line on a terminal), and if it fails, what it said is turned into a sentence that tells what to do. What pip
printed in full is kept in ``.venv/install.log``.

The project itself is installed "editable" (a pointer to this folder), so a changed source file needs no installing.
Its build backend is in the lock too, so that building it downloads nothing that is not pinned.
"""

import errno
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LOG = "install.log"
NOT_OURS = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "__PYVENV_LAUNCHER__")
"""Settings of the caller's shell that would send packages, or imports, somewhere else than into ``.venv``."""
NO_NETWORK = (
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "Read timed out",
    "ProxyError",
    "ProtocolError",
    "Connection aborted",
    "Connection refused",
)
RETRIES = "3"
"""pip waits 0.25, 0.5 and 1 s before these: enough for a hiccup, short enough for one who is offline."""


class Refused(Exception):
    """The set-up cannot go on; the message is the one sentence to show."""


def say(text: str) -> None:
    """Tell the person who waits what is happening. On stderr, so that a job's own output stays clean."""
    print(f"gapless: {text}", file=sys.stderr, flush=True)


def clean_environment() -> dict[str, str]:
    """The caller's environment without what would mislead a Python of ``.venv``."""
    return {name: value for name, value in os.environ.items() if name not in NOT_OURS}


def make_venv(venv: Path) -> None:
    """Make an empty virtual environment at ``venv``, with pip inside where this Python can do that."""
    here, inside = _can_run("pip"), _can_run("ensurepip")
    if not _can_run("venv") or not (here or inside):
        raise Refused(_no_venv())
    say(f"making {venv.name} with Python {sys.version.split()[0]}")
    command = [sys.executable, "-m", "venv", str(venv)]
    failed = _run(command, venv / LOG) if inside else 1
    if failed and here:  # Debian splits ensurepip off: then this Python's own pip fills the venv from outside
        failed = _run([*command, "--without-pip"], venv / LOG)
    if failed:
        raise Refused(_explain(venv / LOG, "the virtual environment could not be made") or _no_venv())


def install_lock(python: Path, lock: Path) -> None:
    """Install exactly what ``lock`` pins, every file checked against its hash."""
    total = sum(1 for line in lock.read_text().splitlines() if re.match(r"[A-Za-z0-9]", line))
    say(f"installing what {lock.name} pins")
    _pip(python, ["--require-hashes", "--only-binary=:all:", "-r", str(lock)], _Progress(total))


def install_apart(python: Path, lock: Path, folder: Path) -> None:
    """Install what ``lock`` pins into a folder that only those see who put it on their path; what was there goes."""
    shutil.rmtree(folder, ignore_errors=True)
    say(f"installing what {lock.name} pins, into {folder.name}")
    exact = ["--require-hashes", "--only-binary=:all:", "--no-deps"]
    _pip(python, [*exact, "--target", str(folder), "-r", str(lock)], None)


def install_project(python: Path, root: Path) -> None:
    """Point ``.venv`` at this folder: gives the command ``gapless`` and the strategies' entry points."""
    say("installing gapless itself")
    _pip(python, ["--no-deps", "--no-build-isolation", "--no-index", "--editable", str(root)], None)


def sentence_for(error: OSError, place: Path) -> str:
    """What to tell about an operating system error met while setting up in ``place``."""
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"cannot write in {place}: make the folder writable, or copy it to a place that is, and start again."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left on the disk of {place}: free about 1 GB and start again."
    return f"setting up in {place} failed: {error}."


class _Progress:
    """One line per package that pip starts on; on a terminal the same line again."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._begun = 0
        self._live = sys.stderr.isatty()

    def __call__(self, line: str) -> None:
        if line.startswith("Ignoring "):  # pinned for another system
            self._total -= 1
        elif match := re.match(r"(?:Collecting|Processing) (?:\S*[/\\])?(\S+)", line):
            self._begun += 1
            self._show(f"  {self._begun:>3} of {self._total}  {match[1]}")
        elif line.startswith("Installing collected packages"):
            self._show("  unpacking", last=True)

    def _show(self, text: str, last: bool = False) -> None:
        if self._live:
            print(f"\r\x1b[2K{text}", end="\n" if last else "", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)


def _pip(python: Path, arguments: Sequence[str], watch: "_Progress | None") -> None:
    """Run ``pip install`` for ``python``: its own pip, or this Python's where the venv has none."""
    venv = python.parent.parent
    own = any(venv.glob("lib/python*/site-packages/pip")) or (venv / "Lib" / "site-packages" / "pip").exists()
    pip = [str(python), "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", str(python)]
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", f"--retries={RETRIES}"]
    if _run([*pip, "install", *quiet, *arguments], venv / LOG, watch):
        raise Refused(_explain(venv / LOG, "installing failed") or "installing failed without a word: start again.")


def _run(command: Sequence[str], log: Path, watch: "_Progress | None" = None) -> int:
    """Run ``command``, copy what it prints to ``log`` and to ``watch``; return its exit code."""
    environment = clean_environment() | {"PYTHONUNBUFFERED": "1"}
    with (
        log.open("w", encoding="utf-8") as kept,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
        ) as process,
    ):
        assert process.stdout is not None  # asked for above
        for line in process.stdout:
            kept.write(line)
            if watch is not None:
                watch(line)
    return process.returncode


def _explain(log: Path, otherwise: str) -> str:
    """Turn what pip said into one sentence; empty when it said nothing."""
    said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    where = log.parent.parent
    if any(sign in said for sign in NO_NETWORK):
        return "the packages could not be downloaded: check the network (or the proxy), then start again."
    if "No space left on device" in said:
        return sentence_for(OSError(errno.ENOSPC, ""), where)
    if "Read-only file system" in said or "Permission denied" in said:
        return sentence_for(OSError(errno.EACCES, ""), where)
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in said:
        return f"a downloaded package is not the one that was pinned: do not trust this network ({log} says which)."
    errors = [line.removeprefix("ERROR: ").strip() for line in said.splitlines() if line.startswith("ERROR: ")]
    last = errors[-1] if errors else (said.strip().splitlines() or [""])[-1]
    return f"{otherwise}: {last} (all of it is in {log})" if last else ""


def _can_run(module: str) -> bool:
    """Whether ``python -m module`` would start."""
    return importlib.util.find_spec(module) is not None and importlib.util.find_spec(f"{module}.__main__") is not None


def _no_venv() -> str:
    return (
        "this Python cannot make virtual environments: install its venv module "
        "(on Debian and Ubuntu: apt install python3-venv) and start again."
    )
