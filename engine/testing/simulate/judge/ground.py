"""What every part of the judge has to know: the time, the present life of the engine, and when what went wrong last."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

import trio
from attrs import define, field

from engine.app.options import Tuning
from engine.testing.simulate.outcome import Violated
from engine.testing.simulate.watch import Ended, Life, Scene, Watch
from engine.testing.simulate.world.machine import tuning_of

HARMLESS: Final = frozenset({
    "duplicate", "reorder", "unknown_type", "unknown_field", "bad_frame", "nan_prices", "history_lag",
    "history_refused", "slow_pages", "cut_body", "empty_last_page", "stale_reads", "empty_snapshot", "cancel_loses",
    "reject_late", "drop_update", "duplicate_update", "delay_update", "swap_updates", "null_update", "unknown_update",
    "lost_reply", "late_status", "http_status", "one_bad_frame", "one_unknown_type", "one_unknown_field", "rest_429",
    "rest_429_bare", "rest_5xx", "net_keep_alive", "wall_step", "no_replay",
})  # fmt: skip
"""Kinds of faults after which no line has a reason to end."""
SHADOW_S: Final = 240.0
"""A fault is followed by a ghost of ninety seconds and a back-off of thirty, and then holes are closed for a minute:
for so long after its end whatever happens to a line may be its doing."""
_SPANS: Final = ("for", "for_s", "down_s", "lag")
"""Keys of a trouble that say how long it lasts."""
MUTE_S: Final = 300.0
"""A mute line is so until its silence is noticed: three minutes at most, and a quarter of them."""
NEAR_S: Final = 2.0
"""A trouble of the plan happens at its time, or as soon as there is somebody for it to happen to."""
NEVER_S: Final = float("-inf")


def broken(number: int, sentence: str) -> NoReturn:
    """An invariant does not hold: end the session here."""
    raise Violated(number, sentence)


@define(eq=False)
class Ground(Watch):
    """Kept by the judge, read by its parts. ``clock_s`` is Trio's time."""

    clock_s: Callable[[], float] = trio.current_time
    scene: Scene | None = None
    life: Life | None = None
    calm_s: float | None = None
    """When the calm began, seconds from the start; ``None`` before."""
    fault_s: dict[str, float] = field(factory=dict)
    """When each kind of fault happened last."""
    _hits: Counter[str] = field(factory=Counter)

    @property
    def now_s(self) -> float:
        """Seconds from the start."""
        return self.clock_s() - (self.scene.opened_s if self.scene is not None else 0.0)

    @property
    def number(self) -> int:
        """Of the present life; 0 where there is none."""
        return self.life.number if self.life is not None else 0

    def quiet_s(self, *, but: Iterable[str] = ()) -> float:
        """How long nothing has gone wrong, counting a start of the engine as such, ``but`` for these kinds."""
        spared = frozenset(but)
        last_s = max((at_s for kind, at_s in self.fault_s.items() if kind not in spared), default=NEVER_S)
        if self.life is not None:
            last_s = max(last_s, self.life.began_s)
        return self.now_s - last_s

    def hits(self, *kinds: str) -> int:
        """How often these kinds have happened."""
        self.count()
        return sum(self._hits[kind] for kind in kinds)

    def count(self) -> None:
        """Notice the faults by chance that have happened since the last look."""
        if self.scene is None:
            return
        told: Counter[str] = Counter(self.scene.running.plan.summary()["hits"])
        for kind, number in told.items():
            if number > self._hits[kind]:  # one that lasts was told of before, with when it ends
                self.fault_s[kind] = max(self.fault_s.get(kind, NEVER_S), self.now_s)
        self._hits = told

    # -- what is told

    def started(self, scene: Scene) -> None:
        """The world stands."""
        self.scene = scene

    def engine_started(self, life: Life) -> None:
        """A life begins."""
        self.life = life

    def engine_ended(self, life: Life, how: Ended) -> None:
        """A life ends: what it was told of reaches nobody."""
        del how
        if self.life is life:
            self.life = None

    def fault(self, kind: str, at_s: float, text: str) -> None:
        """Something was broken on purpose."""
        del text
        self.fault_s[kind] = max(at_s, self.now_s) + self.lasts_s(kind, at_s)

    def keys_of(self, kind: str, at_s: float) -> dict[str, Any]:
        """What the plan says of a trouble that happens about now; empty where it says nothing."""
        troubles = self.scene.plan.troubles if self.scene is not None else ()
        return next((dict(each.keys) for each in troubles if each.kind == kind and abs(each.at_s - at_s) < NEAR_S), {})

    def lasts_s(self, kind: str, at_s: float) -> float:
        """How long it lasts, seconds; 0 where it is a moment."""
        keys = self.keys_of(kind, at_s)
        if kind == "mute":
            return MUTE_S
        return max((_seconds(keys[name]) for name in _SPANS if name in keys), default=0.0)

    def withheld(self, published_s: float) -> bool:
        """Whether history kept back what was published then for longer than an engine has to reckon with.

        Of a quiet feed nothing but history tells what was missed. What trails by more than the engine's settling looks
        as if it had never been, so a hole may be taken for an empty one: that is what `Tuning` says.
        """
        settled_s = published_s + self.tuning.backfill_settle_s
        for each in self.scene.plan.troubles if self.scene is not None else ():
            keys = dict(each.keys)
            if each.kind != "history_lag" or settled_s > each.at_s + _seconds(keys["for"]):
                continue
            if max(settled_s, each.at_s) <= published_s + _seconds(keys["lag"]):
                return True
        return False

    @property
    def tuning(self) -> Tuning:
        """How patient the engine is."""
        return tuning_of(self.scene.plan) if self.scene is not None else Tuning()

    @property
    def slow(self) -> bool:
        """Whether a player is slow on purpose: with it everything on its feed may be."""
        players = self.scene.plan.players if self.scene is not None else ()
        return any(dict(player.params).get("slow_s") for player in players)

    def step(self) -> None:
        """Look for faults by chance."""
        self.count()

    def calm(self) -> None:
        """The last fault was."""
        self.count()
        self.calm_s = self.now_s
        for kind, at_s in self.fault_s.items():
            if kind.startswith("net_"):  # the network is whole again, even where it was to be broken for longer
                self.fault_s[kind] = min(at_s, self.now_s)


def _seconds(span: object) -> float:
    """A span as fault scripts write it (``90s``, ``300ms``), or seconds."""
    text = str(span)
    if text.endswith("ms"):
        return float(text[:-2]) / 1000
    return float(text.removesuffix("s"))
