"""Invariants 6, 7, 17, 18, 19 and 28: the connections of the streams, as both sides see them."""

from collections import deque
from typing import Final

from attrs import define, evolve, field, frozen

from engine.model.control import Lost, Stale
from engine.ports.context import Event
from engine.testing.simulate.judge.delivery import Delivery
from engine.testing.simulate.judge.ground import HARMLESS, NEVER_S, SHADOW_S, Ground, broken
from engine.testing.simulate.judge.orders import Orders
from engine.testing.simulate.watch import Ended, Life, Watch

BOTH_MAX_S: Final = 150.0
"""The exchange may hold a connection for dead some time after the engine has given it up: its own pings, a ghost."""
DIALS_S: Final = 60.0
DIALS_MAX: Final = 160
"""To one road in a minute. A feed that is accepted and dropped dials a dozen times, a road has three feeds, and REST
dials anew after each failed request: where history cannot be reached, each feed tries fifty times. A loop without a
pause dials thousands of times."""
ORDER_DIALS: Final = 24
"""More on the trading road for each order under way: each is cancelled and asked about by itself, at pauses that grow
to five seconds, and where nobody can be reached each try is a dial."""
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
WITHHELD: Final = frozenset({"drop_update", "delay_update"})
"""Updates that the account's line does not tell, or late, while the replay of events does: as if the line were mute,
and whoever listens cannot tell the one from the other."""
TRADING: Final = "trading"
FEEDS: Final = ("crypto", "iex")
"""Of market data; their names stand in their paths."""


@frozen
class Suspect:
    """A line that is dead since an instant, or mute, and has to be noticed by another."""

    number: int
    path: str
    since_s: float
    due_s: float
    mute: bool = False
    mends: bool = False
    """Whether the calm puts it right."""
    told: bool = False
    """Whether its silence was told of: then it has to be given up all the same."""

    @property
    def road(self) -> str:
        """What it was dialled by."""
        return _road(self.path)


def _road(path: str) -> str:
    return "account" if path == ACCOUNT_PATH else "stream"


