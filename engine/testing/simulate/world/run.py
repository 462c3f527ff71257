"""One simulated session: the whole engine and the embedded exchange in one process, in virtual time, from a plan.

Everything is the real thing (trio-websocket, httpx, SQLite); only the network, the clock, the machine's death and the
order of tasks are made, and all of them follow from the plan. So one plan has one history, in every process.
"""

import gc
import random
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Final

import stamina.instrumentation
import trio
from attrs import define
from loguru import logger

from engine.exchange.faults.script import build_fault
from engine.exchange.serve import START, ExchangeOptions, Running, open_exchange
from engine.flow.replay.scheduler import sealed_scheduling
from engine.model.instant import NS_PER_S
from engine.testing.chaos.day import memory_folder
from engine.testing.network import Network
from engine.testing.simulate.catalogue import CHANCES
from engine.testing.simulate.outcome import Outcome, Violated, Violation
from engine.testing.simulate.plan import Plan
from engine.testing.simulate.watch import Scene, Watch
from engine.testing.simulate.world.alarms import sealed_sleeping
from engine.testing.simulate.world.clock import JumpingClock
from engine.testing.simulate.world.idle import sealed_idling
from engine.testing.simulate.world.machine import KEYS, Machine, make_machine
from engine.testing.simulate.world.nemesis import Nemesis
from engine.testing.simulate.world.pace import STEPS_MIN, STEPS_PER_S_MAX, Pace
from engine.testing.simulate.world.record import Recording, check
from engine.testing.simulate.world.stage import Stage
from engine.testing.simulate.world.weather import NAMES, SimulatedWeather

STEP_EVERY_S: Final = 10.0
"""The judge looks around so often."""
REST_MAX_S: Final = 900.0
"""For the judge's last questions."""
LEAVE_MAX_S: Final = 900.0
"""For the engine to leave: longer than any block of orders may take, and what waits for an order's fate."""


def run_plan(plan: Plan, *, watch: Watch | None = None) -> Outcome:
    """Play a plan in a run of Trio of its own; nothing of the process is different afterwards.

    What the judge raises ends the session and is in ``violations``. Bugs of the simulator itself are raised.
    """
    began_s = time.perf_counter()
    run = _Run(plan, watch or Watch())
    clock = JumpingClock()
    # A journal knows of a sleep by its deadline: a recorded session sleeps as Trio does, until the same instants.
    with _sealed(plan.seed, run.pace), nullcontext() if plan.recorded else sealed_sleeping(clock):
        seconds = trio.run(run.play, clock=clock)
    run.run_again()
    return run.outcome(seconds, time.perf_counter() - began_s)


@contextmanager
def _sealed(seed: int, pace: Pace) -> Iterator[None]:
    """Nothing that is not in the plan decides anything while the block runs."""
    state, collects = random.getstate(), gc.isenabled()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hooks = stamina.instrumentation.get_on_retry_hooks()
    random.seed(f"{seed}/global")
    gc.disable()  # collecting runs finalizers, and when it comes is decided by what was before
    stamina.instrumentation.set_on_retry_hooks(())
    try:
        with sealed_scheduling(seed, pace.count), sealed_idling():
            yield
    finally:
        random.setstate(state)
        if collects:
            gc.enable()
        stamina.instrumentation.set_on_retry_hooks(hooks)
        for number, handler in handlers.items():
            signal.signal(number, handler)  # lives that overlap put back each other's


