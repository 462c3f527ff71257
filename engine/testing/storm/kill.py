"""The kill switch under pressure: fifty orders in flight, NaN for prices, no account stream, call-backs that raise.

One storm is a run of Trio of its own, on a virtual network and clock, with everything else real. What must hold is
counted at the exchange: no request that adds risk comes in after the trip, the account is flat within ten seconds and
stays so, no position ever crosses zero, and a session that is started again is still latched. In some storms requests
vanish on the way, too: an exit of which nobody knows whether it is there keeps its shares until somebody does.
"""

import signal
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final

import trio
from attrs import evolve, field, frozen
from trio.testing import MockClock

from engine.app.account.side import AccountSide
from engine.app.kill.act import kill
from engine.app.kill.aim import Aim
from engine.app.kill.place import Place
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.app.secrets import Secret
from engine.core.matching.ledger import AccountTerms
from engine.core.risk.limits import Limits
from engine.exchange.faults.script import build_fault
from engine.exchange.serve import ExchangeOptions, Running
from engine.flow.replay.scheduler import sealed_scheduling
from engine.model.intent import Ticket
from engine.model.order import Side
from engine.ports.steps import Step
from engine.store.folder import LATCHES
from engine.testing.chaos.day import memory_folder
from engine.testing.chaos.verdict import differences
from engine.testing.inline import run_inline
from engine.testing.simulated import open_simulated
from engine.testing.storm.again import Again, start_again
from engine.testing.storm.traders import AT_ONCE, Pressure, bomb, presser
from engine.testing.storm.witness import Flatness, adding, crossings
from engine.venues.alpaca.endpoints import Keys

SIDES: Final[Mapping[str, Side]] = {"SPY": Side.BUY, "AAPL": Side.SELL}
FLAT_WITHIN_S: Final = 10.0
VANISHED_WITHIN_S: Final = 20.0
"""Where a request vanished: its own ten seconds, then the settling delay of the desk and two questions."""
AFTER_S: Final = 30.0
"""How long is looked on after the trip: three times what flattening may take, and longer than any order is valid."""
CALM_S: Final = 60.0
"""Behind that nothing goes wrong any more, and the books of both sides are compared."""
TRIPS_WITHIN_S: Final = 60.0
CASH: Final = Decimal(10_000_000)
KEYS: Final = Keys("PKSTORM", "storm-secret")
TRIGGERS: Final = ("file", "signal", "kill", "rejects", "loss")


@frozen(kw_only=True)
class Storm:
    """One storm. ``trigger`` is one of `TRIGGERS`; the seed decides what fails when."""

    seed: int
    trigger: str
    on_kill: str = "flatten"


@frozen(kw_only=True)
class Outcome:
    """What came of one. ``in_flight`` are open orders at the trip, ``unknown`` those of them nobody had answered."""

    storm: Storm
    vanishing: bool = False
    tripped: bool = False
    in_flight: int = 0
    unknown: int = 0
    before: int = 0
    """Requests that added risk, before the trip,"""
    after: tuple[str, ...] = ()
    """and after it."""
    flat_s: float | None = None
    crossed: tuple[str, ...] = ()
    unequal: tuple[str, ...] = ()
    refused: Mapping[str, int] = field(factory=dict)
    again: Again | None = None

    def wrong(self) -> list[str]:
        """What was broken, empty for a good one."""
        told = [f"added risk after the trip: {each}" for each in self.after]
        told += [f"crossed zero: {each}" for each in self.crossed]
        told += self.unequal
        if not self.tripped:
            told.append("it never tripped")
        within_s = VANISHED_WITHIN_S if self.vanishing else FLAT_WITHIN_S
        if self.storm.on_kill == "flatten" and (self.flat_s is None or self.flat_s > within_s):
            told.append("not flat in the end" if self.flat_s is None else f"flat only after {self.flat_s:.1f} s")
        if self.tripped and not self.refused.get("kill_switch"):
            told.append("nobody pressed on after the trip, so this proves nothing")
        return told + (self.again.wrong() if self.again is not None else [])


