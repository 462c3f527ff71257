"""The value behind every page: the overview, and what only the dashboard shows. Text and numbers only."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from engine.app.beside.overview import Overview

ACCOUNT: Final = "account"
"""The scope of the kill switch that is all strategies."""
FILLS_MAX: Final = 100
"""The latest fills, of all symbols."""


@frozen(kw_only=True)
class Card:
    """One strategy. ``params`` are names and values as text, secrets masked; ``tail`` is what it told, oldest first."""

    name: str
    reference: str
    state: str
    restarts: int
    error: str
    p99_ms: float
    params: tuple[tuple[str, str], ...] = ()
    tail: tuple[str, ...] = ()
    profit: str = ""
    orders: int = 0
    fills: int = 0
    trades: bool = False
    """Whether it may place orders."""
    paused_by: str = ""
    killed: str = ""


@frozen(kw_only=True)
class FillRow:
    """One execution of ours. Numbers are exact, as text."""

    at: str
    strategy: str
    symbol: str
    side: str
    qty: str
    price: str


@frozen(kw_only=True)
class Scene:
    """Everything of one moment. ``killed`` is why a scope is tripped, by scope, ``on_kill`` what a trip does."""

    overview: Overview
    now_s: float
    """Market time, seconds since the epoch."""
    began_s: float = 0.0
    """Market time at which the dashboard began to look."""
    cards: tuple[Card, ...] = ()
    fills: tuple[FillRow, ...] = ()
    """The newest first."""
    symbols: tuple[str, ...] = ()
    """Those that can be charted: of streams, orders and positions."""
    killed: Mapping[str, str] = field(factory=dict)
    on_kill: str = "flatten"
    lags: Mapping[str, Any] = field(factory=dict)
    """Lag of the feeds over the last minutes, as the browser draws it."""

    @property
    def trades(self) -> bool:
        """Whether there is an account in this session."""
        return self.overview.report.account is not None
