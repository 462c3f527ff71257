"""Every kind of trouble that a simulated world has, and what it is told to do: one row a kind, drawn by dice.

Three families. The exchange's own faults go to its switchboard as a fault script would. Those of the network
(``net_``) happen to the connections of the engine. Those of the machine (``disk_``, ``wall_``, death) happen to the
process. A fourth, faults by chance, stands for the whole of the bad time with a rate (`CHANCES`).
"""

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from attrs import field, frozen

Keys: TypeAlias = dict[str, Any]
Draw: TypeAlias = Callable[[Random], Keys]

ROADS: Final = ("stream", "account", "data", "trading")
"""Where connections go: market streams, the account's stream, market data by REST, trading by REST."""
STREAMS: Final = ("stream", "account")
LINES: Final = ("data", "data", "trading")
"""The exchange's names of its two kinds of line; market data is most of what there is to lose."""


def _nothing(_dice: Random) -> Keys:
    return {}


@frozen
class Row:
    """One kind. ``weight``: how often it comes beside others, 0 where the plan says when; ``fault`` is the exchange's
    name for it, or empty."""

    draw: Draw = _nothing
    fault: str = ""
    weight: float = 1.0
    fixed: Mapping[str, Any] = field(factory=dict)
    now: bool = False
    """A strike that the exchange would otherwise take for a rate: it happens once, at its moment."""


def _seconds(low: int, high: int) -> Callable[[Random], str]:
    return lambda dice: f"{dice.randint(low, high)}s"


def _strike(kind: str, **fixed: Any) -> Row:
    """Something that happens to live lines of either kind."""
    return Row(lambda dice: {"line": dice.choice(LINES)}, kind, 2.0, fixed)


def _window(kind: str, seconds: tuple[int, int], lines: bool = False, **fixed: Any) -> Row:
    """Something that stands for a while."""
    span = _seconds(*seconds)
    return Row(lambda dice: {"for": span(dice), **({"line": dice.choice(LINES)} if lines else {})}, kind, 1.0, fixed)


def _lasting(low: float, high: float, roads: tuple[str, ...] = ROADS, **more: Callable[[Random], Any]) -> Row:
    """A trouble of the network that lasts some seconds, on one road."""
    return Row(
        lambda dice: {
            "road": dice.choice(roads),
            "for_s": round(dice.uniform(low, high), 3),
            **{name: draw(dice) for name, draw in more.items()},
        }
    )


def _once(roads: tuple[str, ...] = ROADS, **more: Callable[[Random], Any]) -> Row:
    """A trouble of the network that happens to what is connected on one road."""
    return Row(lambda dice: {"road": dice.choice(roads), **{name: draw(dice) for name, draw in more.items()}}, "", 1.5)


def _lag(low: int, high: int) -> Row:
    return Row(lambda dice: {"lag": f"{dice.randint(low, high)}s", "for": f"{dice.randint(20, 240)}s"})


def _few(kind: str, **fixed: Any) -> Row:
    """The next few calls, updates or connections."""
    return Row(lambda dice: {"next": dice.randint(1, 4)}, kind, 1.0, fixed)


