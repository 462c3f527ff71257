"""Overviews to serve and to draw."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from engine.app.beside.overview import (
    AlarmRow,
    ChannelRow,
    HeardRow,
    MomentRow,
    OpenOrderRow,
    Overview,
    TaskRow,
)
from engine.app.report import (
    AccountRow,
    FeedRow,
    GapRow,
    OrderRow,
    PositionRow,
    SessionReport,
    Spread,
    StrategyRow,
    StreamRow,
)

SEEN = Overview(
    version="0.5.0",
    pid=4242,
    session="sma_cross",
    venue="paper",
    now="2026-03-02T14:31:07.5Z",
    uptime_s=3725.0,
    phase="core",
    loop_lag_ms=Spread(0.1, 1.5, 9.0),
    report=SessionReport(
        duration_s=3725.0,
        streams=(StreamRow("sma_cross", "iex", "trades", "SPY", received=7, delivered=7),),
        feeds=(FeedRow("iex", "lost", restarts=3, lag_ms=Spread(2.5, 14.0, 30.0)),),
        gaps=(GapRow("iex", "trades:SPY", "2026-03-02T14:30:00Z", "2026-03-02T14:30:05Z", 1, 2, "history_refused"),),
        strategies=(StrategyRow("sma_cross", "running"),),
        account=AccountRow(
            stream="listening",
            orders=(OrderRow("sma_cross", orders=3, open=1, profit="-12.5"),),
            positions=(PositionRow("sma_cross", "SPY", "10", "501.25", "500", "-12.5", "0"),),
        ),
    ),
    tasks=(
        TaskRow(name="session", depth=0, state="running"),
        TaskRow(name="feed iex", depth=3, state="lost", restarts=3, retry_in_s=4.25),
    ),
    channels=(ChannelRow(strategy="sma_cross", name="trades SPY", waiting=750, capacity=1000, full="block"),),
    heard=(
        HeardRow(feed="iex", kind="trades", symbol="SPY", age_s=0.4, limit_s=30.0),
        HeardRow(feed="iex", kind="trades", symbol="GLD", age_s=190.0, limit_s=60.0, state="silent"),
        HeardRow(feed="iex", kind="trades", symbol="QQQ", state="waiting"),
    ),
    orders=(
        OpenOrderRow(
            strategy="sma_cross", symbol="SPY", side="buy", type="limit", qty="5", filled="2", limit="499.5", stop="",
            status="partially_filled", age_s=12.0, client_order_id="x-1",
        ),
    ),
    alarms=(
        AlarmRow(
            key="silent/iex/trades/GLD", severity="critical", title="GLD is silent", text="", count=2,
            since="2026-03-02T14:30:00Z", last="2026-03-02T14:31:00Z", state="open",
        ),
        AlarmRow(key="over", severity="warning", title="long over", text="", count=1, since="", last="", state="over"),
    ),
    moments=(MomentRow(at="2026-03-02T14:31:00Z", at_ns=5, what="lost", where="iex", text="It broke."),),
)  # fmt: skip


@pytest.fixture
def seen() -> Overview:
    """A session on which everything happens."""
    return SEEN


@pytest.fixture
def here() -> Overview:
    """The same, of this process."""
    return evolve(SEEN, pid=os.getpid())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where sockets are, at a path that is longer than an address of a socket may be."""
    deep = tmp_path / ("deep" * 20) / "run"
    deep.mkdir(parents=True, mode=0o700)
    return deep


def count_open() -> int:
    """How many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def counted() -> Callable[[], int]:
    """How many descriptors are open now, more than when this was first asked."""
    before: list[int] = []

    def more() -> int:
        before.append(count_open())
        return before[-1] - before[0]

    return more