@define(eq=False, init=False)
class _Run:
    """One session in progress."""

    plan: Plan
    stage: Stage
    pace: Pace
    running: Running | None
    recordings: Sequence[Recording]

    def __init__(self, plan: Plan, watch: Watch) -> None:
        self.plan = plan
        self.stage = Stage(plan, watch)
        self.pace = Pace(
            stuck=lambda sentence: self.stage.break_off(16, sentence),
            steps_max=max(STEPS_MIN, round(STEPS_PER_S_MAX * plan.seconds)),
        )
        self.running = None
        self.recordings = ()

    async def play(self) -> float:
        """All of it; returns the simulated seconds."""
        tasks = trio.lowlevel.current_statistics().tasks_living
        stage = self.stage
        weather = SimulatedWeather(stage.hits, stage.dialed)
        network = Network(NAMES, weather=weather)
        sink = logger.add(self._said, level="INFO", format="{message}\n{exception}")
        try:
            with tempfile.TemporaryDirectory(dir=memory_folder(), prefix="gapless-sim-") as folder, network.use():
                try:
                    with stage.scope:
                        await self._open(Path(folder), network, weather)
                except BaseExceptionGroup as group:
                    _, other = group.split(Violated)
                    if other is not None and not stage.violations:
                        raise
                await trio.lowlevel.checkpoint()
                if not stage.violations:
                    self._end(trio.lowlevel.current_statistics().tasks_living - tasks)
        finally:
            logger.remove(sink)
        return stage.now_s()

    async def _open(self, folder: Path, network: Network, weather: SimulatedWeather) -> None:
        opened_s = trio.current_time()

        def wall_s() -> float:
            return running.market.source.start_ns / NS_PER_S + trio.current_time() - opened_s

        async with open_exchange(exchange_options(self.plan), wall_s=wall_s) as running:
            self.running = running
            scene = Scene(self.plan, running, network, opened_s)
            self.stage.open(scene)
            self.stage.listen(running)
            machine = make_machine(self.stage, scene, weather, folder)
            self.recordings = machine.recordings
            await self._run_session(machine)

    async def _run_session(self, machine: Machine) -> None:
        """The bad time, the calm, the judge's last look, and the end in order."""
        stage, plan = self.stage, self.plan
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._look_around)
            async with trio.open_nursery() as machine_nursery:
                machine_nursery.start_soon(machine.run)
                with trio.move_on_after(max(plan.seconds - plan.calm_s, 0.0)):
                    await Nemesis(machine).run()
                stage.calm = True
                stage.note("world", "calm")
                stage.tell(stage.watch.calm)
                await trio.sleep_until(stage.opened_s + plan.seconds)
                await self._rest(machine)
                stage.close()
                machine.wake()
                machine_nursery.cancel_scope.deadline = trio.current_time() + LEAVE_MAX_S
            if machine_nursery.cancel_scope.cancelled_caught:
                stage.break_off(15, f"the engine has not left {LEAVE_MAX_S:g} s after its end was asked for")
            nursery.cancel_scope.cancel()

    async def _rest(self, machine: Machine) -> None:
        stage = self.stage
        await trio.lowlevel.checkpoint()
        if machine.life is None:
            stage.break_off(13, f"no engine runs at the end, {self.plan.calm_s:g} s after the last fault")
            return
        with trio.move_on_after(REST_MAX_S) as patience:  # noqa: ASYNC912 - the judge waits, or has nothing to ask
            try:
                await stage.watch.at_rest(machine.life)
            except Violated as found:
                stage.break_off(found.number, found.sentence)
        if patience.cancelled_caught:
            stage.break_off(13, f"the last questions had no answers for {REST_MAX_S:g} s")

    async def _look_around(self) -> None:
        while True:
            await trio.sleep(STEP_EVERY_S)
            self.stage.tell(self.stage.watch.step)

    def _end(self, tasks: int) -> None:
        try:
            self.stage.violations += self.stage.watch.ended(tasks)
        except Violated as found:
            self.stage.violations.append(
                Violation(number=found.number, at_s=self.stage.now_s(), sentence=found.sentence)
            )

    def run_again(self) -> None:
        """Run the players of a good session again, each from what was kept of it: in runs of Trio of their own."""
        if self.running is None or self.stage.violations:
            return
        for recording in self.recordings:
            self.stage.violations += check(recording, self.running.market.source.start_ns)

    def _said(self, text: str) -> None:
        self.stage.tell(self.stage.watch.said, str(text).rstrip("\n"))

    def outcome(self, seconds: float, wall_s: float) -> Outcome:
        """What came of it."""
        stage, running = self.stage, self.running
        hits = dict(stage.hits)
        for kind, count in running.plan.summary()["hits"].items() if running is not None else ():
            hits[kind] = hits.get(kind, 0) + count
        matching = running.brokerage.matching if running is not None else None
        stage.seal("order of tasks", self.pace.order, self.pace.steps)
        return Outcome(
            plan=self.plan,
            violations=tuple(stage.violations),
            hits={kind: hits[kind] for kind in sorted(hits) if hits[kind]},
            events=running.market.published if running is not None else 0,
            delivered=stage.delivered_count,
            orders=len(matching.orders) if matching is not None else 0,
            fills=len(matching.fills) if matching is not None else 0,
            restarts=stage.restarts,
            simulated_s=seconds,
            wall_s=wall_s,
            history=stage.history,
            timeline=tuple(stage.timeline),
        )


def exchange_options(plan: Plan) -> ExchangeOptions:
    """The exchange of a plan."""
    return ExchangeOptions(
        symbols=plan.symbols,
        seed=plan.seed,
        events_per_s=plan.events_per_s,
        start=START + timedelta(seconds=plan.opening_s),
        faults=tuple(build_fault(**CHANCES[name], p=rate) for name, rate in plan.rates),
        keys=frozenset({KEYS}),
        host="0.0.0.0",
    )