_EXCHANGE: Final = {
    "cut": Row(
        lambda dice: {"line": dice.choice(LINES), "code": dice.choice((1000, 1001, 1011, 1012, 4000))}, "cut", 2.0
    ),
    "cut_without_close": _strike("cut_without_close"),
    "truncated_frame": Row(fault="truncated_frame"),
    "mute": _strike("mute"),
    "half_open": Row(lambda dice: {"line": dice.choice(LINES), "for": f"{dice.randint(5, 120)}s"}, "half_open", 1.5),
    "one_bad_frame": Row(fault="bad_frame", now=True),
    "one_unknown_type": Row(fault="unknown_type", now=True, weight=0.5),
    "one_unknown_field": Row(fault="unknown_field", now=True, weight=0.5),
    "refuse": _window("refuse", (2, 60), lines=True),
    "stall_handshake": _window("stall_handshake", (5, 60), lines=True),
    "stall_login": Row(
        lambda dice: {"for": f"{dice.randint(5, 60)}s", "phase": dice.choice(("connect", "auth"))}, "stall_login"
    ),
    "upgrade_status": Row(
        lambda dice: {
            "status": dice.choice((429, 500, 502, 503)), "next": dice.randint(1, 4), "line": dice.choice(LINES),
        },
        "upgrade_status",
        2.0,
    ),
    "error_live": Row(lambda dice: {"code": dice.choice((407, 500, 500))}, "error", 1.0, {"phase": "live"}),
    "error_auth": Row(
        lambda dice: {"code": dice.choice((404, 406, 500)), "next": dice.randint(1, 3)}, "error", 1.0, {"phase": "auth"}
    ),
    "error_subscribe": Row(
        lambda dice: {"code": 500, "next": dice.randint(1, 2)}, "error", 0.7, {"phase": "subscribe"}
    ),
    "auth_refused": Row(fault="error", weight=0.15, fixed={"phase": "auth", "code": 402, "next": 1}),
    "ghost": Row(lambda dice: {"line": dice.choice(LINES), "for": f"{dice.randint(20, 90)}s"}, "ghost"),
    "server_restart": Row(lambda dice: {"for": f"{dice.randint(1, 40)}s"}),
    "history_lag": _lag(2, 30),
    "history_refused": Row(
        lambda dice: {"younger": f"{dice.randint(60, 900)}s", "for": f"{dice.randint(20, 120)}s"},
        "history_refused", 0.4,
    ),
    "stale_reads": _lag(1, 8),
    "slow_pages": Row(lambda dice: {"lag": f"{dice.randint(1, 12)}s", "next": dice.randint(1, 6)}, "slow_pages"),
    "delay": Row(lambda dice: {"for": f"{dice.randint(100, 3000)}ms"}, "delay", 0.5, {"now": True}),
    "cut_body": _few("cut_body"),
    "empty_last_page": _few("empty_last_page"),
    "rest_429": Row(
        lambda dice: {"next": dice.randint(1, 6), "retry_after_s": dice.randint(1, 20)},
        "http_status", 1.0, {"status": 429},
    ),
    "rest_429_bare": _few("http_status", status=429, bare=True),
    "rest_5xx": Row(
        lambda dice: {"next": dice.randint(1, 6), "status": dice.choice((500, 502, 503, 504))}, "http_status"
    ),
    "late_status": _few("late_status"),
    "lost_reply": _few("lost_reply"),
    "black_hole": Row(
        lambda dice: {"stage": dice.choice(("request", "reply", "body")), "next": dice.randint(1, 3)}, "black_hole"
    ),
    "empty_snapshot": _few("empty_snapshot"),
    "cancel_loses": Row(lambda dice: {"lag": f"{dice.randint(1, 8)}s", "next": dice.randint(1, 4)}, "cancel_loses"),
    "reject_late": _few("reject_late"),
    "drop_update": _few("drop_update"),
    "duplicate_update": _few("duplicate_update"),
    "delay_update": Row(lambda dice: {"lag": f"{dice.randint(1, 30)}s", "next": dice.randint(1, 4)}, "delay_update"),
    "swap_updates": _few("swap_updates"),
    "null_update": _few("null_update"),
    "unknown_update": _few("unknown_update"),
    # Alpaca offers the replay of events to broker partners. Whoever is refused it has nothing but rounds of the books.
    "no_replay": Row(fault="http_status", weight=0.0, fixed={"status": 403, "path": "/v2/events/trades", "for": "2h"}),
}  # fmt: skip
_NETWORK: Final = {
    "net_fin": _once(),
    "net_rst": _once(),
    "net_cut": _once(
        way=lambda dice: dice.choice(("up", "down", "down")),
        after_bytes=lambda dice: int(dice.random() ** 3 * 3000),
        resets=lambda dice: dice.random() < 0.5,
    ),
    "net_freeze": _lasting(3, 120, ways=lambda dice: dice.choice(("up", "down", "both"))),
    "net_trickle": _lasting(5, 60, bytes_per_s=lambda dice: dice.choice((7, 50, 400))),
    "net_latency": _lasting(10, 90, latency_s=lambda dice: round(dice.choice((0.05, 0.3, 1.5, 4.0)), 3)),
    "net_refuse": _lasting(2, 60),
    "net_hang": _lasting(5, 90),
    "net_no_name": _lasting(5, 90),
    "net_away": Row(lambda dice: {"for_s": round(dice.uniform(5, 180), 3)}, weight=1.5),
    "net_garbage": _once(STREAMS, what=lambda dice: dice.choice(("garbage", "huge", "bad_utf8", "ping_in_close"))),
    "net_keep_alive": _once(("data", "trading")),
}
_MACHINE: Final = {
    "kill": Row(lambda dice: _death(dice), weight=1.5),
    "kill_at_step": Row(lambda dice: {**_death(dice), "step": dice.randint(0, 1 << 16), "nth": dice.randint(1, 4)}),
    "power_loss": Row(lambda dice: _death(dice)),
    "wall_step": Row(lambda dice: {"by_s": round(dice.choice((-3600, -30, -2, 2, 45, 3600)) * dice.random(), 3)}),
    "sleep": Row(lambda dice: {"for_s": round(dice.uniform(20, 900), 3)}),
    "disk_full": Row(lambda dice: {"for_s": round(dice.uniform(1, 60), 3)}, weight=0.3),
    "disk_slow": Row(
        lambda dice: {"for_s": round(dice.uniform(5, 90), 3), "latency_s": dice.choice((0.02, 0.3, 2.0, 6.0))}
    ),
}
TROUBLES: Final[Mapping[str, Row]] = MappingProxyType({**_EXCHANGE, **_NETWORK, **_MACHINE})
CHANCES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
    "chance_duplicate": {"kind": "duplicate"},
    "chance_reorder": {"kind": "reorder"},
    "chance_bad_frame": {"kind": "bad_frame"},
    "chance_unknown_type": {"kind": "unknown_type"},
    "chance_unknown_field": {"kind": "unknown_field"},
    "chance_429": {"kind": "http_status", "status": 429, "headers": {"Retry-After": "1"}},
    "chance_500": {"kind": "http_status", "status": 500},
    "chance_cut_body": {"kind": "cut_body"},
    "chance_empty_last_page": {"kind": "empty_last_page"},
    "chance_late_status": {"kind": "late_status"},
    "chance_lost_reply": {"kind": "lost_reply"},
    "chance_black_hole": {"kind": "black_hole", "stage": "reply"},
    "chance_empty_snapshot": {"kind": "empty_snapshot"},
    "chance_cancel_loses": {"kind": "cancel_loses", "lag": "3s"},
    "chance_drop_update": {"kind": "drop_update"},
    "chance_duplicate_update": {"kind": "duplicate_update"},
    "chance_delay_update": {"kind": "delay_update"},
    "chance_swap_updates": {"kind": "swap_updates"},
    "chance_null_update": {"kind": "null_update"},
    "chance_unknown_update": {"kind": "unknown_update"},
})  # fmt: skip
"""What stands with a rate; as a fault script has it."""


def fault_table(kind: str, keys: Mapping[str, Any]) -> Keys:
    """The table of a fault script for a trouble of the exchange; raises ``KeyError`` for another kind."""
    row = _EXCHANGE[kind]
    table: Keys = {"kind": row.fault or kind, **row.fixed, **keys}
    if (wait_s := table.pop("retry_after_s", None)) is not None:
        table["headers"] = {"Retry-After": str(wait_s)}
    if table.pop("now", row.now):
        table["after_events"] = 0
    return table


def _death(dice: Random) -> Keys:
    """How long it is away, and whether the last write was torn: seconds, or a person had to come."""
    down_s = dice.uniform(1, 30) if dice.random() < 0.7 else dice.uniform(30, 1200)
    return {"down_s": round(down_s, 3), "torn": dice.random() < 0.5}
