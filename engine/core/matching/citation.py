"""What of the market a fill rests on, so that anybody can check it against the tape.

A simulated fill is a claim: somebody would have traded with us, there, then, for that much. So each one names the event
that it rests on. Two laws hold and are tested: nobody trades at a better price than the one that is cited, and all our
fills on one citation add up to no more than its size (but for a model that says it does not look at sizes).
"""

from decimal import Decimal
from typing import Literal, TypeAlias

from attrs import define, frozen

from engine.model.order import ZERO

Source: TypeAlias = Literal["quote", "trade", "bar", "book"]


@frozen(kw_only=True)
class Citation:
    """One event of the market, by kind and its own time, with the one of its prices that counts and its size.

    Of a quote or a book it is the price on the other side; of a bar its open or close, or its low (a resting buy) or
    high (a resting sell). ``size`` is in shares, coins or contracts: as displayed, as printed, or the bar's volume.
    """

    kind: Source
    ts_ns: int
    price: Decimal
    size: Decimal


@frozen(kw_only=True)
class Execution:
    """What may be filled: so much, at that price, because of that. ``maker``: it rested, and somebody came to it."""

    qty: Decimal
    price: Decimal
    cites: Citation
    maker: bool = False


@define
class Offer:
    """What the market has at one price, and how much of it we have taken."""

    cites: Citation
    taken: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        """What is left of its size; a size below 0 (which no venue should tell) counts as none."""
        return max(self.cites.size - self.taken, ZERO)
