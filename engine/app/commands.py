"""What each command does with what it was told. Light to import: the work is imported where it starts.

``run`` is split in three: read the flags, make a `RunOptions` of all settings, hold one session. The pieces are
functions of values, so tests reach each without a process.
"""

from pathlib import Path
from typing import Annotated, Any

from attrs import frozen
from cyclopts import Parameter

from engine.app.config.choices import FeedName, LogLevel, Venue, Wire


def _flag(help_text: str, name: str | None = None, **more: Any) -> Parameter:
    return Parameter(name=name, help=help_text, negative="", show_default=False, **more)


@Parameter(name="*")
@frozen(kw_only=True)
class RunFlags:
    """The flags of ``run``. ``None`` means not given: the environment, the file or a default decides."""

    venue: Annotated[Venue | None, _flag("Where to run; default: exchange, the embedded one.")] = None
    sets: Annotated[tuple[str, ...], _flag("A parameter: NAME=VALUE or STRATEGY.NAME=VALUE.", "--set")] = ()
    feed: Annotated[tuple[FeedName, ...], _flag("Which feed serves a family; may be repeated. Default: iex.")] = ()
    config: Annotated[Path | None, _flag("Settings file; default: gapless.toml if it is there.")] = None
    for_s: Annotated[float | None, _flag("End after this many seconds.", "--for")] = None
    until_tape_ends: Annotated[bool | None, _flag("End when the tape is over and told.")] = None
    json: Annotated[bool, _flag("Print one JSON object at the end; all else goes to stderr.")] = False
    encoding: Annotated[Wire | None, _flag("How frames are encoded; default: msgpack.")] = None
    data_stream_url: Annotated[str | None, _flag("Market-data WebSocket, ws:// or wss://.")] = None
    data_url: Annotated[str | None, _flag("Market-data REST, http:// or https://.")] = None
    trading_stream_url: Annotated[str | None, _flag("Trading WebSocket.")] = None
    trading_url: Annotated[str | None, _flag("Trading REST.")] = None
    tape: Annotated[tuple[Path, ...], _flag("Parquet tapes for the embedded exchange.", consume_multiple=True)] = ()
    speed: Annotated[float | None, _flag("Speed of the embedded market; 0: as fast as it is read.")] = None
    faults: Annotated[Path | None, _flag("Fault script (TOML) for the embedded exchange.")] = None
    seed: Annotated[int | None, _flag("Seed of the generated market.")] = None
    symbols: Annotated[str | None, _flag("Symbols of the generated market: A,B,C.")] = None
    events_per_s: Annotated[float | None, _flag("Pace of the generated market.")] = None
    log_level: Annotated[LogLevel | None, _flag("What is said on stderr; default: info.")] = None
    log_file: Annotated[Path | None, _flag("Log everything to this file too (10 MB, five are kept).")] = None


_Strategies = Annotated[
    str, Parameter(help="MODULE[:NAME], ./FILE.py[:NAME], or a short name that 'gapless list' shows.")
]


async def run(*strategies: _Strategies, flags: RunFlags = RunFlags()) -> int:  # frozen, so one for all is safe
    """Run strategies, on the embedded exchange unless told otherwise."""
    from engine.app.session import hold_session, plan

    options, settings = plan(strategies, flags)
    return await hold_session(options, settings, as_json=flags.json)


def list_strategies(*, json: Annotated[bool, _flag("Print JSON.")] = False) -> int:
    """List the strategies that can be run by name, with their parameters."""
    from engine.app.plugins.catalogue import list_all

    return list_all(as_json=json)


def new(name: Annotated[str, Parameter(help="A Python name; the strategy is called the same.")], /) -> int:
    """Write NAME.py, a strategy that runs at once; nothing is overwritten."""
    from engine.app.scaffold import write_strategy

    path = write_strategy(name, Path.cwd())
    print(f"Wrote {path.name}. Run it with: gapless run ./{path.name} --for 10")
    return 0


@Parameter(name="*")
@frozen(kw_only=True)
class DoctorFlags:
    """The flags of ``doctor``."""

    venue: Annotated[Venue | None, _flag("Which venue to check; default: paper if there are keys.")] = None
    feed: Annotated[tuple[FeedName, ...], _flag("Which feed to check; default: iex.")] = ()
    config: Annotated[Path | None, _flag("Settings file; default: gapless.toml if it is there.")] = None
    json: Annotated[bool, _flag("Print JSON.")] = False
    data_stream_url: Annotated[str | None, _flag("Market-data WebSocket, ws:// or wss://.")] = None
    data_url: Annotated[str | None, _flag("Market-data REST, http:// or https://.")] = None
    trading_stream_url: Annotated[str | None, _flag("Trading WebSocket.")] = None
    trading_url: Annotated[str | None, _flag("Trading REST.")] = None


async def doctor(*, flags: DoctorFlags = DoctorFlags()) -> int:  # frozen, so one for all is safe
    """Check keys against endpoint, feed against plan, clock and line; each with what to do about it."""
    from engine.app.doctor import examine

    return await examine(flags)
