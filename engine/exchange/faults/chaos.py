"""A bad day from a number: a random script of faults, the same for the same seed.

Swarm testing: each seed switches on a random half of the kinds with random rates, because a day on which everything
goes wrong a little hides what happens when one thing goes wrong a lot. Only kinds are drawn that a client should
survive: wrong keys or a plan that ends are not weather.
"""

from random import Random
from typing import Final

from engine.exchange.faults.kinds import Fault
from engine.exchange.faults.script import build_fault

SHARE: Final = 0.5
"""Of the kinds, switched on by a seed."""
STRIKE_EVERY_S: Final = (20, 300)
"""Cuts and the like come every so many market seconds: a firewall's ten minutes, and worse."""
RATE: Final = (0.005, 0.08)
"""Of events, calls or updates touched: rare enough that work gets done, frequent enough to meet."""

_STRIKES: Final[tuple[dict[str, object], ...]] = (
    {"kind": "cut"},
    {"kind": "cut_without_close"},
    {"kind": "truncated_frame"},
    {"kind": "mute"},
    {"kind": "half_open", "for": "20s"},
    {"kind": "cut", "line": "trading"},
    {"kind": "cut_without_close", "line": "trading"},
    {"kind": "mute", "line": "trading"},
    {"kind": "refuse"},
    {"kind": "stall_handshake", "for": "5s"},
    {"kind": "stall_login", "for": "5s"},
    {"kind": "upgrade_status", "status": 503, "next": 2},
    {"kind": "upgrade_status", "status": 429, "next": 2, "line": "trading"},
    {"kind": "error", "code": 406, "phase": "auth", "next": 2},
    {"kind": "error", "code": 500, "phase": "live"},
    {"kind": "stale_reads", "for": "5s"},
    {"kind": "cancel_loses", "for": "30s"},
    {"kind": "http_status", "status": 429, "next": 2, "bare": True},
)
_RATES: Final[tuple[dict[str, object], ...]] = (
    {"kind": "duplicate"},
    {"kind": "reorder"},
    {"kind": "bad_frame"},
    {"kind": "unknown_type"},
    {"kind": "unknown_field"},
    {"kind": "http_status", "status": 429, "headers": {"Retry-After": "1"}},
    {"kind": "http_status", "status": 500},
    {"kind": "cut_body"},
    {"kind": "empty_last_page"},
    {"kind": "late_status"},
    {"kind": "lost_reply"},
    {"kind": "black_hole", "stage": "request"},
    {"kind": "black_hole", "stage": "reply"},
    {"kind": "black_hole", "stage": "body"},
    {"kind": "empty_snapshot"},
    {"kind": "drop_update"},
    {"kind": "duplicate_update"},
    {"kind": "delay_update"},
    {"kind": "swap_updates"},
    {"kind": "null_update"},
    {"kind": "unknown_update"},
)
_STANDING: Final[tuple[dict[str, object], ...]] = (
    {"kind": "history_lag", "lag": "5s"},
    {"kind": "ghost", "for": "30s"},
    {"kind": "ghost", "for": "30s", "line": "trading"},
)


def build_chaos(seed: int) -> tuple[Fault, ...]:
    """The faults of a seed: at least one, in the order of their kinds."""
    dice = Random(f"{seed}/chaos")
    strikes = [table for table in _STRIKES if dice.random() < SHARE]
    rates = [table for table in _RATES if dice.random() < SHARE]
    drawn: list[dict[str, object]] = [
        *({**table, "every": f"{dice.randint(*STRIKE_EVERY_S)}s"} for table in strikes),
        *({**table, "p": round(dice.uniform(*RATE), 4)} for table in rates),
        *(table for table in _STANDING if dice.random() < SHARE),
    ]
    return tuple(build_fault(**table) for table in drawn or [_STRIKES[0] | {"every": "60s"}])
