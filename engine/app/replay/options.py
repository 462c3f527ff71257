"""What one replay is told to do, and what came of it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import field, frozen

from engine.app.config.choices import FillName
from engine.app.options import LoadedStrategy, NotNegative, Positive
from engine.app.report import SessionReport
from engine.core.risk.limits import DEFAULT_ACCOUNT_LIMITS, Limits
from engine.model.journal import Asked, JournalRecord


@frozen(kw_only=True)
class ReplayOptions:
    """One session of ``gapless replay``."""

    strategies: tuple[LoadedStrategy, ...]
    tapes: tuple[Path, ...]
    """Parquet files, or session folders."""
    symbols: tuple[str, ...] = ()
    """Empty: all that the tapes hold."""
    start_ns: int | None = None
    end_ns: int | None = None
    """The span, both inclusive, by when events are due; ``None``: as far as the tapes go."""
    fills: FillName = "touch"
    cash: int = field(default=100_000, validator=Positive)
    seed: int = 1
    """Of the fill model's dice and of ``ctx.random``."""
    schedule: int = 0
    """Which order tasks that are ready at one instant run in: 0 is the order of their making; a strategy whose
    decisions depend on this number has a race in it."""
    speed: float = field(default=0.0, validator=NotNegative)
    """Market seconds per second; 0: as fast as it goes."""
    fast: bool = True
    """Whether events may be handed over without a trip through the scheduler where nobody could tell."""
    sealed: bool = True
    """Whether I/O, threads and wall clocks are refused to strategies."""
    record: Path | None = None
    """The folder of the session, or ``None`` to keep nothing but what comes back."""
    limits: Limits = DEFAULT_ACCOUNT_LIMITS
    strategy_limits: Mapping[str, Limits] = field(factory=dict)
    progress: Callable[["Progress"], None] | None = None
    keep_records: bool = True
    """Whether all records come back; without them memory does not grow with the length of the tape. Decisions always
    do, and the journal's hash is of all records either way."""


@frozen(kw_only=True)
class Progress:
    """How far a replay is; told some times a second of wall time."""

    now_ns: int
    start_ns: int
    end_ns: int
    """When the last event is due, or the end of the span."""
    events: int


@frozen(kw_only=True)
class Replayed:
    """What came of a replay."""

    report: SessionReport
    fingerprint: str
    """Of the decisions of all strategies."""
    fingerprints: Mapping[str, str]
    """By strategy."""
    journal_hash: str
    """Of every record of the journal and of the tape that it rests on."""
    decisions: tuple[Asked, ...]
    records: tuple[JournalRecord, ...]
    events: int
    """Market events told."""
    market_s: float
    wall_s: float
    said: tuple[str, ...] = ()
    """``NAME: text`` of each ``ctx.log``, in order."""
    refused: tuple[str, ...] = ()
    """What the seal refused, a sentence each, also where a strategy caught it and went on."""
