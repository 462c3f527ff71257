"""``gapless journal``: what the folder of a recorded session holds, as tables for people and as one JSON object."""

import sys
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from attrs import asdict, define, field

from engine.app.record.flags import JournalFlags
from engine.app.screen.tables import Sheet, count, render_plain, to_rich
from engine.errors import Misconfigured
from engine.model.control import Gap
from engine.model.instant import render_instant
from engine.model.market import MarketEvent
from engine.store.session import RecordedSession, read_session


@define
class Told:
    """One stream of a session: how many events, and when the first and the last were told (market time, ns)."""

    kind: str
    symbol: str
    events: int = 0
    first_ns: int = 0
    last_ns: int = 0


@define
class Contents:
    """What a session's folder holds."""

    session: RecordedSession
    streams: list[Told] = field(factory=list)
    records: dict[str, int] = field(factory=dict)
    gaps: list[Gap] = field(factory=list)
    torn: dict[str, int] = field(factory=dict)
    sizes: dict[str, int] = field(factory=dict)
    last: list[MarketEvent] = field(factory=list)

    @property
    def events(self) -> int:
        """Of all streams."""
        return sum(told.events for told in self.streams)


def journal_command(flags: JournalFlags) -> int:
    """Print what is there; returns 0. Raises `Misconfigured` and `StoreFailed`."""
    if flags.last < 0:
        raise Misconfigured(f"--last {flags.last} is not possible: give 0 or more.")
    contents = read_contents(Path(flags.folder), flags.last)
    if flags.json:
        print(msgspec.json.encode(to_json(contents)).decode(), flush=True)
        return 0
    sheets = [sheet for sheet in sheets_of(contents) if sheet.rows]
    print(head_of(contents))
    for sheet in sheets:
        _print_sheet(sheet)
    return 0


def read_contents(folder: Path, last: int = 0) -> Contents:
    """Read a session from end to end, an event at a time. Raises `Misconfigured` and `StoreFailed`."""
    session = read_session(folder)
    streams: dict[tuple[str, str], Told] = {}
    kept: deque[MarketEvent] = deque(maxlen=last)
    for at_ns, event in session.told():
        key = (event.kind, event.symbol)
        told = streams.get(key)
        if told is None:
            told = streams[key] = Told(event.kind, event.symbol, first_ns=at_ns)
        told.events += 1
        told.last_ns = at_ns
        kept.append(event)
    return Contents(
        session=session,
        streams=[streams[key] for key in sorted(streams)],
        records=dict(sorted(Counter(type(record).__name__.lower() for record in session.records()).items())),
        gaps=list(session.gaps()),
        torn=session.torn(),
        sizes={
            path.relative_to(folder).as_posix(): path.stat().st_size
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
        last=list(kept),
    )


def to_json(contents: Contents) -> dict[str, Any]:
    """Plain values."""
    manifest = contents.session.manifest
    return {
        "folder": str(contents.session.folder),
        "finished": manifest.finished,
        "manifest": asdict(manifest),
        "events": contents.events,
        "streams": [asdict(told) for told in contents.streams],
        "records": contents.records,
        "gaps": [asdict(gap, recurse=False) for gap in contents.gaps],
        "torn": contents.torn,
        "sizes": contents.sizes,
        "last": [{"kind": event.kind, **msgspec.to_builtins(event)} for event in contents.last],
    }


def head_of(contents: Contents) -> str:
    """The first lines: which session it is, and whether all of it is there."""
    session, manifest = contents.session, contents.session.manifest
    state = f"ended {manifest.ended}" if manifest.finished else "has not ended (it runs, or it crashed)"
    names = ", ".join(player.name for player in manifest.strategies) or "nobody"
    lines = [
        f"{session.folder}: begun {manifest.started}, {state}, {count(len(manifest.runs))} runs, at {manifest.venue}.",
        f"  strategies  {names}",
        f"  events      {count(contents.events)}, {'in Parquet' if session.compacted else 'in market.journal'}",
        f"  records     {', '.join(f'{count(number)} {name}' for name, number in contents.records.items()) or 'none'}",
        f"  gaps        {count(len(contents.gaps))}",
        f"  window      {manifest.window_s:g} s can be lost with the process",
    ]
    lines += [f"  torn        {count(size)} bytes at the end of {name}" for name, size in contents.torn.items()]
    lines += [f"  failed      {run.failure}" for run in manifest.runs if run.failure]
    return "\n".join(lines)


def sheets_of(contents: Contents) -> Iterator[Sheet]:
    """The tables."""
    yield Sheet(
        "Streams",
        ("<kind", "<symbol", "events", "<first", "<last"),
        tuple(
            (told.kind, told.symbol, count(told.events), render_instant(told.first_ns), render_instant(told.last_ns))
            for told in contents.streams
        ),
    )
    yield Sheet(
        "Gaps",
        ("<stream", "<from", "<to", "<cause", "recovered"),
        tuple(
            (
                str(gap.stream),
                render_instant(gap.start_ns),
                render_instant(gap.end_ns),
                gap.cause,
                count(gap.recovered),
            )
            for gap in contents.gaps
        ),
    )
    yield Sheet("Files", ("<file", "bytes"), tuple((name, count(size)) for name, size in contents.sizes.items()))
    yield Sheet(
        "Last events",
        ("seq", "<kind", "<symbol", "<time", "<origin"),
        tuple(
            (count(event.seq), event.kind, event.symbol, render_instant(event.ts_ns), event.origin)
            for event in contents.last
        ),
    )


def _print_sheet(sheet: Sheet) -> None:
    print()
    if sys.stdout.isatty():
        from rich.console import Console  # only for terminals, as in `engine.app.screen.tables`

        Console().print(to_rich(sheet))
    else:
        print(render_plain(sheet))
