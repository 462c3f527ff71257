"""``manifest.json``: what a session was, for people and for who takes it again.

It is written when a run begins, when it ends, and once more when everything is in its last place: a manifest with
``ended`` is that of a session to which nothing is added any more. Secrets never reach it: it is handed settings that
are plain and redacted.
"""

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import cattrs
from attrs import field, frozen

from engine.errors import Misconfigured, StoreFailed
from engine.store.folder import FILE_MODE, sync_folder

FORMAT: Final = 1
NAME: Final = "manifest.json"
WINDOW_S: Final = 0.5
"""What is lost at most with the process, in seconds of wall time: `engine.store.session.recording.FLUSH_S` until a
batch is begun, and as much again to encode and write it, with some to spare."""
POWER_WINDOW_S: Final = 2.0
"""What is lost at most with the machine: a sync is begun every second, and takes a while."""


@frozen(kw_only=True)
class Player:
    """A strategy that took part. ``source`` is ``module:name``, ``file`` where its code was, ``sha256`` of that."""

    name: str
    source: str = ""
    file: str = ""
    sha256: str = ""
    params: Mapping[str, Any] = field(factory=dict)
    trades: bool = False


@frozen(kw_only=True)
class Run:
    """One process that wrote this session. Times are market time, nanoseconds since the epoch."""

    started_ns: int
    after_seq: int = 0
    """The number of the last event before it."""
    torn: int = 0
    """Bytes of a torn tail that were cut when it began."""
    ended_ns: int | None = None
    """``None``: it did not end in order, or has not yet."""
    failure: str = ""
    """Why it stopped recording before it ended."""


@frozen(kw_only=True)
class Manifest:
    """One session. ``settings`` are plain values without secrets."""

    started_ns: int
    """Market time, nanoseconds since the epoch."""
    started: str = ""
    """The same as RFC 3339 text."""
    format: int = FORMAT
    gapless: str = field(factory=lambda: _version("gapless"))
    python: str = field(factory=platform.python_version)
    trio: str = field(factory=lambda: _version("trio"))
    venue: str = ""
    strategies: tuple[Player, ...] = ()
    settings: Mapping[str, Any] = field(factory=dict)
    seeds: Mapping[str, int] = field(factory=dict)
    feeds: Mapping[str, str] = field(factory=dict)
    window_s: float = WINDOW_S
    power_window_s: float = POWER_WINDOW_S
    runs: tuple[Run, ...] = ()
    ended_ns: int | None = None
    ended: str = ""
    compacted: bool = False
    """Whether the market's events are in ``market/``; else they are in ``market.journal``."""
    last_seq: int = 0
    """The number of the last event, once the session has ended."""
    files: Mapping[str, str] = field(factory=dict)
    """SHA-256 of each file of the session, once it has ended."""

    @property
    def finished(self) -> bool:
        """Whether nothing is added to this session any more."""
        return self.ended_ns is not None

    @property
    def failed(self) -> bool:
        """Whether a run of it stopped recording before it ended."""
        return any(run.failure for run in self.runs)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


_CONVERTER: Final = cattrs.Converter()
_CONVERTER.register_structure_hook_func(lambda wanted: wanted is Any, lambda told, _: told)


def render_manifest(manifest: Manifest) -> str:
    """The text of the file, for people too."""
    return json.dumps(_CONVERTER.unstructure(manifest), indent=2, ensure_ascii=False) + "\n"


def parse_manifest(text: str, name: str) -> Manifest:
    """The manifest that a text tells; ``name`` is what the file is called. Raises `StoreFailed`, `Misconfigured`."""
    try:
        told = json.loads(text)
        newer = isinstance(told, dict) and told.get("format", 0) > FORMAT
        if not newer:
            return _CONVERTER.structure(told, Manifest)
    except (ValueError, TypeError, KeyError, cattrs.BaseValidationError) as error:
        raise StoreFailed(
            f"{name} is no manifest of a session ({type(error).__name__}): take it from a copy, or record anew."
        ) from error
    raise Misconfigured(
        f"{name} was written by a newer gapless (format {told['format']}; this one reads up to {FORMAT}): update "
        "gapless to read it."
    )


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a session's folder, ``None`` where there is none. Raises `StoreFailed`, `Misconfigured`."""
    path = folder / NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreFailed(f"{path} cannot be read: {error}; look at its rights.") from error
    return parse_manifest(text, str(path))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step, synced. Raises ``OSError``."""
    replace_file(folder / NAME, render_manifest(manifest).encode())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that there is the old one or the new one and nothing between, synced. Raises ``OSError``."""
    draft = path.with_name(path.name + ".new")
    draft.touch(FILE_MODE)
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)
