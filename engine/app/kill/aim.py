"""What a kill is aimed at, and what it tells of how it went."""

from attrs import define, field, frozen

from engine.core.flatten import Flattened
from engine.flow.account.killswitch import ACCOUNT


@frozen(kw_only=True)
class Aim:
    """What to end, and how it is told to whoever resets the switch. No ``strategies``: all of them."""

    reason: str
    by: str
    within_s: float
    strategies: tuple[str, ...] = ()
    everything: bool = False
    cancel_only: bool = False

    @property
    def scopes(self) -> tuple[str, ...]:
        """What is latched."""
        return self.strategies or (ACCOUNT,)


@define(kw_only=True)
class KillReport:
    """How it went. ``warnings`` are sentences about what could not be done beside the main thing, ``trouble`` is why
    the broker could not be asked when it was last tried, empty where it could. ``done``: two looks after the last act
    agreed, and the last one of them is what ``symbols`` tell."""

    latched: tuple[str, ...] = ()
    cancel_only: bool = False
    symbols: list[Flattened] = field(factory=list)
    warnings: list[str] = field(factory=list)
    trouble: str = ""
    done: bool = False
    took_s: float = 0.0

    @property
    def flat(self) -> bool:
        """Whether all that was to go is known to be gone."""
        return self.done and all(self.is_over(one) for one in self.symbols)

    def is_over(self, one: Flattened) -> bool:
        """Whether this symbol is as it was to be."""
        return one.orders == 0 and one.left is not None if self.cancel_only else one.flat
