"""``gapless record`` writes down what the venue sent, and ``gapless journal`` says what is there."""

import json
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from engine import Context, strategy
from engine.app.cli import run_command
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.app.record.command import plan_recording
from engine.app.record.describe import describe_live
from engine.app.record.flags import RecordFlags
from engine.app.record.recorder import Params, record, streams_of
from engine.app.secrets import Secret
from engine.codec.journal import parse_control
from engine.errors import Misconfigured, StoreFailed
from engine.exchange.faults import parse_faults
from engine.exchange.serve import ExchangeOptions, Running, open_exchange
from engine.model.control import Connected, Lost
from engine.model.journal import Noted
from engine.model.market import Kind
from engine.store.session import RecordedSession, read_session
from engine.testing.inline import run_inline
from engine.testing.recorder import Show, show_recorder

SYMBOLS = ("BTC/USD",)
CHANNELS = ("trades", "quotes")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    with chdir(tmp_path):
        yield tmp_path


@pytest.fixture
def held(tmp_path: Path) -> Callable[..., Any]:
    """Records a session of some virtual seconds at an exchange; returns what is in the folder, and the exchange."""

    async def hold(
        *, for_s: float = 20.0, faults: str = "", run_sync: Any = run_inline, **changes: Any
    ) -> tuple[RecordedSession, Running]:
        made = ExchangeOptions(symbols=SYMBOLS, events_per_s=20.0, burst=False, faults=parse_faults(faults))
        plug = LoadedStrategy(record, Params(SYMBOLS, CHANNELS), "record")
        options = RunOptions(strategies=(plug,), for_s=for_s, record_dir=tmp_path / "session")
        async with open_exchange(made) as running:
            await run_live(evolve(options, **changes), exchange=running, run_sync=run_sync)
            return read_session(tmp_path / "session"), running

    return hold


async def test_what_the_venue_published_is_in_the_folder(autojump_clock: trio.abc.Clock, held: Any) -> None:
    session, exchange = await held()
    events = list(session.market())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    trades = [(one.ts_ns, one.price, one.id) for one in events if one.kind is Kind.TRADES]
    published = [
        (one.ts_ns, one.price, one.id) for one in exchange.market.past.between(Kind.TRADES, "BTC/USD", 0, 1 << 62)
    ]
    first = published.index(trades[0])
    assert trades == published[first : first + len(trades)]
    assert len(trades) > 50
    assert (session.manifest.finished, session.compacted) == (True, True)
    assert [player.name for player in session.manifest.strategies] == ["record"]


@strategy()
async def half(ctx: Context) -> None:
    """Speaks of a file whose name is no UTF-8, and fails over it."""
    ctx.log("no file caf\udce9")
    async with ctx.trades("BTC/USD") as trades:
        async for _ in trades:
            raise ValueError("still no file caf\udce9")


async def test_half_a_character_ends_no_session_that_is_recorded(
    autojump_clock: trio.abc.Clock, held: Any, tmp_path: Path
) -> None:
    session, _ = await held(strategies=(LoadedStrategy(half, name="half"),))
    assert (session.manifest.finished, session.compacted) == (True, True)
    noted = (tmp_path / "session" / "decisions.journal").read_bytes()
    assert noted.count(b"no file caf\\udce9") == 2, "what it said, and what it ended with"
    assert "udce9" in (tmp_path / "session" / "report.json").read_text()


async def test_what_happened_to_the_line_is_noted_among_the_events(autojump_clock: trio.abc.Clock, held: Any) -> None:
    session, _ = await held(faults='[[fault]]\nkind = "cut"\nafter_events = 100\n')
    controls = [parse_control(record.event) for record in session.records() if isinstance(record, Noted)]
    assert [type(one) for one in controls[:3]] == [Connected, Lost, Connected]


