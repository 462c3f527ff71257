"""One look at a running engine: the value behind ``gapless top``, the dashboard, metrics and ``--json``.

Plain frozen values with text and numbers only, made in Trio's thread in one step, so that all of it is of one moment;
rendering it is done by others, elsewhere.
"""

from typing import Any

from attrs import asdict, field, frozen

from engine.app.report import SessionReport, Spread


@frozen(kw_only=True)
class TaskRow:
    """One task of the nursery tree. ``depth`` 0 is the root; ``retry_in_s``: until it is started again."""

    name: str
    depth: int
    state: str
    restarts: int = 0
    retry_in_s: float | None = None
    detail: str = ""


@frozen(kw_only=True)
class ChannelRow:
    """One subscription's queue. ``full``: what happens when it is: ``block``, ``drop_oldest``, ``latest``, ``fail``."""

    strategy: str
    name: str
    waiting: int
    capacity: int
    full: str


@frozen(kw_only=True)
class HeardRow:
    """When a stream last spoke. Seconds of market time.

    ``state``: ``live``; ``waiting`` (never spoke yet); ``quiet`` (longer than learnt, and nothing is missing);
    ``silent`` (alarm); ``halted``; ``closed`` (no session now).
    """

    feed: str
    kind: str
    symbol: str
    age_s: float | None = None
    limit_s: float | None = None
    """How long it may be silent now: learnt, within declared bounds; ``None`` while nothing is due."""
    learnt_s: float | None = None
    """The gap between its events that is seldom exceeded in this part of the day; ``None``: not known yet."""
    state: str = "live"


@frozen(kw_only=True)
class OpenOrderRow:
    """An order that can still be filled, or whose fate is unknown. Numbers are exact, as text."""

    strategy: str
    symbol: str
    side: str
    type: str
    qty: str
    filled: str
    limit: str
    stop: str
    status: str
    age_s: float
    client_order_id: str


@frozen(kw_only=True)
class AlarmRow:
    """An alarm. ``since`` and ``last`` are RFC 3339; ``state``: ``open``, ``acknowledged``, ``over``."""

    key: str
    severity: str
    title: str
    text: str
    since: str
    last: str
    count: int
    state: str
    acknowledged_by: str = ""


@frozen(kw_only=True)
class MomentRow:
    """Something that happened: a line lost, a gap, a halt, a fill. ``at`` is RFC 3339, ``at_ns`` market time."""

    at: str
    at_ns: int
    what: str
    where: str
    text: str


@frozen(kw_only=True)
class Overview:
    """Everything of one moment. ``report`` has feeds, streams, gaps, strategies, orders and positions."""

    version: str
    pid: int
    session: str
    venue: str
    now: str
    """Market time, RFC 3339."""
    uptime_s: float
    phase: str
    """The part of the trading day of US stocks: ``pre``, ``core``, ``post``, ``overnight``, ``closed``."""
    loop_lag_ms: Spread = field(factory=Spread)
    report: SessionReport = field(factory=SessionReport)
    tasks: tuple[TaskRow, ...] = ()
    channels: tuple[ChannelRow, ...] = ()
    heard: tuple[HeardRow, ...] = ()
    orders: tuple[OpenOrderRow, ...] = ()
    alarms: tuple[AlarmRow, ...] = ()
    moments: tuple[MomentRow, ...] = ()
    """The latest first."""

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        return {**asdict(self), "report": self.report.to_json()}
