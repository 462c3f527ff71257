"""What came of one simulated session."""

from collections.abc import Mapping

from attrs import field, frozen

from engine.testing.simulate.plan import Plan


class Violated(BaseException):  # not an Exception: the engine under test must not be able to swallow it
    """An invariant does not hold. ``number`` is its place in `engine.testing.simulate.invariants`."""

    def __init__(self, number: int, sentence: str) -> None:
        super().__init__(sentence)
        self.number = number
        self.sentence = sentence


@frozen(kw_only=True)
class Violation:
    """One invariant that did not hold, when (seconds from the start), and how it showed."""

    number: int
    at_s: float
    sentence: str


@frozen(kw_only=True)
class Moment:
    """One line of the timeline. ``who``: world, engine, exchange, strategy or judge."""

    at_s: float
    who: str
    text: str


@frozen(kw_only=True)
class Outcome:
    """``violations`` is empty for a good session; ``hits`` counts the faults that really happened, by kind."""

    plan: Plan
    violations: tuple[Violation, ...]
    hits: Mapping[str, int] = field(factory=dict)
    events: int = 0
    delivered: int = 0
    orders: int = 0
    fills: int = 0
    restarts: int = 0
    """Deaths of the engine's process, each with a start after it."""
    simulated_s: float = 0.0
    wall_s: float = 0.0
    history: str = ""
    """A hash of everything observable in its order: one seed, one history."""
    timeline: tuple[Moment, ...] = ()

    @property
    def faults(self) -> int:
        """How many there were."""
        return sum(self.hits.values())
