"""What came of running a strategy again."""

from attrs import frozen

from engine.model.journal import JournalRecord


@frozen(kw_only=True)
class Difference:
    """The first place where a strategy did something else than in its session.

    ``recorded`` is what crossed then and ``now`` what it asks now; ``None`` is nothing. ``cause`` is the last input
    before that, ``before`` the ten before it, oldest first, each as market time and words.
    """

    strategy: str
    recorded: JournalRecord | None
    now: str | None
    at_ns: int
    cause: tuple[int, str] | None
    before: tuple[tuple[int, str], ...]


@frozen(kw_only=True)
class Verified:
    """One strategy, run again. ``finished``: its journal has an end; else it was verified as far as that goes."""

    strategy: str
    calls: int
    decisions: int
    fingerprint: str
    difference: Difference | None = None
    finished: bool = True
    lacks: str = ""
    """What of the market the session does not hold, where it ends for that."""

    @property
    def identical(self) -> bool:
        """Whether it asked for the same, as far as the journal goes."""
        return self.difference is None