@define(eq=False)
class Lines(Watch):
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
    _held_s: dict[str, float] = field(factory=dict)
    """When the lines of a path were last seen held up by a slow strategy."""
    _mute: set[int] = field(factory=set)
    """Lines that tell nothing any more, until they end: silence may be noticed only when there is something to hear."""
    _mute_s: dict[str, float] = field(factory=dict)
    """When the last mute line of a path ended."""
    _mute_next: set[str] = field(factory=set)
    """Paths whose lines fall mute from now on, as soon as they tell anything: where none does, the exchange keeps what
    is to happen to one. Which one it was is not seen, so all of them are suspects until the calm."""

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
        if life != self.ground.number:
            return
        if outcome == "sat out" and host in ROADS.values():
            broken(17, f"a connection to {host} that was not answered was waited for, and nobody noticed")
        now_s = self.ground.now_s
        dials = self._dials.setdefault(host, deque())
        dials.append(now_s)
        while dials[0] <= now_s - DIALS_S:
            dials.popleft()
        if len(dials) > DIALS_MAX and len(dials) > self._dials_max(host):
            broken(7, f"{len(dials)} connections to {host} were tried within {now_s - dials[0]:.1f} s")
        self.suspects = [each for each in self.suspects if each.road != host]

    def _dials_max(self, host: str) -> int:
        life = self.ground.life
        if host != TRADING or life is None or life.account is None:
            return DIALS_MAX
        return DIALS_MAX + ORDER_DIALS * len(life.account.desk.blotter.open_tickets())

    def line(self, number: int, path: str, *, is_open: bool) -> None:
        """A stream's connection has come or gone."""
        if not is_open:
            self.open.pop(number, None)
            self.delivery.mute_s.pop(path, None)
            if number in self._mute:
                self._mute.remove(number)
                self._mute_s[path] = self.ground.now_s
            self.suspects = [each for each in self.suspects if each.number != number]
            self._look_both(path)
            return
        quiet_s = self._quiet_s(path)
        others = [other for other, _ in self.open.values() if other == path]
        if others and quiet_s > SHADOW_S:
            broken(6, f"a connection to {path} was opened beside the one that stands")
        if self._seen.get(path) and quiet_s > SHADOW_S:
            broken(19, f"{path} was connected anew, and nothing had gone wrong for {quiet_s:.0f} s")
        self._seen[path] = self._seen.get(path, 0) + 1
        self.open[number] = (path, self.ground.now_s)
        if path == ACCOUNT_PATH and path in self._mute_next:
            self._mute.add(number)  # maybe: what it owes cannot be told from what another one would
        elif path in self._mute_next:
            self._fall_mute(
                Suspect(number, path, self.ground.now_s, self.ground.now_s + self._mute_notice_s, mute=True)
            )
        self._look_both(path)

    def _path_of(self, feed: str) -> str:
        """What a feed connects to; its name stands in it."""
        return ACCOUNT_PATH if "account" in feed else next((path for path in self._seen if feed in path), "")

    def _quiet_s(self, path: str) -> float:
        """How long nothing has been the matter with the lines of a path."""
        if any(self.open[number][0] == path for number in self._mute):
            return 0.0
        spared = HARMLESS - WITHHELD if path == ACCOUNT_PATH else HARMLESS
        last_s = max(self._mute_s.get(path, NEVER_S), self._held_s.get(path, NEVER_S))
        quiet_s = min(self.ground.quiet_s(but=spared), self.ground.now_s - last_s)
        return quiet_s - self._round_s if path == ACCOUNT_PATH else quiet_s

    def _look_both(self, path: str) -> None:
        if sum(other == path for other, _ in self.open.values()) > 1:
            self._both_s.setdefault(path, self.ground.now_s)
        else:
            self._both_s.pop(path, None)

    def noticed(self, life: Life, strategy: str, notice: Event, now_ns: int) -> None:
        """A line was lost: it was noticed; and it must have had a reason."""
        del life, strategy, now_ns
        if isinstance(notice, Lost):
            self.ground.count()  # a fault that waited for its use may have been used this very instant
            quiet_s = self._quiet_s(self._path_of(notice.feed))
            if quiet_s > SHADOW_S:
                broken(18, f"{notice.feed} was given up although nothing had gone wrong: {notice.reason}")
            road = "account" if "account" in notice.feed else "stream"
            self.suspects = [each for each in self.suspects if each.road != road]
        if isinstance(notice, Stale):
            self.noticed_mute(notice.feed)

    def fault(self, kind: str, at_s: float, text: str) -> None:
        """Lines that are dead or mute from now on have to be noticed; anything else may take the question away."""
        if kind not in DEAF and kind != MUTE:
            if kind not in HARMLESS:
                self.suspects.clear()
            return
        if self.ground.life is None:
            return
        keys, tuning = self.ground.keys_of(kind, at_s), self.ground.tuning
        line = ROADS.get(str(keys.get("line", "")), "")
        if kind == MUTE:
            self._look_mute(line, at_s)
            return
        notice_s = tuning.ping_every_s + tuning.pong_within_s + SLACK_S + (BUSY_S if keys.get("ways") == "up" else 0.0)
        if self.ground.lasts_s(kind, at_s) <= notice_s:
            return  # it ends by itself before it has to be noticed
        for number, (path, _) in self.open.items():
            if kind == "half_open" and number in self._mute:
                continue  # it happens to lines that tell: the exchange keeps it for the next one
            suspect = Suspect(number, path, at_s, at_s + notice_s, mends=kind.startswith("net_"))
            if suspect.road in (keys.get("road"), line) or kind == "net_away":
                self.suspects.append(suspect)

    def _look_mute(self, road: str, at_s: float) -> None:
        """The lines of a road fall mute, those that are not: if there is none, the next one does."""
        lines = [(number, path) for number, (path, _) in self.open.items() if _road(path) == road]
        told = [(number, path) for number, path in lines if number not in self._mute]
        for number, path in told:
            self._fall_mute(Suspect(number, path, at_s, at_s + self._mute_notice_s, mute=True))
        if not told:
            self._mute_next.update(path for path in self._seen if _road(path) == road)

    def _fall_mute(self, suspect: Suspect) -> None:
        self.suspects.append(suspect)
        self._mute.add(suspect.number)
        self.delivery.mute_s.setdefault(suspect.path, suspect.since_s)

    @property
    def _mute_notice_s(self) -> float:
        return 2.5 * self.ground.tuning.silence_s + BUSY_S

    @property
    def _round_s(self) -> float:
        """Where there is no replay, a round of the books shows what the account's line does not tell."""
        return self.ground.tuning.reconcile_every_s if "no_replay" in self.ground.fault_s else 0.0

    def calm(self) -> None:
        """The network is whole again, maybe before anybody had to notice; what the exchange does to a line goes on."""
        self._mute_next.clear()
        self.suspects = [each for each in self.suspects if not each.mends]

    def noticed_mute(self, feed: str) -> None:
        """The silence of a feed was told of: what remains is to find out that it is the line's and not the market's."""
        path = self._path_of(feed)
        self.suspects = [evolve(each, told=each.told or (each.mute and each.path == path)) for each in self.suspects]

    def step(self) -> None:
        """What should have been noticed by now."""
        now_s = self.ground.now_s
        self._look_held()
        for path, since_s in self._both_s.items():
            if now_s - since_s > BOTH_MAX_S and self.ground.quiet_s(but=HARMLESS) > BOTH_MAX_S:
                broken(6, f"{path} has had two connections for {now_s - since_s:.0f} s")
        for each in self.suspects:
            due_s = max(each.due_s, self._held_s.get(each.path, NEVER_S) + each.due_s - each.since_s)
            if not each.mute and now_s > due_s:
                broken(17, f"line {each.number} ({each.path}) is dead since {each.since_s:.1f} s and nobody noticed")
            if each.mute and self.owed(each, now_s):
                what = f"line {each.number} ({each.path}) is mute since {each.since_s:.1f} s"
                if each.told:
                    broken(17, f"{what}, its silence was told of, and nobody gave it up")
                broken(28, f"{what} and nobody said so")

    def _look_held(self) -> None:
        """Which feeds a strategy holds up: what is not read cannot be noticed, or is noticed long after."""
        account = self.ground.life.account if self.ground.life is not None else None
        for path in self._seen if account is not None else ():
            feed = next((name for name in FEEDS if name in path), "")
            if feed and account is not None and account.markets.fanout.crowded(feed):
                self._held_s[path] = self.ground.now_s

    def owed(self, suspect: Suspect, now_s: float) -> bool:
        """Whether there was something to hear on a mute line, so that its silence had to be noticed by now."""
        if suspect.path == ACCOUNT_PATH:
            return suspect.since_s < self.orders.taken_s < now_s - ACCOUNT_MUTE_S - self._round_s
        if now_s <= suspect.due_s:
            return False
        # History is asked when a line has been silent for once, twice, four times ... its limit, or up to a quarter of
        # it later: the last time, therefore, not before half of the silence was over, but for that quarter's half.
        _, opened_s = self.open[suspect.number]
        heard_s = max(opened_s, self.delivery.last_published_s(suspect.path, suspect.since_s))
        asked_s = (heard_s + now_s) / 2 - self.ground.tuning.silence_s / 8
        return self.delivery.unheard(suspect.path, suspect.since_s, asked_s - BUSY_S)
