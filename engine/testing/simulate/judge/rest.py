"""Invariants 13, 14, 15, 20, 24 and 25: what must hold when all has come to rest, and at the end."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import trio
from attrs import define, field

from engine.core.matching.ledger import AccountTerms
from engine.errors import BrokerUnavailable, KeysRefused, Retryable, StoreFailed
from engine.flow.markets import NOBODY
from engine.store import read_store
from engine.testing.chaos.verdict import differences
from engine.testing.simulate.judge.delivery import Delivery
from engine.testing.simulate.judge.ground import Ground, broken
from engine.testing.simulate.outcome import Violation
from engine.testing.simulate.watch import Ended, Life, Watch

SETTLE_S: Final = 180.0
"""For the fate of every order to be found out: a settling delay, two answers, the longest pause between questions."""
ROUNDS_MAX: Final = 8
APART_S: Final = 10.0
"""The books are compared so often, so far apart: an update may be on its way when they are looked at first."""
LIVE_S: Final = 120.0
"""For every feed to be live after the last fault; what is older than this is no fault's doing any more."""
LOOK_EVERY_S: Final = 120.0
LIVE_STATES: Final = frozenset({"live", "starting", "stopped"})
"""``starting``: no strategy has asked for a stream of it yet."""


@define(eq=False)
class Rest(Watch):
    """Looks when all is calm."""

    ground: Ground
    delivery: Delivery
    _look_s: float = 0.0
    _descriptors: frozenset[str] = field(factory=lambda: frozenset(open_files()))

    # -- while it runs

    def step(self) -> None:
        """The conservation law, now and then."""
        if self.ground.life is not None and self.ground.now_s >= self._look_s:
            self._look_s = self.ground.now_s + LOOK_EVERY_S
            self.check_conservation(self.ground.life)

    def engine_ended(self, life: Life, how: Ended) -> None:
        """The world may stop the engine from outside; nothing else may end it.

        A start that reaches nobody ends with its sentence, as a command should; whoever watches starts it again.
        """
        if how != "failed":
            if how == "stopped" and life.report is not None:
                self.check_report(life)
            return
        disk = life.disk_faults and isinstance(life.failure, StoreFailed)
        keys = isinstance(life.failure, KeysRefused) and "auth_refused" in self.ground.fault_s
        unborn = life.account is None and isinstance(life.failure, Retryable)
        if not disk and not keys and not unborn:
            broken(14, f"life {life.number} ended by itself: {type(life.failure).__name__}: {life.failure}")

    async def at_rest(self, life: Life) -> None:
        """All of it, while all still runs."""
        await trio.lowlevel.checkpoint()
        await self.wait_live(life)
        await self.check_books(life)
        self.check_conservation(life)
        self.check_counts(life)
        scene = self.ground.scene
        if scene is not None:
            self.delivery.check_rest(scene.running.market.clock.now_ns())

    def ended(self, tasks: int) -> Sequence[Violation]:
        """What is left behind."""
        at_s = self.ground.now_s
        return tuple(Violation(number=15, at_s=at_s, sentence=sentence) for sentence in self.left(tasks))

    # -- laws

    async def wait_live(self, life: Life) -> None:
        """Every feed live and the account listening and compared, within the time for it."""
        await trio.lowlevel.checkpoint()
        waited_s = 0.0
        while missing := missing_live(life):
            if waited_s >= LIVE_S:
                calm_s = self.ground.now_s - (self.ground.calm_s or 0.0)
                broken(13, f"{calm_s:.0f} s after the last fault: {missing}")
            await trio.sleep(1.0)
            waited_s += 1.0

    async def check_books(self, life: Life) -> None:
        """Fates first, then the books of both sides."""
        await trio.lowlevel.checkpoint()
        account, scene = life.account, self.ground.scene
        if account is None or scene is None:
            return
        with trio.move_on_after(SETTLE_S) as patience:
            await account.desk.settle()
        if patience.cancelled_caught:
            open_ids = [ticket.client_order_id for ticket in account.desk.blotter.unresolved()]
            broken(25, f"{SETTLE_S:g} s after everything was calm nobody knows what became of {', '.join(open_ids)}")
        wrong = ["they were never compared"]
        for _ in range(ROUNDS_MAX):
            try:
                with trio.move_on_after(SETTLE_S):
                    await account.desk.reconcile()
                    wrong = differences(
                        account.desk.blotter,
                        scene.running.brokerage.matching,
                        AccountTerms().cash,
                        read_store(life.folder),
                    )
            except BrokerUnavailable as failure:
                wrong = [str(failure)]
            if not wrong:
                wrong = list(self.left_open(life))
            if not wrong:
                return
            await trio.sleep(APART_S)
        broken(24, "; ".join(wrong[:3]))

    def left_open(self, life: Life) -> Iterator[str]:
        """Orders of players who have left their blocks and did not want to leave any behind."""
        scene, account = self.ground.scene, life.account
        for player in scene.plan.players if scene is not None and account is not None else ():
            if dict(player.params).get("on_exit", "leave") == "leave" or account is None:
                continue
            for ticket in account.desk.blotter.open_tickets(player.name):
                yield f"order {ticket.client_order_id} is still open, and {player.name} has left all its blocks"

    def check_conservation(self, life: Life) -> None:
        """Every row of the report adds up."""
        report = life.snapshot() if life.snapshot is not None else None
        for row in report.streams if report is not None else ():
            if not row.balanced:
                broken(20, f"{row.strategy}, {row.kind} {row.symbol}: the books do not add up: {row}")

    def check_counts(self, life: Life) -> None:
        """What the books call delivered is what players were handed: no more, and no less but for their own last."""
        report = life.snapshot() if life.snapshot is not None else None
        if report is None:
            return
        told: Counter[tuple[str, str, str]] = Counter()
        for row in report.streams:
            if row.strategy != NOBODY:
                told[row.strategy, row.kind, row.symbol] += row.delivered
        seen: Counter[tuple[str, str, str]] = Counter()
        for (number, strategy, (kind, symbol)), count in self.delivery.delivered_by.items():
            if number == life.number:
                seen[strategy, str(kind), symbol] += count
        for name in sorted(told.keys() | seen.keys()):
            if told[name] != seen[name]:
                broken(20, f"{' '.join(name)}: {told[name]} delivered by the books, and {seen[name]} were handed over")

    def check_report(self, life: Life) -> None:
        """The last figures of a life that ended in order."""
        if life.report is not None and not life.report.conservation.holds:
            broken(20, f"life {life.number}: the books of its report do not add up")

    def left(self, tasks: int) -> Iterator[str]:
        """Tasks, connections and files that the engine has left."""
        if tasks:
            yield f"{tasks} tasks of the engine are left after its end"
        scene = self.ground.scene
        if scene is None:
            return
        owned = [link for link in scene.network.links.values() if link.owner]
        if owned:
            yield f"{len(owned)} connections of the engine are left after its end, the first to {owned[0].host}"
        folders = [str(life.folder.resolve()) for life in scene.lives]
        for path in sorted(frozenset(open_files()) - self._descriptors):
            if any(path.startswith(folder) for folder in folders):
                yield f"the file {Path(path).name} is still open after its end"
        if scene.lives and (scene.lives[-1].folder / "heartbeat").exists():
            yield "the heartbeat is left after an end in order"


def missing_live(life: Life) -> str:
    """What of a life is not live; empty when all is."""
    report = life.snapshot() if life.snapshot is not None else None
    if report is None:
        return "there is no session"
    for row in report.feeds:
        if row.state not in LIVE_STATES:
            return f"feed {row.feed} is {row.state}"
    if life.account is not None and life.account.desk.gate.account_blocked:
        return f"entries are kept back: {life.account.desk.gate.account_blocked}"
    return ""


def open_files() -> Iterator[str]:
    """What this process has open, where the system tells."""
    place = Path("/proc/self/fd")
    for each in sorted(place.iterdir()) if place.is_dir() else ():
        try:
            yield str(each.readlink())
        except OSError:
            continue  # the descriptor that this very look has used
