"""How entries lie in the file: one row for each fact, under the name of what it is about.

A row keeps the place of its first writing, and a later entry about the same thing takes its content over: so the file
grows with the number of orders and not with what happens to them, and reading it in order is reading them as they came.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, TypeAlias

from engine.codec.entries import parse_entry, render_entry
from engine.model.entry import Adjusted, Carried, Charged, Entry, Heard, Intended, Remembered, Saved, Stood
from engine.store.failures import damaged

Key: TypeAlias = tuple[str, str]
"""What a row is about: a kind of thing and its name."""

Row: TypeAlias = tuple[str, tuple[str, str, str]]
"""The statement that writes an entry, and its values."""

ORDER: Final = "order"

TABLES: Final = (
    "CREATE TABLE entry (place INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL)",
    "CREATE UNIQUE INDEX entry_about ON entry (kind, name)",
    "CREATE TABLE run (number INTEGER PRIMARY KEY, session TEXT NOT NULL)",
)

_KEEP: Final = "INSERT INTO entry (kind, name, body) VALUES (?, ?, ?) ON CONFLICT (kind, name) "
_PUT_NEW: Final = _KEEP + "DO NOTHING"
_PUT: Final = _KEEP + "DO UPDATE SET body = excluded.body"


@contextmanager
def transaction(connection: sqlite3.Connection, kind: Literal["IMMEDIATE", "DEFERRED"]) -> Iterator[None]:
    """All of the block or nothing; ``DEFERRED`` for what only reads."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def key_of(entry: Entry) -> Key:
    """What the entry is about. An intent and how the order stands are about the same."""
    match entry:
        case Intended(intent=intent):
            return ORDER, intent.client_order_id
        case Stood(ticket=ticket):
            return ORDER, ticket.client_order_id
        case Adjusted():
            return "adjusted", entry.id
        case Charged(fee=fee):
            return "charged", fee.id
        case Carried():
            return "carried", f"{entry.position.symbol} {entry.strategy}"
        case Heard():
            return "heard", entry.source
        case Saved():
            return "saved", entry.strategy


def render_rows(entries: Iterable[Entry]) -> list[Row]:
    """Entries as they are written. An intent never takes the place of how its order stands."""
    return [
        (_PUT_NEW if isinstance(entry, Intended) else _PUT, (*_columns(entry), render_entry(entry)))
        for entry in entries
    ]


def put(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Write rows into the open transaction, or one alone in a transaction of its own."""
    for statement, values in rows:
        connection.execute(statement, values)


def drop(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Remove what these are about in the open transaction."""
    connection.executemany("DELETE FROM entry WHERE kind = ? AND name = ?", map(_columns, entries))


def _columns(entry: Entry) -> Key:
    """A name may come from a stranger's order, and half a surrogate pair is no text for SQLite."""
    kind, name = key_of(entry)
    return kind, name.encode("utf-8", "backslashreplace").decode("utf-8")


def recall(connection: sqlite3.Connection, path: Path) -> Remembered:
    """Everything in the file, as of one instant, for the session that was begun last. Raises `StoreFailed`."""
    with transaction(connection, "DEFERRED"):
        (session,) = connection.execute("SELECT session FROM run ORDER BY number DESC LIMIT 1").fetchone() or ("",)
        entries = list(_entries(connection, path))
    intents = tuple(entry.intent for entry in entries if isinstance(entry, Intended))
    tickets = tuple(entry.ticket for entry in entries if isinstance(entry, Stood))
    next_seq: dict[str, int] = {}
    for intent in (*intents, *(ticket.intent for ticket in tickets)):
        if intent is not None and intent.client_order_id.startswith(f"{session}-"):
            next_seq[intent.strategy] = max(next_seq.get(intent.strategy, 0), intent.seq + 1)
    return Remembered(
        session=session,
        next_seq=next_seq,
        intents=intents,
        tickets=tickets,
        adjustments=tuple(entry for entry in entries if isinstance(entry, Adjusted)),
        charged=tuple(entry for entry in entries if isinstance(entry, Charged)),
        carried=tuple(entry for entry in entries if isinstance(entry, Carried)),
        heard={entry.source: entry.mark for entry in entries if isinstance(entry, Heard)},
        saved={entry.strategy: entry.values for entry in entries if isinstance(entry, Saved)},
    )


def _entries(connection: sqlite3.Connection, path: Path) -> Iterator[Entry]:
    for place, body in connection.execute("SELECT place, body FROM entry ORDER BY place"):
        try:
            yield parse_entry(body)
        except (TypeError, ValueError) as error:
            raise damaged(path, f"row {place}: {error}") from error
