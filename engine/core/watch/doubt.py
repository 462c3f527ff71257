"""A silence that has become suspicious: when history is asked about it, and whether it ends in an alarm.

Silence alone proves nothing (`engine.core.silence`): a quiet stock and a dead line look the same. History tells them
apart, but it trails the line by seconds, so "nothing was missed" is asked for again, each time after twice as long.
And what history holds may be on its way still, so "missed" has to stand for a moment before it is believed.
"""

from typing import Final

from attrs import define

from engine.core.silence import Proof

LESS_OFTEN_MAX: Final = 20
"""A quiet stream is asked about less and less often, but at least this often (in limits)."""


@define(eq=False)
class Doubt:
    """One silence. It is over, with all that was said about it, when what was silent speaks."""

    asked: int = 0
    """How often history was asked about this silence."""
    asking_ns: int = 0
    """When the question was asked whose answer is awaited; 0: none is."""
    proof: Proof = "not_asked"
    alarmed_ns: int = 0
    """Since when it is silent, while an alarm stands; else 0."""
    found_ns: int = 0
    """When that was found."""
    _missed_ns: int = 0
    _ask_at_s: float = 0.0

    @property
    def began(self) -> bool:
        """Whether there is anything to forget."""
        return self.asked > 0 or self.alarmed_ns > 0

    def forget(self) -> None:
        """This silence is over, or is looked at afresh on a new line. An alarm stands until something is heard."""
        self.asked, self.asking_ns, self.proof, self._missed_ns, self._ask_at_s = 0, 0, "not_asked", 0, 0.0

    def end(self) -> None:
        """It spoke, or nothing is due of it any more."""
        self.forget()
        self.alarmed_ns = 0

    def wants_asking(self, silent_s: float, limit_s: float) -> bool:
        """Whether history is to be asked now: at the limit, and then after ever longer times."""
        return not self.asking_ns and self.overdue(silent_s, limit_s) >= 1.0 and self.proof != "missed"

    def overdue(self, silent_s: float, limit_s: float) -> float:
        """How many times the silence at which to ask it has lasted."""
        return silent_s / max(limit_s, self._ask_at_s)

    def ask(self, silent_s: float, limit_s: float, now_ns: int) -> None:
        """History is being asked."""
        self._ask_at_s = silent_s + limit_s * min(2.0**self.asked, LESS_OFTEN_MAX)
        self.asked += 1
        self.asking_ns = now_ns

    def answer(self, proof: Proof, asked_ns: int, now_ns: int) -> None:
        """What history said to the question of then. Of no effect once what was silent has spoken, or its line is gone,
        nor as the answer to a question that was asked since.
        """
        if not self.asking_ns or asked_ns != self.asking_ns:
            return
        self.asking_ns, self.proof, self._missed_ns = 0, proof, now_ns
        if proof == "nothing_missed":
            self.alarmed_ns = 0

    def judge(self, now_ns: int, from_ns: int, *, confirm_s: float, unproved_s: float) -> bool:
        """Whether an alarm begins now, or is found again on a new line. ``from_ns``: since when it is silent.

        ``confirm_s``: how long "missed" has to stand; ``unproved_s``: the silence that needs no proof, where history
        cannot say.
        """
        proved = self.proof == "missed" and now_ns - self._missed_ns >= confirm_s * 1e9
        unproved = self.proof == "unknown" and now_ns - from_ns >= unproved_s * 1e9
        if not (proved or unproved):
            return False
        if not self.alarmed_ns:
            self.alarmed_ns, self.found_ns = from_ns, now_ns
        self.proof = "not_asked"  # it is looked at again when the next time to ask has come
        return True
