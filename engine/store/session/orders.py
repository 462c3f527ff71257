"""``orders.jsonl``: how each order of a session stood at the end, one line each.

Until then changes are appended to ``orders.part.jsonl``, the latest of an order the last, so that a session whose
process died has its orders as well. That file goes when the other comes.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from engine.codec.entries import parse_entry, render_entry
from engine.errors import StoreFailed
from engine.model.entry import Stood
from engine.model.intent import Ticket
from engine.store.folder import FILE_MODE
from engine.store.session.manifest import replace_file

NAME: Final = "orders.jsonl"
PART: Final = "orders.part.jsonl"


def write_orders(folder: Path, tickets: Iterable[Ticket]) -> None:
    """Replace the file with these orders, in their order. Raises ``OSError``."""
    replace_file(folder / NAME, _lines(tickets))
    (folder / PART).unlink(missing_ok=True)


def append_orders(folder: Path, tickets: Iterable[Ticket]) -> None:
    """Note how these orders stand now, while the session runs. Not synced. Raises ``OSError``."""
    path = folder / PART
    path.touch(FILE_MODE)
    with path.open("ab") as file:
        file.write(b"\n" + _lines(tickets))  # what a crash left unfinished before it stays a line of its own


def _lines(tickets: Iterable[Ticket]) -> bytes:
    return "".join(render_entry(Stood(ticket=ticket)) + "\n" for ticket in tickets).encode()


def read_orders(folder: Path) -> Iterator[Ticket]:
    """The orders of a session's folder: as they stood at the end or, where it has none, as was noted of them last; none
    where it has no such file. Raises `StoreFailed`."""
    path = next((folder / name for name in (NAME, PART) if (folder / name).exists()), None)
    if path is None:
        return
    found: dict[str, Ticket] = {}
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            try:
                entry = parse_entry(line)
                if not isinstance(entry, Stood):
                    raise ValueError("it is about something else than an order")
            except ValueError as error:
                if path.name == PART:  # torn by a crash
                    continue
                raise ValueError(f"line {number}: {error}") from error
            found[entry.ticket.client_order_id] = entry.ticket
    except (OSError, ValueError) as error:
        raise StoreFailed(f"{path} cannot be read ({error}): take it from a copy.") from error
    yield from found.values()
