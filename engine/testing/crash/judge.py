"""One case from its first process to the verdict: deaths, restarts, and the books of both sides held together."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
from attrs import define, evolve, field, frozen
from trio.testing import MockClock

from engine.core.blotter import Blotter
from engine.core.matching.ledger import AccountTerms
from engine.errors import Misconfigured
from engine.exchange.serve import Running
from engine.model.entry import Remembered
from engine.model.intent import Intent, Purpose
from engine.model.order import Order
from engine.ports.steps import Step
from engine.store import ACCOUNT, Latches, read_store
from engine.testing.chaos.verdict import differences
from engine.testing.crash.cases import Case
from engine.testing.crash.processes import Exit, Forks, Point, Task
from engine.testing.crash.stunts import NAME, PLAYS, SYMBOL, planned_calls
from engine.testing.exchange import Exchange
from engine.testing.live import open_live
from engine.testing.options import build_options

RATE: Final = 10.0
"""Seconds of the engine and of the exchange in one of the wall: a case takes one or two, and a stall of a busy machine
of half a second is still no dead line."""
QUIET_S: Final = 4.0
"""How long books rest before they are compared for the last time: behind the desk's fence of three seconds."""
SENDS: Final = frozenset({Step.SUBMIT_SENDING, Step.RESUBMIT_SENDING, Step.REPLACE_SENDING})
"""What a start does not do, unless it is to flatten."""
KILLED: Final = -9
"""The exit code of a process that SIGKILL ended."""
MARKET: Final = {"symbols": SYMBOL, "events_per_s": 5, "burst": False}
"""Slow and even: nothing is filled but what is meant to be."""


@frozen(kw_only=True)
class Verdict:
    """What came of a case: a sentence for each thing that is wrong."""

    case: Case
    wrong: tuple[str, ...]
    log: str = ""
    """The end of what the last process logged, where something is wrong."""


@define(eq=False)
class Trial:
    """One case while it is tried. ``place`` is a folder of its own."""

    forks: Forks
    case: Case
    exchange: Exchange
    clock: MockClock
    place: Path
    wrong: list[str] = field(factory=list)
    log: str = ""
    _runs: int = 0

    def run(self, strategy: str, *, dies: Point | None = None, quiet_s: float = QUIET_S) -> Exit:
        """One process, which has to end as it is said to."""
        self._runs += 1
        task = Task(
            strategy=strategy,
            urls=self.exchange.urls(),
            state=str(self.place / "state"),
            out=str(self.place / str(self._runs)),
            play=self.case.play,
            dies=dies,
            quiet_s=quiet_s,
            rate=RATE,
        )
        ended = self.forks.run(task)
        self.log = f"process {self._runs} ended with {ended.code}:\n{ended.log}"
        if dies is None:
            if ended.code != 0:
                self.wrong.append(f"process {self._runs} was to end in order, and ended with {ended.code}")
            return ended
        reached = ended.steps.count(dies.step)
        if ended.code != KILLED or reached != dies.nth or ended.steps[-1:] != (dies.step,):
            self.wrong.append(
                f"process {self._runs} was to be killed at {dies}: it ended with {ended.code} behind "
                f"{ended.steps[-1:]}, and passed {dies.step} {reached} times"
            )
        return ended

    def read(self) -> Remembered | None:
        """What the order file holds; of a copy, so that looking changes nothing of what the next process finds."""
        copy = self.place / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        if not (self.place / "state").exists():
            return None
        shutil.copytree(self.place / "state", copy)
        try:
            return read_store(copy)
        except Misconfigured:
            return None  # it died before there was one

    def latched(self) -> bool:
        """Whether the kill switch is tripped."""
        return bool(Latches(self.place / "state").tripped(ACCOUNT))

    def orders(self) -> tuple[Order, ...]:
        """All orders of the exchange, as it keeps them."""
        return self.exchange.look(lambda running: tuple(running.brokerage.matching.orders))

    def play(self) -> None:
        """All processes of the case, and what has to hold between and behind them."""
        self.run("stunts", dies=self.case.dies)
        orders, disk, latched = self.orders(), self.read(), self.latched()
        self.exchange.look(lambda _: self.clock.jump(self.case.later_s))
        if self.case.again is not None and not self.wrong:
            self.run("onlooker", dies=self.case.again)
        if self.wrong:
            return
        ended = self.run("onlooker")
        after = self.read()
        if self.wrong or after is None:
            self.wrong += [] if self.wrong else ["the process that cleared up left no order file"]
            return
        if not latched and SENDS.intersection(ended.steps):
            self.wrong.append(f"the restart sent an order: {' '.join(ended.steps)}")
        told = msgspec.json.decode(ended.told)
        self.wrong += self.exchange.look(lambda running: compare(after, told, running))
        self.wrong += check_restart(orders, disk, self.orders(), after, latched=latched)
        self.wrong += check_state(self.case.play, told["state"], () if disk is None else intents_of(disk))
        self.wrong += check_kill(told, self.orders(), before=latched, now=self.latched())
        self.check_nothing_more(after)

    def check_nothing_more(self, before: Remembered) -> None:
        """Starting once more changes nothing, on neither side."""
        orders = self.orders()
        ended = self.run("onlooker", quiet_s=0.0)
        if SENDS.intersection(ended.steps) or self.orders() != orders:
            self.wrong.append("a second restart sent or changed orders")
        after = self.read()
        if after is None or _books(after) != _books(before):
            self.wrong.append("a second restart changed the order file")


