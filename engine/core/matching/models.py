"""How willing the simulated market is to trade with us: the fill models, each named for its pessimism.

Whether a resting order would have been filled cannot be known from market data. A model is a declared guess, and every
result prints it (`FillModel.describe`), so that a backtest can be read with its assumptions beside it. From the most
to the least willing: ``touch`` fills as soon as the market reaches the price, ``queue`` after what stood there before
us, ``through`` only when the market went beyond it; on one and the same market none fills more than the one before it.
``paper`` is what Alpaca's paper trading does, for those who want to know what their paper account would have said.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attrs import frozen

from engine.core.matching.fees import PAPER_FEES, FeeSchedule

NS_PER_MS: Final = 1_000_000
PAPER_PARTIAL_SHARE: Final = 0.1
"""Alpaca's docs: paper fills an order partly, at random, "10% of the time"."""
PAPER_LATENCY_NS: Final = 3_500_000
"""Measured on paper: a market order was filled 3 to 4 ms after it was submitted."""


class Rule(StrEnum):
    """When a resting limit order trades."""

    TOUCH = "touch"
    QUEUE = "queue"
    THROUGH = "through"
    NBBO = "nbbo"
    """When the quote reaches its price, at the quote's price: no trade print counts where there are quotes."""


SAYS: Final[Mapping[Rule, str]] = {
    Rule.TOUCH: "a resting order fills when the market touches its price, as if it were first in line",
    Rule.QUEUE: "a resting order fills after what was displayed at its price, or when the market goes through",
    Rule.THROUGH: "a resting order fills only when the market goes through its price",
    Rule.NBBO: "an order fills at the quote when the quote reaches its price",
}


@frozen(kw_only=True)
class FillModel:
    """One set of assumptions.

    ``sized``: no more is filled than the market displays or prints. ``latency_ns`` from submission to the market,
    ``cancel_latency_ns`` from a cancel request to its effect. ``partial_share`` of fills, 0 to 1, are partial at
    random. To vary one: ``attrs.evolve(MODELS["touch"], name="touch, 50 ms", latency_ns=50_000_000)``.
    """

    name: str
    rule: Rule
    sized: bool = True
    latency_ns: int = 0
    cancel_latency_ns: int = 0
    partial_share: float = 0.0
    fees: FeeSchedule = PAPER_FEES
    """What each fill costs, at once. Alpaca books what the regulators take of a live account at the end of the day."""

    def describe(self) -> str:
        """One line that names what the results rest on."""
        size = "at most the size shown" if self.sized else "whatever the size shown"
        partial = f", {self.partial_share:.0%} of fills partial at random" if self.partial_share else ""
        return (
            f"{self.name}: {SAYS[self.rule]}; {size}{partial}; {self.latency_ns / NS_PER_MS:g} ms to the market, "
            f"{self.cancel_latency_ns / NS_PER_MS:g} ms to cancel; fees: {self.fees.name}"
        )


MODELS: Final[Mapping[str, FillModel]] = {
    model.name: model
    for model in (
        FillModel(name="touch", rule=Rule.TOUCH),
        FillModel(name="queue", rule=Rule.QUEUE),
        FillModel(name="through", rule=Rule.THROUGH),
        FillModel(
            name="paper",
            rule=Rule.NBBO,
            sized=False,
            latency_ns=PAPER_LATENCY_NS,
            cancel_latency_ns=PAPER_LATENCY_NS,
            partial_share=PAPER_PARTIAL_SHARE,
        ),
    )
}
"""By name. ``touch`` is the default; latency is 0 unless it is asked for, or was measured."""
