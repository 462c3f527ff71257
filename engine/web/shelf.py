"""The files that pages load, read once into memory: what is not on the shelf does not exist, whatever the path says."""

from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from attrs import frozen

KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@frozen
class Item:
    """One file. ``tag`` changes with what is in it."""

    content: bytes
    kind: str
    tag: str


def read_shelf() -> dict[str, Item]:
    """Every file under ``static``, by its path: some 350 kB."""
    found: dict[str, Item] = {}
    _walk(files("engine.web") / "static", "", found)
    return found


def _walk(folder: Traversable, prefix: str, found: dict[str, Item]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _walk(entry, f"{prefix}{entry.name}/", found)
        elif kind := KINDS.get("." + entry.name.rpartition(".")[2]):
            content = entry.read_bytes()
            found[prefix + entry.name] = Item(content, kind, f'"{sha256(content).hexdigest()[:20]}"')
