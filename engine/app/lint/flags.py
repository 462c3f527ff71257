"""What can be said to ``gapless lint``. Light to import."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from attrs import frozen

from engine.app.config.choices import FillName
from engine.app.parsing import Flag, Words

CheckName: TypeAlias = Literal[
    "repeat", "sealed", "prefix", "future", "warmup", "random", "hash", "schedule", "cancel", "stretch"
]
MINUTES: Final = 200.0
"""Long enough for an opening range to be left and an average to cross, short enough for thirty replays in seconds."""
EVENTS_PER_S: Final = 1.0
"""A bar for nearly every minute, and quotes between them."""


@frozen(kw_only=True)
class LintFlags:
    """The flags of ``lint``."""

    strategies: Annotated[
        tuple[str, ...],
        Words("STRATEGY...", "MODULE[:NAME], ./FILE.py[:NAME], or a short name that 'gapless list' shows."),
    ] = ()
    tape: Annotated[
        tuple[Path, ...],
        Flag("Parquet files or session folders; default: a made market.", "FILE...", ending=".parquet"),
    ] = ()
    symbols: Annotated[str, Flag("Symbols of the tape; default: those of the parameters.", "A,B,C", joined=True)] = ""
    start: Annotated[datetime | None, Flag("Use the tape from here on (ISO 8601).", "TIME", "from")] = None
    end: Annotated[datetime | None, Flag("Use the tape until here.", "TIME", "to")] = None
    sets: Annotated[tuple[str, ...], Flag("A parameter, NAME or STRATEGY.NAME; repeat it.", "NAME=VALUE", "set")] = ()
    only: Annotated[tuple[CheckName, ...], Flag("Make only this check; repeat it.", "CHECK")] = ()
    fills: Annotated[FillName, Flag("How willingly orders are filled.", "MODEL", show_default=True)] = "touch"
    seed: Annotated[int, Flag("Of the made market and of the replay.", "NUMBER", show_default=True)] = 1
    minutes: Annotated[float, Flag("Length of the made market.", "NUMBER", show_default=True)] = MINUTES
    events_per_s: Annotated[float, Flag("Pace of the made market.", "NUMBER", show_default=True)] = EVENTS_PER_S
    json: Annotated[bool, Flag("Print one JSON object.")] = False
