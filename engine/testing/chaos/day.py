"""One trading day of one seed: the embedded exchange, faults on every road, strategies that gamble, and the verdict.

Everything is the real thing (trio-websocket, httpx, SQLite), on a virtual network and a virtual clock, so a day takes
seconds. The faults stop some minutes before the end: what a fault broke must mend by itself, and then the books of
both sides are held against each other.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

import trio
from attrs import evolve, field, frozen
from trio.testing import MockClock

from engine.app.account import AccountSide
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions, Tuning
from engine.app.secrets import Secret
from engine.core.matching.ledger import AccountTerms
from engine.errors import GaplessError
from engine.exchange.faults import Fault
from engine.exchange.faults.chaos import build_chaos
from engine.exchange.faults.script import build_fault
from engine.exchange.serve import ExchangeOptions, Running, open_exchange
from engine.model.instant import NS_PER_S
from engine.store import read_store
from engine.testing.chaos.gambler import Params, gambler, keeper
from engine.testing.chaos.verdict import differences
from engine.testing.inline import run_inline
from engine.testing.network import Network

SYMBOLS: Final = ("AAPL", "SPY", "BTC/USD")
DAY_S: Final = 6.5 * 3600
CALM_S: Final = 900.0
"""Nothing more goes wrong for so long before the end: several rounds of reconciliation."""
QUIET_S: Final = 300.0
"""The strategies have ended so long before the end."""
SILENCE_S: Final = 180.0
"""The market is slow here, and a quiet minute is no reason to ask."""
PING_EVERY_S: Final = 30.0
"""A dead peer is noticed later than it should be, which is one more fault."""
SPACING: Final = 8
"""Cuts and the like come this many times further apart than on a bad quarter of an hour: a line that is mostly down
carries no orders, and then there is nothing to look at."""
NOT_JUDGED: Final = "the day ended before its books were compared"
ROADS: Final[Mapping[str, frozenset[str]]] = {
    "data": frozenset({"bad_frame", "unknown_type", "unknown_field", "duplicate", "reorder", "truncated_frame"}),
    "account": frozenset({
        "drop_update", "duplicate_update", "delay_update", "swap_updates", "null_update", "unknown_update",
    }),
    "REST": frozenset({
        "http_status", "late_status", "lost_reply", "black_hole", "cut_body", "empty_snapshot", "stale_reads",
    }),
}  # fmt: skip
"""Kinds of faults that touch one road alone; cuts and the like are counted for whichever line they hit."""


@frozen(kw_only=True)
class Day:
    """What to play. ``events_per_s`` is slow, since orders are what is looked at."""

    seed: int
    seconds: float = DAY_S
    events_per_s: float = 0.5
    gamblers: int = 3
    pause_s: float = 150.0


@frozen(kw_only=True)
class Outcome:
    """What came of a day. ``wrong`` is empty for a good one; ``hits`` counts the faults that happened, by kind."""

    seed: int
    wrong: tuple[str, ...]
    hits: Mapping[str, int] = field(factory=dict)
    orders: int = 0
    fills: int = 0

    @property
    def faults(self) -> int:
        """How many there were."""
        return sum(self.hits.values())

    def by_road(self) -> Mapping[str, int]:
        """How many touched each road for certain."""
        return {road: sum(self.hits.get(kind, 0) for kind in kinds) for road, kinds in ROADS.items()}


def build_faults(seed: int) -> tuple[Fault, ...]:
    """Some faults on each road for certain, and those that the exchange's own chaos draws from the seed, less often."""
    dice = Random(f"{seed}/day")

    def rate(low: float, high: float) -> float:
        return round(dice.uniform(low, high), 4)

    tables: tuple[dict[str, Any], ...] = (
        {"kind": "cut_without_close", "every": f"{dice.randint(900, 2400)}s"},
        {
            "kind": dice.choice(("cut", "cut_without_close", "mute")),
            "line": "trading",
            "every": f"{dice.randint(600, 1800)}s",
        },
        {"kind": "drop_update", "p": rate(0.02, 0.2)},
        {"kind": "duplicate_update", "p": rate(0.02, 0.2)},
        {"kind": "delay_update", "lag": "3s", "p": rate(0.01, 0.1)},
        {"kind": dice.choice(("lost_reply", "late_status")), "p": rate(0.02, 0.15)},
        {"kind": "black_hole", "stage": dice.choice(("request", "reply")), "p": rate(0.005, 0.03)},
        {"kind": "http_status", "status": dice.choice((500, 502, 503, 504)), "p": rate(0.01, 0.05)},
        {"kind": "bad_frame", "p": rate(0.001, 0.01)},
    )
    drawn = [
        fault if fault.every_s is None else evolve(fault, every_s=fault.every_s * SPACING)
        for fault in build_chaos(seed)
    ]
    return (*(build_fault(**table) for table in tables), *drawn)


def memory_folder() -> str | None:
    """A file system in memory where there is one: the disk is not what is looked at, and would take half the time."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def run_day(day: Day) -> Outcome:
    """Play a day in a run of Trio of its own."""
    return trio.run(_play, day, clock=MockClock(autojump_threshold=0))


async def _play(day: Day) -> Outcome:
    exchange = ExchangeOptions(
        symbols=SYMBOLS, seed=day.seed, events_per_s=day.events_per_s, faults=build_faults(day.seed)
    )
    opened_s = trio.current_time()

    def wall_s() -> float:
        return running.market.source.start_ns / NS_PER_S + trio.current_time() - opened_s

    with Network().use(), tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        async with open_exchange(exchange, wall_s=wall_s) as running:
            return await _trade(day, running, Path(folder))


async def _trade(day: Day, running: Running, folder: Path) -> Outcome:
    wrong = [NOT_JUDGED]

    async def judge(account: AccountSide) -> None:
        """At the end of the day, while everything still runs."""
        await trio.sleep(day.seconds - CALM_S)
        running.switchboard.clear()
        await trio.sleep(CALM_S)
        await account.desk.reconcile()
        wrong[:] = differences(
            account.desk.blotter, running.brokerage.matching, AccountTerms().cash, read_store(folder)
        )

    try:
        await run_live(_options(day, folder), exchange=running, run_sync=run_inline, beside=judge)
    except GaplessError as failure:
        wrong.append(f"the session ended: {type(failure).__name__}: {failure}")
    await trio.lowlevel.checkpoint()
    matching = running.brokerage.matching
    return Outcome(
        seed=day.seed,
        wrong=tuple(wrong),
        hits=running.plan.summary()["hits"],
        orders=len(matching.orders),
        fills=len(matching.fills),
    )


def _options(day: Day, folder: Path) -> RunOptions:
    dice = Random(f"{day.seed}/gamblers")
    strategies = tuple(
        LoadedStrategy(
            gambler,
            Params(
                symbols=SYMBOLS,
                seed=day.seed,
                pause_s=day.pause_s,
                for_s=day.seconds - QUIET_S,
                on_exit=dice.choice(("cancel", "flatten", "leave")),
            ),
            name=f"gambler_{number}",
        )
        for number in range(day.gamblers)
    )
    return RunOptions(
        strategies=(*strategies, LoadedStrategy(keeper, name="keeper")),
        for_s=day.seconds + 600,  # the last comparison may have to wait for an answer
        tuning=Tuning(silence_s=SILENCE_S, ping_every_s=PING_EVERY_S),
        key_id=Secret("PKCHAOS"),
        secret=Secret("chaos-secret"),
        state=folder,
    )