async def test_raw_frames_are_kept_where_they_are_asked_for(autojump_clock: trio.abc.Clock, held: Any) -> None:
    session, _ = await held(record_frames=True, for_s=5.0)
    frames = list(session.frames())
    assert frames[0].feed == "crypto"
    assert b"connected" in frames[0].content
    assert sum(b"BTC/USD" in one.content for one in frames) > 10


async def test_a_recording_that_cannot_go_on_ends_a_session_that_only_records(
    autojump_clock: trio.abc.Clock, held: Any
) -> None:
    async def full(function: Any, /, *args: Any, abandon_on_cancel: bool = False) -> Any:
        await trio.lowlevel.checkpoint()
        if getattr(function, "__name__", "") == "write":
            raise OSError(28, "No space left on device")
        return function(*args)

    with pytest.RaisesGroup(StoreFailed, flatten_subgroups=True) as raised:
        await held(for_s=60.0, run_sync=full)
    assert "no longer recorded" in str(raised.value.exceptions)


def test_the_manifest_holds_no_secret() -> None:
    plug = LoadedStrategy(record, Params(SYMBOLS), "record")
    options = RunOptions(
        strategies=(plug,), venue="paper", key_id=Secret("PKTESTTESTTESTTEST99"), secret=Secret("s3cr3t")
    )
    text = repr(describe_live(options, 5))
    assert "PKTEST" not in text
    assert "s3cr3t" not in text
    assert "engine.app.record.recorder:record" in text


def test_flags_become_a_session_that_records(tmp_path: Path) -> None:
    options, settings = plan_recording(RecordFlags(folder=("here",), symbols="SPY,AAPL", channels="trades", raw=True))
    assert options.strategies[0].params == Params(("SPY", "AAPL"), ("trades",))
    assert (options.record_dir, options.record_frames) == (Path("here"), True)
    assert options.exchange.symbols == ("SPY", "AAPL")
    assert settings.log_file == Path("here/session.log")
    by_itself, _ = plan_recording(RecordFlags())
    assert by_itself.strategies[0].params == Params(("*",), ("trades", "quotes", "bars"))
    assert str(by_itself.record_dir).startswith("sessions/")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (RecordFlags(channels="smells"), "no channel 'smells'"),
        (RecordFlags(folder=("a", "b")), "name one"),
        (RecordFlags(venue="paper"), "Venue paper needs keys"),
        (RecordFlags(until_tape_ends=True), "no --tape was given"),
    ],
)
def test_flags_that_make_no_sense_are_refused(flags: RecordFlags, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        plan_recording(flags)


def test_each_channel_of_each_symbol_is_wanted_once() -> None:
    assert len(streams_of(("SPY", "AAPL", "SPY"), ("trades", "quotes"))) == 4


@pytest.mark.slow
def test_the_commands_record_and_tell(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["record", "here", "--symbols", "SPY", "--for", "1", "--events-per-s", "100", "--json"]
    assert run_command(line) == 0
    report = json.loads(capsys.readouterr().out)
    assert run_command(["journal", "here", "--json", "--last", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["events"] == report["conservation"]["received"]
    assert [one["seq"] for one in told["last"]] == [told["events"] - 1, told["events"]]
    assert told["finished"]
    assert run_command(["journal", "here", "--last", "2"]) == 0
    said = capsys.readouterr().out
    assert "in Parquet" in said
    assert "trades  SPY" in said
    assert run_command(line) == 2
    assert "has ended: give another folder" in capsys.readouterr().err
    assert run_command(["journal", "nowhere"]) == 2


@pytest.mark.slow
def test_what_a_killed_recorder_lost_is_within_the_window_and_a_gap(tmp_path: Path) -> None:
    came = show_recorder(tmp_path, Show(events_per_s=1000, before_s=1.0, after_s=1.5))
    assert not came.wrong, came.lines
    assert came.lost_s <= came.window_s < 1
    assert came.missing_after > 0
    assert len(came.gaps) == 4
