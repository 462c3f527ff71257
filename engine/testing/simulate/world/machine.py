"""The machine that the engine runs on: it starts it, lets it die at any instant, and starts it again on what is left.

A death is the end of all effects, not of all tasks: Trio cannot take a task away. So from that instant the former life
has no network, its folder is a copy that nobody reads, and nobody listens to what its strategies say; it is cancelled
and unwinds by itself, while the next one starts on what the disk held.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

import trio
from attrs import define, field

from engine.app.account import AccountSide
from engine.app.failures import known_cause
from engine.app.live import run_live
from engine.app.options import Endpoints, ExchangeOptions, LoadedStrategy, RunOptions, Snapshot, Tuning
from engine.app.secrets import Secret
from engine.model.instant import NS_PER_S
from engine.ports.steps import Step
from engine.testing.link import Link
from engine.testing.network import OWNER, Network
from engine.testing.simulate.outcome import Violated
from engine.testing.simulate.plan import Plan
from engine.testing.simulate.watch import Ended, Life, Scene
from engine.testing.simulate.world.cast import Cast
from engine.testing.simulate.world.disk import Disk
from engine.testing.simulate.world.players import KEEPER, PLAYERS
from engine.testing.simulate.world.record import Recording
from engine.testing.simulate.world.stage import Stage
from engine.testing.simulate.world.weather import SimulatedWeather

KEYS: Final = ("PKSIMULATED", "simulated-secret-9c1f")
"""What must be in no output."""
RESTART_S: Final = 30.0
"""After an end of its own a supervisor starts the engine again."""
LIVES_MAX: Final = 200
"""More deaths than a plan of some hours has; a machine that restarts for ever is no session."""
STEPS: Final = tuple(Step)


def tuning_of(plan: Plan) -> Tuning:
    """How patient the engine of a plan is: slow markets have quiet minutes, and pings cost time here as well."""
    dice = Random(f"{plan.seed}/tuning")
    return Tuning(
        ping_every_s=dice.choice((30.0, 45.0)),
        pong_within_s=dice.choice((5.0, 10.0)),
        silence_s=dice.choice((60.0, 120.0, 180.0)),
        reconcile_every_s=dice.choice((60.0, 300.0, 300.0)),
    )


@define(eq=False)
class Machine:
    """One machine for one session. ``wall_ns`` is its clock, which can be wrong."""

    stage: Stage
    scene: Scene
    weather: SimulatedWeather
    root: Path
    disk: Disk
    wall_step_s: float = 0.0
    life: Life | None = None
    recordings: list[Recording] = field(factory=list)
    """One for each life of a session that is recorded."""
    _down_s: float = 0.0
    _torn_step: tuple[Step, int, Mapping[str, Any]] | None = None
    _gone: trio.Event = field(factory=trio.Event)
    _up: trio.Event = field(factory=trio.Event)
    _ghosts: list[Link] = field(factory=list)
    _cancels: dict[int, Callable[[], object]] = field(factory=dict)

    @property
    def network(self) -> Network:
        """Of the session."""
        return self.scene.network

    def wall_ns(self) -> int:
        """This machine's clock."""
        start_ns = self.scene.running.market.source.start_ns
        return start_ns + round((self.stage.now_s() + self.wall_step_s) * NS_PER_S)

    # -- its lives

    async def run(self) -> None:
        """Keep an engine running until the session is over and the last one has ended."""
        async with trio.open_nursery() as nursery:
            while not self.stage.over.is_set():
                self._gone, self._up = trio.Event(), trio.Event()
                life = self._begin()
                nursery.start_soon(self._live, life, self.disk)
                await self._gone.wait()
                if self.stage.over.is_set():
                    break
                if life.number >= LIVES_MAX:
                    self.stage.break_off(14, f"the engine has ended {life.number} times")
                with trio.move_on_after(self._down_s):
                    await self._up.wait()
                self._answer_ghosts()

    def _answer_ghosts(self) -> None:
        """The machine is up again, and answers whoever still talks to a connection of before that there is none."""
        for link in self._ghosts:
            link.reset()
        self._ghosts.clear()

    def wake(self) -> None:
        """Start the next life now, whatever time it was to take."""
        self._up.set()

    def _begin(self) -> Life:
        number = len(self.scene.lives) + 1
        life = Life(number=number, folder=self.disk.folder, began_s=self.stage.now_s())
        self.life = life
        self.scene.lives.append(life)
        self.stage.restarts += number > 1
        return life

    async def _live(self, life: Life, disk: Disk) -> None:  # noqa: ASYNC910 - a task of its own, and a whole session
        OWNER.set(life.number)
        how: Ended = "stopped"
        with trio.CancelScope() as scope:  # noqa: ASYNC912 - as above
            self._cancels[life.number] = scope.cancel
            self.stage.engine_started(life)
            casts = {player.name: Cast(self.stage, life, player) for player in (*self.stage.plan.players, KEEPER)}
            recording = self._record(life, casts)
            try:
                life.report = await run_live(
                    self._options(life, casts),
                    exchange=self.scene.running,
                    run_sync=disk.run_sync,
                    probe=lambda step: self._probe(life, step),
                    beside=lambda account: self._open_account(life, account),
                    wall_ns=self.wall_ns,
                    journal=recording,
                )
            except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - a bug ends the process: see `_failure`
                how = "failed"
                life.failure = self._failure(error)
        self._cancels.pop(life.number, None)
        life.disk_faults = disk.failures
        if life.alive:
            life.alive = False
            self._down_s = RESTART_S
            if not self.stage.scope.cancel_called:
                self.stage.engine_ended(life, how)
            if self.life is life:
                self.life = None
            self._gone.set()

    def _failure(self, error: BaseException) -> BaseException:
        """What a life ended by: one error of ours, or a bug. A verdict is passed on."""
        if isinstance(error, BaseExceptionGroup):
            verdict, _ = error.split(Violated)
            if verdict is not None:
                raise error
            return known_cause(error) or _first(error)
        return error

    async def _open_account(self, life: Life, account: AccountSide) -> None:
        life.account = account
        if life.alive:
            self.stage.tell(self.stage.watch.account_opened, life)
        await trio.lowlevel.checkpoint()

    def _seed(self, life: Life) -> int:
        return self.stage.plan.seed * 1000 + life.number

    def _record(self, life: Life, casts: Mapping[str, Cast]) -> Recording | None:
        """What crosses to and from its players, kept where the plan says so."""
        if not self.stage.plan.recorded:
            return None
        recording = Recording(life, self._seed(life), casts)
        self.recordings.append(recording)
        return recording

    def _options(self, life: Life, casts: Mapping[str, Cast]) -> RunOptions:
        port = self.scene.running.address.rpartition(":")[2]

        def take_snapshot(snapshot: Snapshot) -> None:
            life.snapshot = snapshot

        return RunOptions(
            strategies=tuple(
                LoadedStrategy(PLAYERS[cast.player.kind], cast, name=name) for name, cast in casts.items()
            ),
            endpoints=Endpoints(
                data_stream_url=f"ws://stream.sim:{port}",
                data_url=f"http://data.sim:{port}",
                trading_stream_url=f"ws://account.sim:{port}",
                trading_url=f"http://trading.sim:{port}",
            ),
            exchange=ExchangeOptions(seed=self._seed(life)),
            tuning=tuning_of(self.stage.plan),
            key_id=Secret(KEYS[0]),
            secret=Secret(KEYS[1]),
            state=life.folder,
            watcher=take_snapshot,
        )

    # -- death

    def _probe(self, life: Life, step: Step) -> None:
        if not life.alive:
            return
        self.stage.probed(life, step)
        if self._torn_step is not None and self._torn_step[0] is step:
            wanted, left, keys = self._torn_step
            self._torn_step = (wanted, left - 1, keys) if left > 1 else None
            if left <= 1:
                self.die("kill_at_step", keys, text=f"at {step}")

    def arm(self, keys: Mapping[str, Any]) -> None:
        """Die when a named step of the engine is reached for the n-th time."""
        self._torn_step = (STEPS[int(keys["step"]) % len(STEPS)], int(keys["nth"]), keys)

    def disarm(self) -> None:
        """Do not, after all."""
        self._torn_step = None

    def die(self, kind: str, keys: Mapping[str, Any], *, power: bool = False, text: str = "") -> bool:
        """The process is gone at this instant; false where there is none. ``power``: the whole machine is."""
        life = self.life
        if life is None or not life.alive:
            return False
        self.stage.hits[kind] += 1
        self.stage.fault(kind, text)
        life.alive = False
        self.life = None
        self._down_s = float(keys["down_s"])
        self.weather.dead.append(life.number)
        self.weather.change()
        for link in [each for each in self.network.links.values() if each.owner == life.number]:
            if power:
                link.freeze()  # nobody is left to say that the connection is none any more
                self._ghosts.append(link)
            link.orphan()
        folder = self.root / f"life-{life.number + 1}"
        self.disk.copy_to(folder, torn=bool(keys["torn"]), power=power)
        self.disk = self.disk.renewed(folder)
        self._cancels[life.number]()
        self.stage.engine_ended(life, "killed")
        self._gone.set()
        return True


def make_machine(stage: Stage, scene: Scene, weather: SimulatedWeather, root: Path) -> Machine:
    """A machine whose engine has never run."""
    hits: Counter[str] = stage.hits
    disk = Disk(root / "life-1", Random(f"{stage.plan.seed}/disk"), hits)
    return Machine(stage, scene, weather, root, disk)


def _first(error: BaseException) -> BaseException:
    """The first single error of a group, with where it was raised in its notes."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    error.add_note("".join(traceback.format_tb(error.__traceback__)[-6:]))
    return error
