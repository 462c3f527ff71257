"""What one simulated session is: drawn from a seed, written down as a value, so that it can be played again and cut.

A plan says everything that is decided before the session begins. The market, the faults' own dice and the order of
tasks follow from its seed while it runs.
"""

from typing import Any, Final

from attrs import frozen

BLOCK_WITHIN_S: Final = 60.0
"""What a player's block of orders may take on its way out."""


@frozen(kw_only=True)
class Trouble:
    """One thing that goes wrong: a kind of the catalogue, when (seconds from the start), and the keys it takes."""

    kind: str
    at_s: float
    keys: tuple[tuple[str, Any], ...] = ()


@frozen(kw_only=True)
class Player:
    """One strategy of a session: ``kind`` names it in `engine.testing.simulate.world.players`, with its parameters."""

    kind: str
    name: str
    params: tuple[tuple[str, Any], ...] = ()


@frozen(kw_only=True)
class Plan:
    """One simulated session. ``troubles`` are in the order of their time; ``rates`` are faults by chance, per call,
    frame or event (a fault kind and its probability), which end with the last trouble."""

    seed: int
    seconds: float
    symbols: tuple[str, ...]
    events_per_s: float
    troubles: tuple[Trouble, ...]
    rates: tuple[tuple[str, float], ...]
    players: tuple[Player, ...]
    calm_s: float
    """Nothing goes wrong for so long before the end: what was broken must mend by itself."""
    opening_s: float = 0.0
    """When the session begins, seconds behind the opening of the stock market; negative before it."""
    recorded: bool = False
    """Each life keeps a journal, and after the session every player runs again from it."""