def run_storm(storm: Storm) -> Outcome:
    """Play one, in a run of Trio of its own."""
    with sealed_scheduling(storm.seed):
        return trio.run(_play, storm, clock=MockClock(autojump_threshold=0))


async def _play(storm: Storm) -> Outcome:
    exchange = ExchangeOptions(
        symbols=tuple(SIDES), seed=storm.seed, events_per_s=20.0, burst=False, terms=AccountTerms(cash=CASH)
    )
    with tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        async with open_simulated(exchange) as simulated:
            playing = _Playing(storm, simulated.running, Path(folder))
            outcome = await playing.hold()
            if outcome.tripped:
                outcome = evolve(outcome, again=await start_again(playing.options(), simulated.running, SIDES))
            return outcome


class _Playing:
    """One storm while it goes on."""

    def __init__(self, storm: Storm, running: Running, folder: Path) -> None:
        self.storm = storm
        self.running = running
        self.folder = folder
        self.dice = Random(f"{storm.seed}/{storm.trigger}")
        self.pressure = Pressure(SIDES, storm.seed)
        self.tripped = trio.Event()
        self.trip_ns = 0
        self.vanishing = False
        self.outcome = Outcome(storm=storm)

    def options(self) -> RunOptions:
        """The session, without strategies."""
        limits = Limits(
            rejects_in_row=3 if self.storm.trigger == "rejects" else None,
            loss_per_day=Decimal(3) if self.storm.trigger == "loss" else None,
        )
        return RunOptions(
            strategies=(),
            key_id=Secret(KEYS.key_id),
            secret=Secret(KEYS.secret),
            state=self.folder,
            limits=limits,
            on_kill="flatten" if self.storm.on_kill == "flatten" else "cancel",
        )

    async def hold(self) -> Outcome:
        strategies = (
            LoadedStrategy(presser, self.pressure, "presser"),
            LoadedStrategy(bomb(), self.pressure, "bomb"),
        )
        options = evolve(self.options(), strategies=strategies, for_s=3600.0)
        with trio.CancelScope() as scope:

            async def beside(account: AccountSide) -> None:
                await self._go(account)
                signal.raise_signal(signal.SIGTERM)

            await run_live(options, exchange=self.running, run_sync=run_inline, probe=self._step, beside=beside)
        assert not scope.cancelled_caught
        return self.outcome

    def _step(self, step: Step) -> None:
        if step is Step.LATCH_WRITTEN:
            self._trip()

    def _trip(self) -> None:
        if not self.tripped.is_set():
            self.trip_ns = self.running.market.clock.now_ns()
            self.tripped.set()

    async def _go(self, account: AccountSide) -> None:
        """The storm itself, beside the session."""
        flatness = Flatness(self.running)
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(60):
                await self.pressure.ready.wait()
            nursery.start_soon(flatness.serve)
            self._break_calls()
            self.pressure.go.set()
            await trio.sleep(self.dice.uniform(0.3, 1.5))
            nursery.start_soon(self._break_lines)
            with trio.move_on_after(TRIPS_WITHIN_S):
                await trio.lowlevel.checkpoint()
                while len(_in_flight(account)) < AT_ONCE and not self.tripped.is_set():  # noqa: ASYNC110 - nobody tells
                    await trio.sleep(0.02)
            nursery.start_soon(self._pull)
            await self._wait_trip()
            tickets = _in_flight(account)
            unknown = sum(ticket.outcome.open for ticket in tickets)
            refused_before = self.pressure.refused["kill_switch"]
            await trio.sleep(AFTER_S)
            flat_s = flatness.after_s(self.trip_ns)
            self.pressure.over = True
            self.running.switchboard.clear()
            await trio.sleep(CALM_S)
            nursery.cancel_scope.cancel()
        changes = list(self.running.rest.changes.requests)
        late = [each for each in changes if each.at_ns > self.trip_ns]
        early = [each for each in changes if each.at_ns <= self.trip_ns]
        self.outcome = Outcome(
            storm=self.storm,
            vanishing=self.vanishing,
            tripped=self.tripped.is_set(),
            in_flight=len(tickets),
            unknown=unknown,
            before=len(adding(early, SIDES)),
            after=tuple(
                f"{(each.at_ns - self.trip_ns) / 1e9:.3f} s: {each.method} {each.path} {each.body.decode()}"
                for each in adding(late, SIDES)
            ),
            flat_s=flat_s,
            crossed=tuple(crossings(self.running, SIDES)),
            unequal=tuple(differences(account.desk.blotter, self.running.brokerage.matching, CASH)),
            refused={"kill_switch": self.pressure.refused["kill_switch"] - refused_before},
        )

    def _break_calls(self) -> None:
        """Some orders are not answered: taken or not, they hang in the air when the switch trips."""
        share = self.dice.choice((0.0, 0.05, 0.2))
        self._break("lost_reply", method="POST", path="/v2/orders", p=0.1)
        self._break("late_status", method="POST", path="/v2/orders", p=0.1)
        self.vanishing = share > 0
        for stage in ("request", "reply") if share else ():
            self._break("black_hole", method="POST", path="/v2/orders", p=share / 2, stage=stage)

    async def _break_lines(self) -> None:
        """No price is a number, and the account stream is gone, from a moment around the trip on."""
        self._break("nan_prices", p=1.0)
        if self.dice.random() < 0.5:
            await self.tripped.wait()
        await trio.sleep(self.dice.choice((0.0, 0.0, 0.2, 1.0)))
        self._break("refuse", line="trading", **{"for": "1h"})
        self._break("http_status", status=503, path="/v2/events")

    def _break(self, kind: str, **keys: object) -> None:
        self.running.switchboard.add(build_fault(kind=kind, **keys))

    async def _pull(self) -> None:
        """Trip the switch."""
        pulls: Mapping[str, Callable[[], Awaitable[None]]] = {
            "file": self._touch,
            "signal": self._signal,
            "kill": self._kill,
            "rejects": self._reject,
            "loss": self._lose,
        }
        await pulls[self.storm.trigger]()

    async def _touch(self) -> None:
        await trio.lowlevel.checkpoint()
        (self.folder / LATCHES / "account").touch()
        self._trip()

    async def _signal(self) -> None:
        signal.raise_signal(signal.SIGUSR1)
        await self.tripped.wait()

    async def _kill(self) -> None:
        self._trip()  # its latch is the first thing it does, in no time
        place = Place(
            venue="exchange",
            trading_url=self.running.trading_url,
            keys=KEYS,
            state=self.folder,
            per_minute=10_000,
            cancel_only=self.storm.on_kill != "flatten",
        )
        await kill(place, Aim(reason="a storm.", by="storm", within_s=FLAT_WITHIN_S))

    async def _reject(self) -> None:
        await trio.lowlevel.checkpoint()
        self.pressure.greedy = True

    async def _lose(self) -> None:
        await trio.lowlevel.checkpoint()  # fifty orders cross the spread, which is enough of a loss

    async def _wait_trip(self) -> None:
        """Until it has tripped; from then on the broker answers orders again, which were all lost before."""
        with trio.move_on_after(TRIPS_WITHIN_S):
            await self.tripped.wait()
        standing = [fault for fault in self.running.plan.standing() if fault.method != "POST"]
        self.running.switchboard.clear()
        for fault in standing:
            self.running.switchboard.add(fault)


def _in_flight(account: AccountSide) -> list[Ticket]:
    """Orders of strategies that can still do something."""
    blotter = account.desk.blotter
    return [ticket for name in blotter.strategies() if name for ticket in blotter.open_tickets(name)]
