"""What can be said to each command: one frozen value of flags a command, which `engine.app.parsing` turns into options.

They stand apart from the commands, because the modules that do the work read them too. Light to import.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from attrs import frozen

from engine.app.config.choices import FeedName, FillName, LogLevel, PlanName, Venue, Wire
from engine.app.parsing import Flag, Words


@frozen(kw_only=True)
class RunFlags:
    """The flags of ``run``. ``None`` means not given: the environment, the file or a default decides."""

    strategies: Annotated[
        tuple[str, ...],
        Words("[STRATEGY]...", "MODULE[:NAME], ./FILE.py[:NAME], or a short name that 'gapless list' shows."),
    ] = ()
    venue: Annotated[Venue | None, Flag("Where to run; default: exchange, the embedded one.", "VENUE")] = None
    sets: Annotated[tuple[str, ...], Flag("A parameter, NAME or STRATEGY.NAME; repeat it.", "NAME=VALUE", "set")] = ()
    feed: Annotated[tuple[FeedName, ...], Flag("Which feed serves a family; repeat it. Default: iex.", "FEED")] = ()
    config: Annotated[Path | None, Flag("Settings; default: gapless.toml if it is there.", "FILE")] = None
    for_s: Annotated[float | None, Flag("End after this many seconds.", "SECONDS", "for")] = None
    until_tape_ends: Annotated[bool | None, Flag("End when the tape is over and told.")] = None
    json: Annotated[bool, Flag("Print one JSON object at the end; all else goes to stderr.")] = False
    shadow: Annotated[bool | None, Flag("See live data, match orders on this machine, send none.")] = None
    limits: Annotated[
        tuple[str, ...], Flag("A limit of the account, or STRATEGY.NAME; repeat it.", "NAME=VALUE", "limit")
    ] = ()
    state: Annotated[Path | None, Flag("Folder of the order file; default: one for each account.", "DIR")] = None
    record: Annotated[
        tuple[str, ...],
        Flag("Record the session; 'raw' for raw frames too. See 'gapless verify'.", "DIR [raw]", ending="raw"),
    ] = ()
    dashboard: Annotated[
        int | None, Flag("Serve the dashboard, on a free port unless one is given.", "[PORT]", bare="0")
    ] = None
    encoding: Annotated[Wire | None, Flag("How frames are encoded; default: msgpack.", "NAME")] = None
    data_stream_url: Annotated[str | None, Flag("Market-data WebSocket, ws:// or wss://.", "URL")] = None
    data_url: Annotated[str | None, Flag("Market-data REST, http:// or https://.", "URL")] = None
    trading_stream_url: Annotated[str | None, Flag("Trading WebSocket.", "URL")] = None
    trading_url: Annotated[str | None, Flag("Trading REST.", "URL")] = None
    tape: Annotated[
        tuple[Path, ...], Flag("Parquet tapes for the embedded exchange.", "FILE...", ending=".parquet")
    ] = ()
    speed: Annotated[float | None, Flag("Speed of the embedded market; 0: as fast as it is read.", "NUMBER")] = None
    faults: Annotated[Path | None, Flag("Fault script (TOML) for the embedded exchange.", "FILE")] = None
    chaos: Annotated[int | None, Flag("A bad day for the embedded exchange, drawn from this number.", "SEED")] = None
    seed: Annotated[int | None, Flag("Seed of the generated market.", "NUMBER")] = None
    symbols: Annotated[str | None, Flag("Symbols of the generated market.", "A,B,C", joined=True)] = None
    events_per_s: Annotated[float | None, Flag("Pace of the generated market.", "NUMBER")] = None
    health_port: Annotated[int | None, Flag("Serve /healthz, /readyz and /metrics; 0: on a free port.", "PORT")] = None
    log_level: Annotated[LogLevel | None, Flag("What is said on stderr; default: info.", "LEVEL")] = None
    log_file: Annotated[Path | None, Flag("Log all to this file too (10 MB, five are kept).", "FILE")] = None
    log_json: Annotated[bool, Flag("Log one JSON object a line.")] = False


@frozen(kw_only=True)
class ExchangeFlags:
    """The flags of ``exchange``."""

    port: Annotated[int, Flag("Port of all of it, REST and streams. 0: a free one.", "NUMBER", show_default=True)] = 0
    host: Annotated[
        str, Flag("Where to listen; anything but loopback lets other machines in.", "ADDRESS", show_default=True)
    ] = "127.0.0.1"
    json: Annotated[bool, Flag("Print the addresses as one JSON line.")] = False
    tape: Annotated[
        tuple[Path, ...], Flag("Parquet tapes to play, or one session that 'audit' recorded (.jsonl).", "FILE...")
    ] = ()
    speed: Annotated[
        float, Flag("Market seconds per second; 0: as fast as it is read.", "NUMBER", show_default=True)
    ] = 1.0
    symbols: Annotated[str, Flag("Symbols. A pair with a slash is crypto.", "A,B,C", joined=True)] = ""
    faults: Annotated[Path | None, Flag("Fault script (TOML).", "FILE")] = None
    chaos: Annotated[int | None, Flag("A bad day drawn from this number: faults of every kind.", "SEED")] = None
    fills: Annotated[FillName, Flag("How willingly orders are filled.", "MODEL", show_default=True)] = "touch"
    cash: Annotated[int, Flag("Dollars that the account begins with.", "NUMBER", show_default=True)] = 100_000
    plan: Annotated[PlanName, Flag("What the account pays for: its feeds and limits.", show_default=True)] = "plus"
    seed: Annotated[int, Flag("Seed of the made market and of the faults.", "NUMBER", show_default=True)] = 1
    events_per_s: Annotated[float, Flag("Mean pace of the made market.", "NUMBER", show_default=True)] = 200.0
    even: Annotated[bool, Flag("No bursts, halts or late trades: evenly spaced events.")] = False
    keys: Annotated[tuple[str, ...], Flag("Keys to accept; may be repeated. Default: any.", "KEY:SECRET")] = ()
    start: Annotated[datetime | None, Flag("When the made market begins (ISO 8601).", "TIME")] = None
    ping_every: Annotated[float | None, Flag("Ping clients this often.", "SECONDS")] = None
    frame_events: Annotated[int, Flag("Most events in one frame.", "NUMBER", show_default=True)] = 100


@frozen(kw_only=True)
class ListFlags:
    """The flags of ``list``."""

    json: Annotated[bool, Flag("Print JSON.")] = False


@frozen(kw_only=True)
class NewFlags:
    """The one word of ``new``."""

    name: Annotated[str, Words("NAME", "A Python name; the strategy is called the same.")]


@frozen(kw_only=True)
class DoctorFlags:
    """The flags of ``doctor``."""

    venue: Annotated[Venue | None, Flag("Which venue to check; default: paper if there are keys.", "VENUE")] = None
    feed: Annotated[tuple[FeedName, ...], Flag("Which feed to check; default: iex.", "FEED")] = ()
    config: Annotated[Path | None, Flag("Settings; default: gapless.toml if it is there.", "FILE")] = None
    json: Annotated[bool, Flag("Print JSON.")] = False
    data_stream_url: Annotated[str | None, Flag("Market-data WebSocket, ws:// or wss://.", "URL")] = None
    data_url: Annotated[str | None, Flag("Market-data REST, http:// or https://.", "URL")] = None
    trading_stream_url: Annotated[str | None, Flag("Trading WebSocket.", "URL")] = None
    trading_url: Annotated[str | None, Flag("Trading REST.", "URL")] = None
