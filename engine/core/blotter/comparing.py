"""What a difference to the broker's position is put down to: pure sums, no memory.

The broker is right about how much there is, and only our books can say whose. Three causes are told apart:

- *a fee in kind*: crypto that was bought and is a little less than that, up to 1 %. The strategy that bought pays.
- *something of others*: more than the strategies hold, or the other way round. It is nobody's here.
- *something taken from us*: less than the strategies hold. What others have the other way goes against it, and for the
  rest the strategies of that side hold less, by name, so that none of them believes in shares that are not there.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final

from engine.core.amounts import QTY_STEP
from engine.core.blotter.subledgers import UNCLAIMED
from engine.core.matching.money.holding import EXACT, ROUNDED
from engine.model.order import ZERO, Fill

FEE_MAX: Final = Decimal("0.01")
"""Of what was bought: Alpaca's highest crypto fee is 25 basis points, and no tier of any venue comes near 1 %."""


def share_out(told: Decimal, shares: Mapping[str, Decimal], returned: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """By how much each strategy's share has to change for all of them to be what the broker told.

    ``returned`` is by how much each may grow again before anything is somebody else's: what an earlier comparison
    took from it.
    """
    with localcontext(EXACT):
        rest = told - sum(shares.values(), ZERO)
        given: dict[str, Decimal] = {}
        for strategy, most in sorted(returned.items()):
            if rest * most > 0:
                given[strategy] = min(rest, most, key=abs)
                rest -= given[strategy]
        owned = {name: qty + given.get(name, ZERO) for name, qty in sorted(shares.items()) if name != UNCLAIMED}
        ours = sum(owned.values(), ZERO)
        believed = min(ours, max(told, ZERO)) if ours > 0 else max(ours, min(told, ZERO))
        left = believed - ours  # signed against what they hold
        changes = dict(given)
        for strategy, qty in owned.items():
            if left * qty < 0:
                taken = max(-qty, left) if qty > 0 else min(-qty, left)
                changes[strategy] = changes.get(strategy, ZERO) + taken
                left -= taken
        changes[UNCLAIMED] = told - believed - shares.get(UNCLAIMED, ZERO)
        return {strategy: change for strategy, change in sorted(changes.items()) if change}


def fee_in_kind(missing: Decimal, fills: Sequence[Fill]) -> dict[str, Decimal]:
    """What each of these purchases paid of the coins that are ``missing``, by execution id; empty if it is no fee."""
    bought = sum((fill.qty for fill in fills), ZERO)
    if not ZERO < missing <= bought * FEE_MAX:
        return {}
    with localcontext(ROUNDED):
        parts = [(missing * fill.qty / bought).quantize(QTY_STEP, ROUND_DOWN) for fill in fills]
    parts[-1] = missing - sum(parts[:-1], ZERO)
    return {fill.execution_id: part for fill, part in zip(fills, parts, strict=True) if part}
