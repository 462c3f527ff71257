"""Comparing our books with the broker's: on every connect, on a timer, on any doubt, at the start, and when asked.

One task does it, one round at a time; whatever asks for a round meanwhile shares the next one. A round reads all of it
(open orders, the orders of ours that are not among them one by one, executions, positions, the account) and hands it
to the blotter in one piece, so a question that failed ends the round without effect: not having been answered is
nothing, least of all "there is nothing".

The broker's answers are not of one instant. Positions are therefore read before and behind everything else, and all of
it again if they moved; and what changed in our books shortly before the round or during it is not judged by it
(`Record.fence`), because reads may trail writes. An answer that contradicts itself is taken for none.

Rounds that keep ending in doubt mean that the two books cannot be brought together. Then the kill switch is tripped
for the account, and a person has to look: trading on would be guessing. It goes on once that person has reset the
switch and a round has found no difference; one of the two alone is not enough.
"""

from random import Random

import trio
from attrs import define, evolve, field

from engine.errors import BrokerUnavailable, GaplessError
from engine.flow.account.killswitch import ACCOUNT
from engine.flow.channel import Waker
from engine.flow.desk.gate import Gate
from engine.flow.desk.reading import Reading
from engine.flow.desk.record import Record
from engine.flow.desk.seams import Prices, Switch
from engine.flow.desk.tuning import DeskTuning
from engine.flow.supervisor import supervise
from engine.model.intent import Snapshot
from engine.ports.steps import Probe, Step


