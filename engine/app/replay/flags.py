"""What can be said to ``gapless replay``. Light to import."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from attrs import frozen

from engine.app.config.choices import FillName
from engine.app.parsing import Flag, Words


@frozen(kw_only=True)
class ReplayFlags:
    """The flags of ``replay``. ``words`` are tapes and strategies, in any order."""

    words: Annotated[
        tuple[str, ...],
        Words("TAPE... STRATEGY...", "Tapes (.parquet, .jsonl, a session's folder) and strategies, as for 'run'."),
    ] = ()
    sets: Annotated[tuple[str, ...], Flag("A parameter, NAME or STRATEGY.NAME; repeat it.", "NAME=VALUE", "set")] = ()
    symbols: Annotated[str, Flag("Only these symbols of the tapes.", "A,B,C", joined=True)] = ""
    from_: Annotated[datetime | None, Flag("From this instant on (ISO 8601).", "TIME", "from")] = None
    to: Annotated[datetime | None, Flag("Up to this instant.", "TIME")] = None
    fills: Annotated[FillName, Flag("How willingly orders are filled.", "MODEL", show_default=True)] = "touch"
    cash: Annotated[int, Flag("Dollars that the account begins with.", "NUMBER", show_default=True)] = 100_000
    seed: Annotated[int, Flag("Of the fill model's dice and of ctx.random.", "NUMBER", show_default=True)] = 1
    speed: Annotated[float, Flag("Market seconds per second; 0: as fast as it goes.", "NUMBER", show_default=True)] = (
        0.0
    )
    schedule: Annotated[
        int, Flag("Another order of tasks; decisions must not depend on it.", "NUMBER", show_default=True)
    ] = 0
    plain: Annotated[bool, Flag("Take every event through the scheduler: slower, the same result.")] = False
    record: Annotated[Path | None, Flag("Keep the session in this new folder.", "DIR")] = None
    limits: Annotated[
        tuple[str, ...], Flag("A limit of the account, or STRATEGY.NAME; repeat it.", "NAME=VALUE", "limit")
    ] = ()
    config: Annotated[Path | None, Flag("Settings; default: gapless.toml if it is there.", "FILE")] = None
    json: Annotated[bool, Flag("Print one JSON object at the end; all else goes to stderr.")] = False
