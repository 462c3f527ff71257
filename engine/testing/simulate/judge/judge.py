"""All parts of the judge as one `Watch`: each is told everything, in one order."""

from collections.abc import Callable, Sequence
from pathlib import Path

import trio

from engine.exchange.rest.http import Response
from engine.exchange.rest.received import Received
from engine.model.market import MarketEvent
from engine.ports.context import Event
from engine.ports.steps import Step
from engine.testing.simulate.judge.asking import Asking
from engine.testing.simulate.judge.bounds import Bounds
from engine.testing.simulate.judge.delivery import Delivery
from engine.testing.simulate.judge.ground import Ground
from engine.testing.simulate.judge.lines import Lines
from engine.testing.simulate.judge.orders import Orders
from engine.testing.simulate.judge.rest import Rest
from engine.testing.simulate.judge.secrets import Secrets
from engine.testing.simulate.outcome import Violation
from engine.testing.simulate.watch import Ended, Life, Scene, Taking, Watch


def living_tasks() -> int:
    """How many tasks live in this run of Trio."""
    return trio.lowlevel.current_statistics().tasks_living


class Judge(Watch):
    """Raises `Violated` at the step that breaks an invariant. ``canaries`` are the session's secrets."""

    def __init__(
        self,
        canaries: Sequence[str] = (),
        clock_s: Callable[[], float] = trio.current_time,
        living: Callable[[], int] = living_tasks,
    ) -> None:
        self.ground = Ground(clock_s)
        self.delivery = Delivery(self.ground)
        self.asking = Asking(self.ground)
        self.orders = Orders(self.ground)
        self.lines = Lines(self.ground, self.delivery, self.orders)
        self.bounds = Bounds(self.ground, living)
        self.secrets = Secrets(self.ground, tuple(canaries))
        self.rest = Rest(self.ground, self.delivery)

    def started(self, scene: Scene) -> None:
        """The world stands."""
        self.ground.started(scene)
        self.delivery.started(scene)

    def engine_started(self, life: Life) -> None:
        """A life begins."""
        for part in (self.ground, self.lines, self.asking, self.orders):
            part.engine_started(life)

    def engine_ended(self, life: Life, how: Ended) -> None:
        """A life ends."""
        for part in (self.secrets, self.rest, self.lines, self.ground):
            part.engine_ended(life, how)

    def probed(self, life: Life, step: Step) -> None:
        """Nothing: that the intent is on disk is looked up there."""

    def published(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """The truth."""
        self.delivery.published(events, now_ns)

    def opened(self, taking: Taking) -> None:
        """A subscription."""
        self.delivery.opened(taking)

    def closed(self, taking: Taking) -> None:
        """Its end."""
        self.delivery.closed(taking)

    def delivered(self, taking: Taking, events: Sequence[Event], now_ns: int) -> None:
        """What a player was handed."""
        self.delivery.delivered(taking, events, now_ns)

    def noticed(self, life: Life, strategy: str, notice: Event, now_ns: int) -> None:
        """What happened to the lines."""
        for part in (self.secrets, self.orders, self.lines, self.delivery):
            part.noticed(life, strategy, notice, now_ns)

    def left_block(self, life: Life, strategy: str, open_ids: Sequence[str], spent_s: float) -> None:
        """A trader's block is over."""
        self.orders.left_block(life, strategy, open_ids, spent_s)

    def dialed(self, life: int, host: str, outcome: str) -> None:
        """A connection was tried."""
        self.lines.dialed(life, host, outcome)

    def line(self, number: int, path: str, *, is_open: bool) -> None:
        """A stream's connection at the exchange."""
        self.ground.count()
        self.lines.line(number, path, is_open=is_open)

    def requested(self, received: Received, response: Response) -> None:
        """A request and its reply."""
        self.asking.requested(received, response)
        self.orders.requested(received, response)

    def said(self, text: str) -> None:
        """A line of the log."""
        self.secrets.said(text)

    def fault(self, kind: str, at_s: float, text: str) -> None:
        """Something was broken on purpose."""
        self.ground.fault(kind, at_s, text)
        self.lines.fault(kind, at_s, text)

    def step(self) -> None:
        """Look around."""
        for part in (self.ground, self.bounds, self.lines, self.orders, self.delivery, self.rest):
            part.step()

    def calm(self) -> None:
        """The last fault was."""
        self.ground.calm()
        self.lines.calm()

    async def at_rest(self, life: Life) -> None:
        """Compare everything."""
        await self.rest.at_rest(life)

    def ended(self, tasks: int) -> Sequence[Violation]:
        """What is left."""
        return self.rest.ended(tasks)

    def files(self, paths: Sequence[Path]) -> None:
        """Files that the session has written beside its state folder."""
        self.secrets.check_files(paths)