@contextmanager
def open_trial(forks: Forks, case: Case, place: Path) -> Iterator[Trial]:
    """A trial on an exchange of its own, in an empty folder."""
    options = build_options({**MARKET, "faults": PLAYS[case.play].faults})
    clock = MockClock(rate=RATE)
    with open_live(options, clock=clock) as exchange:
        yield Trial(forks, case, exchange, clock, place)


def count_steps(forks: Forks, case: Case, place: Path) -> Mapping[Step, int]:
    """How often each step is passed where nobody kills the process that plays."""
    with open_trial(forks, case, place) as trial:
        return Counter(trial.run("stunts").steps)


def try_case(forks: Forks, case: Case, place: Path) -> Verdict:
    """Try one case in an empty folder."""
    with open_trial(forks, case, place) as trial:
        trial.play()
    return Verdict(case=case, wrong=tuple(trial.wrong), log=trial.log if trial.wrong else "")


def compare(disk: Remembered, told: dict[str, Any], running: Running) -> list[str]:
    """The order file and what the strategy saw, against the exchange."""
    blotter, matching = Blotter.restore(disk), running.brokerage.matching
    wrong = differences(blotter, matching, AccountTerms().cash, disk)
    wrong += [f"adopted as nobody's: {each.why}" for each in disk.adjustments]
    wrong += [f"{each.client_order_id} belongs to {each.strategy!r}" for each in disk.tickets if each.strategy != NAME]
    theirs = sorted(order.client_order_id for order in matching.orders if order.open)
    if sorted(told["open"]) != theirs:
        wrong.append(f"the strategy has {told['open']} open, the exchange {theirs}")
    held = sum((each.qty for each in matching.positions()), Decimal(0))
    if Decimal(told["held"]) != held:
        wrong.append(f"the strategy holds {told['held']}, the account {held}")
    return wrong


def check_restart(
    before: tuple[Order, ...], disk: Remembered | None, orders: tuple[Order, ...], after: Remembered, *, latched: bool
) -> Iterator[str]:
    """A restart brings no order about but one whose intent was on disk, and what a tripped kill switch closes."""
    known = {order.id for order in before}
    intended = set() if disk is None else {intent.client_order_id for intent in intents_of(disk)}
    kills = {intent.client_order_id for intent in intents_of(after) if intent.purpose is Purpose.KILL}
    allowed = intended | (kills if latched else set())
    for order in orders:
        if order.id not in known and not order.parent_id and order.client_order_id not in allowed:
            yield f"the restart brought about order {order.client_order_id} ({order.side} {order.qty})"


def check_state(play: str, state: dict[str, Any], intents: tuple[Intent, ...]) -> Iterator[str]:
    """What the strategy set before an intent is there where the intent is."""
    calls, made = state.get("calls", 0), sum(intent.purpose is not Purpose.KILL for intent in intents)
    if state.get("over"):
        if calls != planned_calls(play):
            yield f"the state says that all was over after {calls} calls"
    elif calls not in (made, made + 1):
        yield f"{made} intents are on disk, and the state knows of {calls} calls"


def check_kill(told: dict[str, Any], orders: tuple[Order, ...], *, before: bool, now: bool) -> Iterator[str]:
    """A tripped kill switch stays tripped, and flattens."""
    if before and not now:
        yield "the kill switch was tripped before the restart, and is not any more"
    if before and (Decimal(told["held"]) or any(order.open for order in orders)):
        yield f"the kill switch left {told['held']} held and {told['open']} open"
    if now and not before:
        yield "the restart tripped the kill switch"


def intents_of(disk: Remembered) -> tuple[Intent, ...]:
    """Every intent in a file."""
    return (*disk.intents, *(ticket.intent for ticket in disk.tickets if ticket.intent is not None))


def _books(disk: Remembered) -> Remembered:
    """A file without what each run writes into it: its name, and how far it listened."""
    return evolve(disk, session="", next_seq={}, heard={})
