"""``orders.jsonl``: how each order of a session stood at the end, one line each."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from engine.codec.entries import parse_entry, render_entry
from engine.errors import StoreFailed
from engine.model.entry import Stood
from engine.model.intent import Ticket
from engine.store.session.manifest import replace_file

NAME: Final = "orders.jsonl"


def write_orders(folder: Path, tickets: Iterable[Ticket]) -> None:
    """Replace the file with these orders, in their order. Raises ``OSError``."""
    text = "".join(render_entry(Stood(ticket=ticket)) + "\n" for ticket in tickets)
    replace_file(folder / NAME, text.encode())


def read_orders(folder: Path) -> Iterator[Ticket]:
    """The orders of a session's folder; none where it has no such file. Raises `StoreFailed`."""
    path = folder / NAME
    if not path.exists():
        return
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            entry = parse_entry(line)
            if not isinstance(entry, Stood):
                raise ValueError(f"line {number} is about something else than an order")
            yield entry.ticket
    except (OSError, ValueError) as error:
        raise StoreFailed(f"{path} cannot be read ({error}): take it from a copy.") from error
