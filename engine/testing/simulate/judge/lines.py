"""Invariants 6, 7, 17, 18, 19 and 28: the connections of the streams, as both sides see them."""

from collections import deque
from typing import Final

from attrs import define, field, frozen

from engine.model.control import Lost, Stale
from engine.ports.context import Event
from engine.testing.simulate.judge.delivery import Delivery
from engine.testing.simulate.judge.ground import HARMLESS, SHADOW_S, Ground, broken
from engine.testing.simulate.judge.orders import Orders
from engine.testing.simulate.watch import Ended, Life, Looker

BOTH_MAX_S: Final = 150.0
"""The exchange may hold a connection for dead some time after the engine has given it up: its own pings, a ghost."""
DIALS_S: Final = 60.0
DIALS_MAX: Final = 120
"""To one road in a minute. A feed that is accepted and dropped dials a dozen times, a road has three feeds, and REST
dials anew after each failed request; a loop without a pause dials thousands of times."""
SLACK_S: Final = 10.0
BUSY_S: Final = 30.0
"""While data arrives a pong may queue behind it for so long."""
DEAF: Final = frozenset({"half_open", "net_freeze", "net_away"})
MUTE: Final = "mute"
ACCOUNT_MUTE_S: Final = 75.0
"""The replay of events shows within seconds that the account's line is mute; the replay itself may be connecting."""
ROADS: Final = {"data": "stream", "trading": "account"}
"""The roads of the exchange's two kinds of lines."""
ACCOUNT_PATH: Final = "/stream"


@frozen
class Suspect:
    """A line that is dead since an instant, or mute, and has to be noticed by another."""

    number: int
    path: str
    since_s: float
    due_s: float
    mute: bool = False

    @property
    def road(self) -> str:
        """What it was dialled by."""
        return "account" if self.path == ACCOUNT_PATH else "stream"


@define(eq=False)
class Lines(Looker):
    """``open`` are the connections that the exchange has, by number."""

    ground: Ground
    delivery: Delivery
    orders: Orders
    open: dict[int, tuple[str, float]] = field(factory=dict)
    suspects: list[Suspect] = field(factory=list)
    _seen: dict[str, int] = field(factory=dict)
    """Paths that the present life has opened before, and how often."""
    _both_s: dict[str, float] = field(factory=dict)
    """Since when a path has two connections."""
    _dials: dict[str, deque[float]] = field(factory=dict)

    # -- what is told

    def engine_started(self, life: Life) -> None:
        """A new life owes nothing for the old one's lines."""
        del life
        self._seen.clear()
        self._dials.clear()
        self.suspects.clear()

    def engine_ended(self, life: Life, how: Ended) -> None:
        """Nobody is left who could notice."""
        del life, how
        self.suspects.clear()

    def dialed(self, life: int, host: str, outcome: str) -> None:
        """Count it, and take it for a sign that a dead line of that road was noticed."""
        del outcome
        if life != self.ground.number:
            return
        now_s = self.ground.now_s
        dials = self._dials.setdefault(host, deque(maxlen=DIALS_MAX + 1))
        dials.append(now_s)
        if len(dials) > DIALS_MAX and now_s - dials[0] < DIALS_S:
            broken(7, f"{len(dials)} connections to {host} were tried within {now_s - dials[0]:.1f} s")
        self.suspects = [each for each in self.suspects if each.road != host]

    def line(self, number: int, path: str, *, is_open: bool) -> None:
        """A stream's connection has come or gone."""
        if not is_open:
            self.open.pop(number, None)
            self.suspects = [each for each in self.suspects if each.number != number]
            self._look_both(path)
            return
        quiet_s = self.ground.quiet_s(but=HARMLESS)
        others = [other for other, _ in self.open.values() if other == path]
        if others and quiet_s > SHADOW_S:
            broken(6, f"a connection to {path} was opened beside the one that stands")
        if self._seen.get(path) and quiet_s > SHADOW_S:
            broken(19, f"{path} was connected anew, and nothing had gone wrong for {quiet_s:.0f} s")
        self._seen[path] = self._seen.get(path, 0) + 1
        self.open[number] = (path, self.ground.now_s)
        self._look_both(path)

    def _look_both(self, path: str) -> None:
        if sum(other == path for other, _ in self.open.values()) > 1:
            self._both_s.setdefault(path, self.ground.now_s)
        else:
            self._both_s.pop(path, None)

    def noticed(self, life: Life, strategy: str, notice: Event, now_ns: int) -> None:
        """A line was lost: it was noticed; and it must have had a reason."""
        del life, strategy, now_ns
        if isinstance(notice, Lost):
            quiet_s = self.ground.quiet_s(but=HARMLESS)
            if quiet_s > SHADOW_S:
                broken(18, f"{notice.feed} was given up although nothing had gone wrong: {notice.reason}")
            road = "account" if "account" in notice.feed else "stream"
            self.suspects = [each for each in self.suspects if each.road != road]
        if isinstance(notice, Stale):
            self.noticed_mute()

    def fault(self, kind: str, at_s: float, text: str) -> None:
        """Lines that are dead or mute from now on have to be noticed; anything else may take the question away."""
        if kind not in DEAF and kind != MUTE:
            if kind not in HARMLESS:
                self.suspects.clear()
            return
        if self.ground.life is None:
            return
        keys, tuning = self.ground.keys_of(kind, at_s), self.ground.tuning
        notice_s = tuning.ping_every_s + tuning.pong_within_s + SLACK_S + (BUSY_S if keys.get("ways") == "up" else 0.0)
        if kind == MUTE:
            notice_s = 2.5 * tuning.silence_s + BUSY_S
        elif self.ground.lasts_s(kind, at_s) <= notice_s:
            return  # it ends by itself before it has to be noticed
        line = ROADS.get(str(keys.get("line", "")), "")
        for number, (path, _) in self.open.items():
            suspect = Suspect(number, path, at_s, at_s + notice_s, kind == MUTE)
            if suspect.road in (keys.get("road"), line) or kind == "net_away":
                self.suspects.append(suspect)

    def noticed_mute(self) -> None:
        """Silence was told of."""
        self.suspects = [each for each in self.suspects if not each.mute or each.road == "account"]

    def step(self) -> None:
        """What should have been noticed by now."""
        now_s = self.ground.now_s
        for path, since_s in self._both_s.items():
            if now_s - since_s > BOTH_MAX_S and self.ground.quiet_s(but=HARMLESS) > BOTH_MAX_S:
                broken(6, f"{path} has had two connections for {now_s - since_s:.0f} s")
        for each in self.suspects:
            if not each.mute and now_s > each.due_s:
                broken(17, f"line {each.number} ({each.path}) is dead since {each.since_s:.1f} s and nobody noticed")
            if each.mute and self.owed(each, now_s):
                broken(28, f"line {each.number} ({each.path}) is mute since {each.since_s:.1f} s and nobody said so")

    def owed(self, suspect: Suspect, now_s: float) -> bool:
        """Whether there was something to hear on a mute line, so that its silence had to be noticed by now."""
        if suspect.path == ACCOUNT_PATH:
            return suspect.since_s < self.orders.taken_s < now_s - ACCOUNT_MUTE_S
        return now_s > suspect.due_s and self.delivery.unheard(suspect.path, suspect.since_s, now_s - BUSY_S)
