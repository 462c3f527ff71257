"""A recorder that is killed while it records, started again on its folder, and held against what the venue published.

Real processes: ``gapless exchange`` and ``gapless record``. The kill is SIGKILL, so nothing of the recorder gets a word
in. Afterwards the exchange's own history says which trades there were; each must be in the journal, or in a gap that
the journal notes, and before the kill no more may be missing than the window that the manifest declares.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
from attrs import evolve, frozen

from engine.model.control import Gap
from engine.model.instant import NS_PER_S, parse_instant, render_instant
from engine.model.market import Kind, MarketEvent, Trade
from engine.model.stream import Stream
from engine.store.session import read_session

START: Final = "import sys; from engine.app.cli import main; sys.exit(main())"
ROOT: Final = Path(__file__).resolve().parents[2]
"""Where the packages under test are found, whatever folder this is called from."""
SYMBOLS: Final = ("SPY", "AAPL")
PATIENCE_S: Final = 60.0
"""For processes to start and to end on a machine that does something else at the same time."""
POLL_S: Final = 0.05
PAGE_ROWS: Final = 10_000
"""The most that one page of history holds."""

Key = tuple[str, str, int | None]


@frozen(kw_only=True)
class Show:
    """How hard, and how long before the kill and after it."""

    events_per_s: float = 20_000
    before_s: float = 10.0
    after_s: float = 5.0


@frozen(kw_only=True)
class Came:
    """What came of it. ``lost_s`` is from the last event in the journal to the kill, by when events were told."""

    show: Show
    window_s: float
    recorded_before: int
    recorded: int
    lost_s: float
    published: int
    """Trades that the exchange's history has of the whole span."""
    missing_before: int
    """Of them not in the journal, and published before the kill."""
    missing_after: int
    torn: int
    gaps: tuple[Gap, ...]
    sizes: Mapping[str, int]
    wrong: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The figures."""
        before, after = self.show.before_s, self.show.after_s
        journal, parquet = self.sizes["market.journal"], self.sizes["parquet"]
        return (
            f"{self.show.events_per_s:,.0f} events/s; killed after {before:g} s, started again for {after:g} s",
            f"in the journal then: {self.recorded_before:,} events, {journal / self.recorded_before:.0f} bytes each",
            f"lost before the kill: {self.lost_s:.3f} s of events (declared: {self.window_s:g} s)",
            f"of them trades: {self.missing_before:,} of {self.published:,}; a torn tail of {self.torn} bytes was cut",
            f"not recorded until it ran again: {self.missing_after:,} trades",
            f"in the end: {self.recorded:,} events, {parquet / self.recorded:.0f} bytes each in Parquet",
            *(
                f"gap {gap.stream}: {render_instant(gap.start_ns)} to {render_instant(gap.end_ns)}, {gap.cause}"
                for gap in self.gaps
            ),
        )


def show_recorder(folder: Path, show: Show) -> Came:
    """Run it in this folder, which is empty. Raises ``RuntimeError`` where a process does not come up."""
    session = folder.resolve() / "session"
    with _exchange(folder, show.events_per_s) as urls, httpx.Client(timeout=PATIENCE_S) as http:
        recorder = _record(folder, session, urls)
        try:
            _wait_events(session, recorder)
            time.sleep(show.before_s)
        finally:
            recorder.kill()
            killed_s = time.time()
            recorder.wait(PATIENCE_S)
        killed_ns = _market_ns(http, urls["trading_url"], killed_s)
        crashed = read_session(session)
        told = [(at_ns, event.seq) for at_ns, event in crashed.told()]
        torn, journal = sum(crashed.torn().values()), (session / "market.journal").stat().st_size
        again = _record(folder, session, urls, "--for", f"{show.after_s:g}")
        code = again.wait(PATIENCE_S + show.after_s)
        done = read_session(session)
        events = [event for _, event in done.told()]
        gaps = tuple(gap for gap in done.gaps() if gap.cause == "not_recorded")
        published = list(_history(http, urls["data_url"], events[0].ts_ns, events[-1].ts_ns))
    recorded = {_key(event) for event in events if isinstance(event, Trade)}
    missing = [trade for trade in published if _key(trade) not in recorded]
    before = [trade for trade in missing if trade.ts_ns <= killed_ns]
    came = Came(
        show=show,
        window_s=done.manifest.window_s,
        recorded_before=len(told),
        recorded=len(events),
        lost_s=(killed_ns - told[-1][0]) / NS_PER_S,
        published=len(published),
        missing_before=len(before),
        missing_after=len(missing) - len(before),
        torn=torn,
        gaps=gaps,
        sizes={"market.journal": journal, "parquet": sum(path.stat().st_size for path in done.parquet_files())},
        wrong=tuple(_wrong(code, done.manifest.finished, events, len(told), gaps, missing, recorded)),
    )
    if came.lost_s > came.window_s:
        late = f"{came.lost_s:.3f} s of events were lost with the process, and {came.window_s:g} s are declared"
        return evolve(came, wrong=(*came.wrong, late))
    return came


def _wrong(
    code: int,
    finished: bool,
    events: Sequence[MarketEvent],
    before: int,
    gaps: Sequence[Gap],
    missing: Sequence[Trade],
    recorded: set[Key],
) -> Iterator[str]:
    if code or not finished:
        yield f"the second recorder ended with {code}, and the session is {'' if finished else 'not '}ended"
    if [event.seq for event in events] != list(range(1, len(events) + 1)):
        yield "the numbers of the events are not 1, 2, 3 and so on"
    if len(events) <= before:
        yield "nothing was recorded after the kill"
    spans = {gap.stream: gap for gap in gaps}
    told = {Stream(event.kind, event.symbol) for event in events[:before]}
    if unmarked := [str(stream) for stream in sorted(told) if stream not in spans]:
        yield f"no gap says what is missing of {', '.join(unmarked)}"
    outside = [
        trade
        for trade in missing
        if not (gap := spans.get(Stream(Kind.TRADES, trade.symbol))) or not gap.start_ns <= trade.ts_ns <= gap.end_ns
    ]
    if outside:
        yield f"{len(outside)} trades are neither in the journal nor in a gap, the first at {outside[0].ts_ns}"
    trades = sum(isinstance(event, Trade) for event in events)
    if trades != len(recorded) or not recorded:
        yield f"{trades} trades were recorded, of which {len(recorded)} are different ones"


def _key(trade: Trade) -> Key:
    return trade.symbol, trade.exchange, trade.id


# -- processes


@contextmanager
def _exchange(folder: Path, events_per_s: float) -> Iterator[dict[str, str]]:
    arguments = ["exchange", "--json", "--even", "--events-per-s", f"{events_per_s:g}", "--symbols", ",".join(SYMBOLS)]
    with (folder / "exchange.err").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", START, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the exchange did not come up: {(folder / 'exchange.err').read_text()}")
        yield json.loads(line)
    finally:
        process.kill()
        process.communicate()


def _record(folder: Path, session: Path, urls: Mapping[str, str], *more: str) -> "subprocess.Popen[bytes]":
    flags = [f"--{name.replace('_', '-')}={urls[name]}" for name in ("data_stream_url", "data_url", "trading_url")]
    wanted = ["--symbols", ",".join(SYMBOLS), "--channels", "trades,quotes", "--json"]
    with (folder / "record.out").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-c", START, "record", str(session), *wanted, *flags, *more],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )


def _wait_events(session: Path, process: "subprocess.Popen[bytes]") -> None:
    """Until something is written."""
    journal, until_s = session / "market.journal", time.monotonic() + PATIENCE_S
    while not (journal.exists() and journal.stat().st_size > 1024):
        if process.poll() is not None or time.monotonic() > until_s:
            said = (session.parent / "record.out").read_text()
            raise RuntimeError(f"the recorder did not record: {said}")
        time.sleep(POLL_S)


def _market_ns(http: httpx.Client, trading_url: str, wall_s: float) -> int:
    """Market time of an instant of this machine's clock, in a market that runs at speed 1."""
    asked_s = time.time()
    told = http.get(f"{trading_url}/v2/clock", headers=_KEYS).raise_for_status().json()
    middle_s = (asked_s + time.time()) / 2
    return parse_instant(told["timestamp"]) - round((middle_s - wall_s) * NS_PER_S)


def _history(http: httpx.Client, data_url: str, start_ns: int, end_ns: int) -> Iterator[Trade]:
    """Every trade that the exchange published in a span."""
    for symbol in SYMBOLS:
        token = None
        while True:
            asked = {
                "start": render_instant(start_ns),
                "end": render_instant(end_ns),
                "limit": str(PAGE_ROWS),
                **({"page_token": token} if token else {}),
            }
            reply = http.get(f"{data_url}/v2/stocks/{symbol}/trades", params=asked, headers=_KEYS)
            page = reply.raise_for_status().json()
            for row in page["trades"] or ():
                yield Trade(symbol, parse_instant(row["t"]), row["p"], row["s"], row["i"], row["x"])
            token = page.get("next_page_token")
            if not token:
                break


_KEYS: Final = {"APCA-API-KEY-ID": "any", "APCA-API-SECRET-KEY": "any"}