@define(eq=False, kw_only=True)
class Reconciler:
    """The rounds. ``snapshot`` is the last one that was taken in."""

    reading: Reading
    record: Record
    gate: Gate
    switch: Switch
    prices: Prices
    tuning: DeskTuning
    random: Random
    probe: Probe
    snapshot: Snapshot | None = None
    rounds: int = 0
    """Rounds that were taken in."""
    _asked_s: float = float("-inf")
    """When the round of the last snapshot began."""
    _due_s: float = float("-inf")
    _ended_s: float = float("-inf")
    _asked: int = 0
    _through: int = 0
    _failure: GaplessError | None = None
    unsettled: int = 0
    """Rounds in a row that ended in doubt."""
    failing: str = ""
    """Why the books cannot be compared now; empty while they can."""
    _closed: GaplessError | None = None
    _fees_missing: bool = False
    _wanted: Waker = field(factory=Waker)
    _done: Waker = field(factory=Waker)

    # -- asking for a round

    def doubt(self, _: str) -> None:
        """Something does not fit: compare the books soon, but not again and again."""
        soon_s = trio.current_time() + self.tuning.doubt_after_s
        self._want(max(soon_s, self._ended_s + self.tuning.doubt_every_s))

    def want_now(self) -> None:
        """Compare the books at once."""
        self._want(trio.current_time())

    async def reconcile(self) -> None:
        """Wait until a round that begins after this call is through. Raises `BrokerUnavailable` if it had no effect."""
        self._asked += 1
        number = self._asked
        self.want_now()
        await trio.lowlevel.checkpoint()
        while self._through < number:
            if self._closed is not None:
                raise self._closed
            await self._done.wait()
        if self._failure is not None:
            raise BrokerUnavailable(str(self._failure)) from self._failure

    @property
    def standing(self) -> Snapshot | None:
        """The last snapshot while it still holds: asked for within the interval of the rounds, and nothing of the
        account was filled or ended since, or so shortly before that its answers may not show it."""
        held_s = trio.current_time() - self.tuning.reconcile_every_s
        if self._asked_s < held_s or self.record.moved_s >= self._asked_s - self.tuning.fence_s:
            return None
        return self.snapshot

    @property
    def tried_s(self) -> float:
        """When the last round ended, with or without effect, by Trio's clock; minus infinity before that."""
        return self._ended_s

    def close(self, failure: GaplessError) -> None:
        """There will be no more rounds."""
        self._closed = failure
        self._done.wake()

    def _want(self, at_s: float) -> None:
        if at_s < self._due_s:
            self._due_s = at_s
            self._wanted.wake()

    # -- the rounds

    async def serve(self) -> None:
        """Hold rounds until cancelled. A broker that is away is waited for, for ever."""
        await supervise(
            self._serve_rounds,
            self.tuning.reconciling,
            name="comparing the books",
            random=self.random,
            retry=BrokerUnavailable,
            on_restart=self._on_failed,
        )

    async def _serve_rounds(self) -> None:
        while True:
            await trio.lowlevel.checkpoint()
            while (left_s := self._due_s - trio.current_time()) > 0:
                with trio.move_on_after(left_s):
                    await self._wanted.wait()
            number = self._asked
            self._due_s = trio.current_time() + self.tuning.reconcile_every_s
            try:
                await self._hold_round()
            except BrokerUnavailable as failure:
                self._due_s = trio.current_time()
                self._end(number, failure)
                raise
            self._end(number, None)

    def _end(self, number: int, failure: GaplessError | None) -> None:
        self._ended_s = trio.current_time()
        self._through, self._failure = number, failure
        if failure is None and self.failing:
            self.failing = ""
            self.record.report("The books were compared with the broker's again.")
        self._done.wake()

    def _on_failed(self, failure: GaplessError, _delay_s: float) -> None:
        if not self.failing:
            self.failing = str(failure)
            self.record.report(f"The books cannot be compared with the broker's: {failure} It is tried until they can.")

    async def _hold_round(self) -> None:
        line, mark, asked_s = self.gate.lines, self.record.fence(self.tuning.fence_s), trio.current_time()
        self.probe(Step.RECONCILE_ASKING)
        snapshot = await self.reading.read(again=self.unsettled > 0)
        self.probe(Step.RECONCILE_ANSWERED)
        taken = self.record.blotter.take_snapshot(snapshot, mark)
        self.prices.take_positions(snapshot.positions, snapshot.told_ns)
        self.snapshot, self._asked_s = snapshot, asked_s
        self.rounds += 1
        self.probe(Step.RECONCILE_WRITING)
        await self.record.keep(
            evolve(taken, doubts=()), *self.reading.heard()
        )  # its doubts are followed here, at a pace of their own
        self.probe(Step.RECONCILE_WRITTEN)
        self.record.tell_untold(taken)
        if taken.doubts:
            await self._look_again(taken.doubts)
        else:
            self.unsettled = 0
            if self.gate.halted and not self.switch.tripped(ACCOUNT):
                self.gate.halted = ""
                self.record.report(
                    "The switch was reset and the books agree with the broker's: positions may be opened again."
                )
            self.gate.confirm(line)
        await self._take_fees()

    async def _take_fees(self) -> None:
        """Fees behind the executions that they are of. Without them profits are too high, and nothing else is wrong, so
        a list that cannot be read ends no round."""
        await trio.lowlevel.checkpoint()
        try:
            fees = await self.reading.read_fees()
        except BrokerUnavailable as failure:
            if not self._fees_missing:
                self._fees_missing = True
                self.record.report(f"Fees cannot be read; profits lack the newest until they can: {failure}")
            return
        self._fees_missing = False
        self.record.note(self.record.blotter.take_fees(fees, self.reading.clock.now_ns()))

    async def _look_again(self, doubts: tuple[str, ...]) -> None:
        """A round that left doubts: look again soon, and in the end give up."""
        self.unsettled += 1
        pause_s = self.tuning.again_after_s * 2.0 ** min(self.unsettled - 1, 10)
        self._want(trio.current_time() + min(pause_s, self.tuning.doubt_every_s))
        if self.unsettled < self.tuning.rounds_max or self.gate.halted:
            await trio.lowlevel.checkpoint()
            return
        reason = (
            f"After {self.unsettled} rounds our books and the broker's still differ: {'; '.join(doubts[:3])}. "
            "Nothing is opened until a person has compared them and said 'gapless kill --reset', "
            "and the books agree again."
        )
        self.gate.halted = "our books and the broker's could not be brought together"
        self.record.alarm(reason)
        await self.switch.trip(ACCOUNT, reason, "reconciliation")
