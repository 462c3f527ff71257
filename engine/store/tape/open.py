"""Opening tapes: Parquet files, session folders, and recordings of the audit strategy, as one."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from attrs import evolve

from engine.errors import Misconfigured
from engine.model.control import Gap
from engine.model.instant import render_instant
from engine.store.tape.chunks import NEVER_NS, Opened
from engine.store.tape.opened import OpenTape, Span
from engine.store.tape.parts import index_file, open_file
from engine.store.tape.reading import Rows
from engine.store.tape.sessions import is_session, open_recorded, open_session, read_gaps

SYMBOLS_SHOWN: Final = 20


def open_tape(
    paths: Sequence[Path], *, symbols: Sequence[str] = (), start_ns: int | None = None, end_ns: int | None = None
) -> OpenTape:
    """Open Parquet files, session folders and ``.jsonl`` recordings as one tape, limited to ``symbols`` if any are
    given, and to what is due from ``start_ns`` to ``end_ns`` (both inclusive).

    Raises `Misconfigured` when one is absent, cannot be read, lacks columns, is not sorted, or nothing is left to tell.
    """
    wanted = frozenset(symbols)
    if start_ns is not None and end_ns is not None and start_ns > end_ns:
        raise Misconfigured(
            f"The span of the tape ends ({render_instant(end_ns)}) before it begins ({render_instant(start_ns)})."
        )
    sources: list[Opened] = []
    for path in paths:
        sources += _open(path, wanted, 1 + max((source.order for source in sources), default=-1))
    held = {source.stream.symbol for source in sources} - {""}
    if not sources or (absent := wanted - held):
        raise Misconfigured(_nothing_of(paths, wanted, absent if sources else wanted))
    first_ns = min((due for each in sources if (due := _first(each, start_ns)) is not None), default=None)
    last_ns = max((due for each in sources if (due := _last(each, end_ns)) is not None), default=None)
    if first_ns is None or last_ns is None or last_ns < first_ns:
        raise Misconfigured(_nothing_within(sources, start_ns, end_ns))
    span = Span(first_ns if start_ns is None else start_ns, NEVER_NS if end_ns is None else end_ns)
    gaps = [gap for path in paths if is_session(path) for gap in read_gaps(path, wanted)]
    return OpenTape(tuple(sources), tuple(sorted(held)), first_ns, last_ns, span, _within(gaps, span, last_ns))


def _within(gaps: Iterable[Gap], span: Span, last_ns: int) -> tuple[Gap, ...]:
    """Those of the span, in order. What was found to be missing at the end is told before the last instant."""
    mine = [evolve(gap, at_ns=min(gap.at_ns, last_ns)) for gap in gaps if span.first_ns <= gap.at_ns <= span.last_ns]
    return tuple(sorted(mine, key=lambda gap: gap.at_ns))


def _open(path: Path, wanted: frozenset[str], order: int) -> list[Opened]:
    if is_session(path):
        return open_session(path, wanted, order)
    if path.suffix == ".jsonl":
        return open_recorded(path, wanted, order)
    return [Rows(part) for part in index_file(open_file(path), wanted, order)]


def _first(source: Opened, start_ns: int | None) -> int | None:
    """When the first of a source is due within the span."""
    return source.first_due(-NEVER_NS if start_ns is None else start_ns)


def _last(source: Opened, end_ns: int | None) -> int | None:
    return source.last_due(NEVER_NS if end_ns is None else end_ns)


def _nothing_of(paths: Sequence[Path], wanted: frozenset[str], absent: frozenset[str]) -> str:
    where = ", ".join(path.name for path in paths) or "no file"
    have = sorted({source.stream.symbol for path in paths for source in _open(path, frozenset(), 0)} - {""})
    shown = ", ".join(have[:SYMBOLS_SHOWN]) + (f" and {len(have) - SYMBOLS_SHOWN} more" if have[SYMBOLS_SHOWN:] else "")
    holds = f" It holds {shown}." if have else ""
    if wanted and have:
        return f"The tape ({where}) has no row of {', '.join(sorted(absent))}.{holds}"
    return f"The tape ({where}) has no row: nothing would be told.{holds}"


def _nothing_within(sources: Sequence[Opened], start_ns: int | None, end_ns: int | None) -> str:
    first_ns = min((due for source in sources if (due := _first(source, None)) is not None), default=0)
    last_ns = max((due for source in sources if (due := _last(source, None)) is not None), default=0)
    start = "its beginning" if start_ns is None else render_instant(start_ns)
    end = "its end" if end_ns is None else render_instant(end_ns)
    return (
        f"The tape has no event between {start} and {end}: nothing would be told. "
        f"It goes from {render_instant(first_ns)} to {render_instant(last_ns)}."
    )
