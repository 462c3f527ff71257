"""``gapless record`` from flags to exit code: a session like any other, whose strategy only wants streams."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from attrs import evolve

from engine.app.config.settings import Settings
from engine.app.flags import RunFlags
from engine.app.options import RunOptions
from engine.app.record.flags import RecordFlags
from engine.app.record.recorder import streams_of
from engine.app.session import hold_session, plan
from engine.errors import Misconfigured

SESSIONS: Final = Path("sessions")
LOG: Final = "session.log"
RECORDER: Final = "engine.app.record.recorder:record"
"""What takes the place of a strategy."""


async def record_command(flags: RecordFlags) -> int:
    """Record until the end that was asked for, Ctrl-C or SIGTERM. Raises `GaplessError`."""
    options, settings = plan_recording(flags)
    sys.stderr.write(f"gapless record: to {options.record_dir}\n")
    return await hold_session(options, settings, as_json=flags.json)


def plan_recording(flags: RecordFlags) -> tuple[RunOptions, Settings]:
    """Everything that the flags, the environment and the settings file say, checked; raises `Misconfigured`."""
    if len(flags.folder) > 1:
        raise Misconfigured(f"One folder holds a recording, and {len(flags.folder)} were given: name one.")
    symbols = _words(flags.symbols) or ("*",)
    channels = _words(flags.channels)
    streams_of(symbols, channels)  # said before anything is opened
    run_flags = RunFlags(
        venue=flags.venue,
        sets=(f"record.symbols={','.join(symbols)}", f"record.channels={','.join(channels)}"),
        **{name: getattr(flags, name) for name in _SHARED},
    )
    options, settings = plan((RECORDER,), run_flags)
    if not flags.symbols and settings.venue != "exchange":
        raise Misconfigured(f"Say what to record at venue {settings.venue}: give --symbols, as in --symbols SPY,AAPL.")
    embedded = settings.venue == "exchange" and settings.endpoints.data_stream_url is None
    if embedded and not settings.exchange.tape and "*" not in symbols:  # a made market makes what is to be recorded
        options = evolve(options, exchange=evolve(options.exchange, symbols=symbols))
    folder = Path(flags.folder[0]) if flags.folder else SESSIONS / f"{_now()}-record"
    options = evolve(options, record_dir=folder, record_frames=flags.raw)
    return options, evolve(settings, log_file=settings.log_file or folder / LOG)


_SHARED: Final = (
    "feed", "config", "for_s", "until_tape_ends", "json", "encoding", "data_stream_url", "data_url", "trading_url",
    "tape", "speed", "faults", "chaos", "seed", "events_per_s", "log_level",
    "log_json",
)  # fmt: skip
"""Flags that mean what they mean to ``run``."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in (each.strip() for each in text.split(",")) if word)


def _now() -> str:
    """When it begins, by this machine's clock: a name that sorts, and that every file system takes."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
