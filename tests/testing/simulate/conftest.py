"""A world that a test tells what happens in, so that each law of the judge can be broken by hand."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, field

from engine.model.control import Gap
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, Trade
from engine.model.stream import Stream
from engine.testing.simulate.judge import Judge
from engine.testing.simulate.plan import Plan, Player, Trouble
from engine.testing.simulate.watch import Life, Scene, Taking

START_NS = 1_767_623_400 * NS_PER_S
SPY = Stream(Kind.TRADES, "SPY")


def build_plan(*troubles: Trouble, players: tuple[Player, ...] = ()) -> Plan:
    return Plan(
        seed=1, seconds=3600.0, symbols=("SPY",), events_per_s=1.0, troubles=troubles, rates=(), players=players,
        calm_s=600.0,
    )  # fmt: skip


@define(eq=False)
class Hand:
    """Feeds a judge. ``now_s`` is the time; ``hits`` are the faults by chance so far."""

    folder: Path
    plan: Plan = field(factory=build_plan)
    now_s: float = 1.0
    hits: dict[str, int] = field(factory=dict)
    judge: Judge = field(init=False)
    life: Life = field(init=False)
    network: Any = field(factory=lambda: SimpleNamespace(links={}))
    tasks: int = 50
    _numbers: int = 0

    def __attrs_post_init__(self) -> None:
        self.judge = Judge(("canary-secret",), lambda: self.now_s, lambda: self.tasks)
        running: Any = SimpleNamespace(
            market=SimpleNamespace(
                source=SimpleNamespace(start_ns=START_NS), clock=SimpleNamespace(now_ns=lambda: self.now_ns)
            ),
            plan=SimpleNamespace(summary=lambda: {"hits": dict(self.hits)}),
        )
        self.scene = Scene(self.plan, running, self.network, 0.0)
        self.judge.started(self.scene)
        self.life = self.born()

    scene: Scene = field(init=False)

    def born(self) -> Life:
        life = Life(len(self.scene.lives) + 1, self.folder, self.now_s)
        self.scene.lives.append(life)
        self.judge.engine_started(life)
        self.life = life
        return life

    @property
    def now_ns(self) -> int:
        return START_NS + int(self.now_s * NS_PER_S)

    def trade(self, number: int, at_s: float | None = None, *, price: float = 100.0, origin: Any = "live") -> Trade:
        at_s = self.now_s if at_s is None else at_s
        return Trade("SPY", START_NS + int(at_s * NS_PER_S), price, 1.0, number, "V", origin=origin)

    def publish(self, *trades: Trade) -> None:
        self.judge.published(trades, self.now_ns)

    def open(self, full: Any = "block", capacity: int = 100, *streams: Stream) -> Taking:
        self._numbers += 1
        taking = Taking(self.life, "one", self._numbers, streams or (SPY,), full, capacity, True, self.now_ns)
        self.judge.opened(taking)
        return taking

    def tell(self, taking: Taking, *events: Any) -> None:
        self.judge.delivered(taking, events, self.now_ns)

    def gap(self, start_s: float, end_s: float, cause: Any = "history_lags") -> Gap:
        start_ns, end_ns = START_NS + int(start_s * NS_PER_S), START_NS + int(end_s * NS_PER_S)
        return Gap("iex", SPY, start_ns, end_ns, cause=cause, at_ns=self.now_ns)


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path)


@pytest.fixture
def playing(tmp_path: Path) -> Callable[[Plan], Hand]:
    return lambda plan: Hand(tmp_path, plan)
