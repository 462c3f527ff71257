"""What came of verifying a session."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from engine.flow.journal.again import Verified


@frozen(kw_only=True)
class Verdict:
    """One strategy. ``outside`` is what its own code did beside its context: none of that is in a journal."""

    verified: Verified
    changed: bool = False
    """Whether its file is another one than in the session."""
    params: Mapping[str, Any] = field(factory=dict)
    outside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the session."""
        return self.verified.strategy


@frozen(kw_only=True)
class Verification:
    """A session, strategy by strategy. ``versions`` says what runs here in another version than there."""

    folder: Path
    verdicts: tuple[Verdict, ...]
    versions: tuple[str, ...] = ()

    @property
    def strategies(self) -> tuple[Verified, ...]:
        """What came of each run."""
        return tuple(verdict.verified for verdict in self.verdicts)

    @property
    def identical(self) -> bool:
        """Whether all of them asked for the same."""
        return all(one.identical for one in self.strategies)
