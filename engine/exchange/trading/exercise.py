"""Exercising an option: the contract goes, and its underlying comes, or goes, at the strike.

In the books these are two fills, the contract's at nothing and the underlying's at the strike, so that what must hold
after every trade holds here too. There is no order behind them and nothing is told on the stream: of exercises the
venue tells in the account's activities alone, and on paper the day after.
"""

from decimal import Decimal

from engine.core.calendar import Phase, day_at, phase_at
from engine.core.matching.orders.ids import Ids
from engine.core.matching.venue import Matching
from engine.core.rules.refusal import Refused
from engine.model.account import Asset, Position
from engine.model.order import ZERO, Fill, Side


def exercise(matching: Matching, contract: Asset, underlying: Asset, ids: Ids, now_ns: int) -> None:
    """Exercise all contracts that no order holds. Raises `Refused`; the first two texts are of Alpaca's OpenAPI."""
    position = matching.position(contract.symbol)
    if position is None or (position.side is Side.BUY and not position.available_qty):
        raise Refused("exercise_nothing", 403, 40310000, "no available position for the specified contract")
    if position.side is Side.SELL:
        raise Refused("exercise_short", 403, 40310001, "cannot exercise short position")
    day = day_at(now_ns)
    if day is not None and now_ns >= day.close_ns and phase_at(now_ns) is not Phase.CORE:
        message = "exercise requests are not accepted between market close and midnight"
        raise Refused("exercise_too_late", 422, 42210000, message)
    units = position.available_qty * contract.multiplier
    side = Side.BUY if contract.call else Side.SELL
    _check_means(matching, position, underlying, side, units)
    for asset, what, qty, price in (
        (contract, Side.SELL, position.available_qty, ZERO),
        (underlying, side, units, contract.strike),
    ):
        matching.ledger.apply(
            Fill(
                execution_id=ids.next_uuid(),
                order_id="",
                symbol=asset.symbol,
                side=what,
                qty=qty,
                price=price,
                ts_ns=now_ns,
            ),
            asset,
        )


def _check_means(matching: Matching, position: Position, underlying: Asset, side: Side, units: Decimal) -> None:
    """A call needs the money for its underlying, a put the underlying itself."""
    if side is Side.BUY:
        if units * position.asset.strike > matching.account().buying_power:
            raise Refused("buying_power", 403, 40310000, "insufficient buying power")
        return
    held = matching.position(underlying.symbol)
    available = ZERO if held is None or held.side is Side.SELL else held.available_qty
    if available < units:
        message = f"insufficient qty available for order (requested: {units}, available: {available})"
        raise Refused("insufficient_qty", 403, 40310000, message)
