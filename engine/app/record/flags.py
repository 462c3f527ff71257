"""What can be said to ``gapless record`` and ``gapless journal``. Light to import."""

from pathlib import Path
from typing import Annotated

from attrs import frozen

from engine.app.config.choices import FeedName, LogLevel, Venue, Wire
from engine.app.parsing import Flag, Words


@frozen(kw_only=True)
class RecordFlags:
    """The flags of ``record``. ``None`` means not given: the environment, the file or a default decides."""

    folder: Annotated[
        tuple[str, ...], Words("[DIR]", "The session's folder, new or left by a crash; default: sessions/NOW-record.")
    ] = ()
    symbols: Annotated[
        str, Flag("What to record; * is everything, and the default at the embedded exchange.", "A,B,C", joined=True)
    ] = ""
    channels: Annotated[str, Flag("Kinds of events; default: trades,quotes,bars.", "A,B,C", joined=True)] = (
        "trades,quotes,bars"
    )
    raw: Annotated[bool, Flag("Record the frames as they come, too.")] = False
    venue: Annotated[Venue | None, Flag("Where; default: exchange, the embedded one.", "VENUE")] = None
    feed: Annotated[tuple[FeedName, ...], Flag("Which feed serves a family; repeat it. Default: iex.", "FEED")] = ()
    config: Annotated[Path | None, Flag("Settings; default: gapless.toml if it is there.", "FILE")] = None
    for_s: Annotated[float | None, Flag("End after this many seconds.", "SECONDS", "for")] = None
    until_tape_ends: Annotated[bool | None, Flag("End when the tape is over and told.")] = None
    json: Annotated[bool, Flag("Print one JSON object at the end; all else goes to stderr.")] = False
    encoding: Annotated[Wire | None, Flag("How frames are encoded; default: msgpack.", "NAME")] = None
    data_stream_url: Annotated[str | None, Flag("Market-data WebSocket, ws:// or wss://.", "URL")] = None
    data_url: Annotated[str | None, Flag("Market-data REST, http:// or https://.", "URL")] = None
    trading_url: Annotated[str | None, Flag("Trading REST, for the venue's clock.", "URL")] = None
    tape: Annotated[
        tuple[Path, ...], Flag("Parquet tapes for the embedded exchange.", "FILE...", ending=".parquet")
    ] = ()
    speed: Annotated[float | None, Flag("Speed of the embedded market; 0: as fast as it is read.", "NUMBER")] = None
    faults: Annotated[Path | None, Flag("Fault script (TOML) for the embedded exchange.", "FILE")] = None
    chaos: Annotated[int | None, Flag("A bad day for the embedded exchange, drawn from this number.", "SEED")] = None
    seed: Annotated[int | None, Flag("Seed of the generated market.", "NUMBER")] = None
    events_per_s: Annotated[float | None, Flag("Pace of the generated market.", "NUMBER")] = None
    log_level: Annotated[LogLevel | None, Flag("What is said on stderr; default: info.", "LEVEL")] = None
    log_json: Annotated[bool, Flag("Log one JSON object a line.")] = False


@frozen(kw_only=True)
class JournalFlags:
    """The flags of ``journal``."""

    folder: Annotated[str, Words("DIR", "The folder of a recorded session.")]
    last: Annotated[int, Flag("Show the last events, this many.", "NUMBER", show_default=True)] = 0
    json: Annotated[bool, Flag("Print one JSON object.")] = False
