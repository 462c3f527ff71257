"""What can go wrong at the exchange: one row per kind of fault, with what may be said about it.

Two families. A *strike* happens to the lines that are live at one moment, in its exact place in the stream (`cut`).
A *window* stands for a while, or for the next few uses, and is asked about by whoever it concerns (`history_lag`).
A few kinds are both: with a moment `bad_frame` spoils one frame, without one it spoils some frames at a rate.

Durations are market time where the market has a speed, and seconds of Trio's clock at speed 0.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from engine.model.instant import NS_PER_S

Phase: TypeAlias = Literal["connect", "auth", "subscribe", "live"]
PHASES: Final[tuple[Phase, ...]] = ("connect", "auth", "subscribe", "live")
Line: TypeAlias = Literal["data", "trading"]
LINES: Final[tuple[Line, ...]] = ("data", "trading")
Stage: TypeAlias = Literal["request", "reply", "body"]
STAGES: Final[tuple[Stage, ...]] = ("request", "reply", "body")
"""Where a black hole swallows a REST call: before it is carried out, after that, or in the middle of the reply."""

SWALLOW_DEFAULT: Final = 200
"""Events published unheard after a cut at speed 0: a hole worth filling, and small beside any tape."""


@frozen
class TimeOfDay:
    """A moment of each day: seconds after midnight, in UTC or in New York."""

    seconds: int
    new_york: bool = False


@frozen
class Fault:
    """One table of a fault script. ``table`` is its number in the script, from 1; 0 for one injected by hand.

    At most one of ``after_events``, ``at`` and ``every_s`` is set; with none of them the fault stands from the start.
    ``times`` bounds how often it fires (or is used, where it stands); ``uses`` bounds how many connections or calls
    one firing touches; ``cut`` says whether a fault of the next connection also drops the lines that are live.
    """

    kind: str
    table: int = 0
    after_events: int | None = None
    at: TimeOfDay | None = None
    every_s: float | None = None
    for_s: float | None = None
    times: int | None = None
    uses: int | None = None
    p: float | None = None
    code: int | None = None
    phase: Phase | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(factory=dict)
    events: int = SWALLOW_DEFAULT
    lag_s: float | None = None
    younger_s: float | None = None
    limit: int | None = None
    cut: bool = True
    line: Line = "data"
    """Which lines a fault of connections is about: market data or the trading stream."""
    stage: Stage = "reply"
    method: str = ""
    """Only REST calls of this method; empty: any."""
    path: str = ""
    """Only REST calls whose path begins so; empty: any."""
    symbol: str = ""
    """Only data of this symbol; empty: all of it."""
    bare: bool = False
    """Leave out the headers that tell of the budget of requests."""

    @property
    def triggered(self) -> bool:
        """Whether it waits for a moment rather than standing from the start."""
        return self.after_events is not None or self.at is not None or self.every_s is not None

    @property
    def strikes(self) -> bool:
        """Whether its moment is something that happens to live lines, rather than the start of a window."""
        if self.kind == "error":
            return self.phase == "live"
        row = KINDS[self.kind]
        return row.strike and (self.triggered or not row.window)

    @property
    def drops(self) -> bool:
        """Whether its moment takes the live lines away, so that at speed 0 a hole should follow."""
        if self.kind == "error":
            return self.cut if self.phase != "live" else self.code in CLOSING_CODES
        if self.symbol:
            return False
        return KINDS[self.kind].drops and (self.strikes or self.cut)

    @property
    def lag_ns(self) -> int:
        """``lag_s`` in nanoseconds."""
        return round((self.lag_s or 0.0) * NS_PER_S)


CLOSING_CODES: Final = frozenset({404, 406, 407, 500})
"""Errors after which the exchange closes a live connection; after the others it stays usable."""


@frozen
class KindRow:
    """What a kind of fault is, and the options it takes beside ``times`` and the moment."""

    says: str
    options: frozenset[str]
    strike: bool = False
    """Its moment happens to live lines."""
    window: bool = False
    """It may stand for a while."""
    drops: bool = False
    """It takes live lines away."""
    needs: tuple[str, ...] = ()
    defaults: Mapping[str, float] = field(factory=dict)
    """Keys by the names of `Fault`; applied where a script says nothing."""


def _row(says: str, options: str = "", **rest: object) -> KindRow:
    return KindRow(says, frozenset(options.split()), **rest)  # type: ignore[arg-type]  # keyword rows, checked by attrs


def _strike(says: str, options: str = "", **rest: object) -> KindRow:
    return _row(says, f"events {options}", strike=True, **rest)


def _window(says: str, options: str = "", **rest: object) -> KindRow:
    return _row(says, options, window=True, **rest)


KINDS: Final[Mapping[str, KindRow]] = MappingProxyType(
    {
        "cut": _strike("close frame, then close", "code line", drops=True, defaults={"code": 1001}),
        "cut_without_close": _strike("TCP reset, no close frame", "line", drops=True),
        "truncated_frame": _strike("a data frame ends half way, then FIN", drops=True),
        "mute": _strike("pongs but no data (of `symbol`) until the connection ends", "line symbol", drops=True),
        "half_open": _strike("nothing is heard or said, and no FIN", "for line", drops=True),
        "bad_frame": _strike("a message of nonsense inside a good frame", "p", window=True, defaults={"p": 0.05}),
        "unknown_type": _strike("a message with an unknown T", "p", window=True, defaults={"p": 0.05}),
        "unknown_field": _strike("a message with an unknown field", "p", window=True, defaults={"p": 0.05}),
        "nan_prices": _window("prices of trades, quotes and bars are NaN (in JSON: null)", "for next p"),
        "delay": _strike("data is sent late by `for`", "for", window=True, needs=("for",)),
        "error": _strike("error `code` at `phase`", "code phase next for cut", window=True, needs=("code",)),
        "refuse": _window("new connections are reset for `for`", "for next cut events line", drops=True),
        "stall_handshake": _window("TCP is accepted, nothing is said", "for next cut events line", drops=True),
        "stall_login": _window(
            "no welcome (phase connect) or no answer to auth", "for next phase cut events", drops=True
        ),
        "upgrade_status": _window(
            "HTTP `status` on the upgrade",
            "for next status headers cut events line",
            drops=True,
            defaults={"status": 503},
        ),
        "ghost": _window("406 (trading: 429) for `for` after an unclean drop", "for line", defaults={"for_s": 90.0}),
        "symbol_limit": _window("405 above `limit` symbols", "for limit", defaults={"limit": 30}),
        "duplicate": _window("recent events are sent again, verbatim", "for p", defaults={"p": 0.05}),
        "reorder": _window("up to 8 events are shuffled within a frame", "for p", defaults={"p": 0.05}),
        "history_lag": _window("history trails by `lag`", "for lag", defaults={"lag_s": 5.0}),
        "history_refused": _window(
            "403 for history younger than `younger`", "for younger", defaults={"younger_s": 900.0}
        ),
        "http_status": _window(
            "REST answers `status`, and nothing is carried out",
            "for next p status headers method path bare",
            defaults={"status": 429},
        ),
        "slow_pages": _window("each page is late by `lag`", "for next p lag", defaults={"lag_s": 1.0}),
        "cut_body": _window("a REST body ends half way", "for next p"),
        "empty_last_page": _window("the last page of history is empty", "for next p"),
        "late_status": _window(
            "an order call is carried out, and answered with `status`",
            "for next p status headers method path bare",
            defaults={"status": 504},
        ),
        "lost_reply": _window("an order call is carried out, and its connection reset", "for next p method path"),
        "black_hole": _window(
            "a REST call falls silent at `stage`: request, reply or body", "for next p stage method path"
        ),
        "stale_reads": _window(
            "orders, positions and account are answered as of `lag` ago", "for lag", defaults={"lag_s": 2.0}
        ),
        "empty_snapshot": _window("lists of orders and positions are answered as []", "for next p path"),
        "cancel_loses": _window(
            "a cancel waits for `lag`, and loses to a fill meanwhile", "for next p lag", defaults={"lag_s": 5.0}
        ),
        "reject_late": _window("an order is accepted, then rejected on the stream", "for next p"),
        "drop_update": _window("an update of an order is never sent", "for next p"),
        "duplicate_update": _window("an update of an order is sent twice", "for next p"),
        "delay_update": _window("an update of an order comes late by `lag`", "for next p lag", defaults={"lag_s": 2.0}),
        "swap_updates": _window("two updates in a row change places", "for next p"),
        "null_update": _window("`data: null` is sent before an update", "for next p"),
        "unknown_update": _window("an event of no known name is sent before an update", "for next p"),
    }
)
