"""Messages of the account stream: an order, what was executed, and what is held after it, told in one.

That makes three figures that have to agree: the execution, the order's filled quantity, and the position. What does
not agree is a doubt, with one exception: coins that were bought and are not all there were taken as a fee.
"""

from decimal import Decimal

from engine.core.blotter.comparing import fee_in_kind
from engine.core.blotter.executions import bought_coins
from engine.core.blotter.telling import Telling
from engine.model.order import Fill, OrderChange, OrderUpdate


def tell_update(telling: Telling, update: OrderUpdate) -> None:
    """Tell what an update says."""
    telling.take_order(update.order)
    fills = update.leg_fills or ((update.fill,) if update.fill is not None else ())
    news = [fill for fill in fills if telling.take_fill(fill, of_leg=bool(update.leg_fills))]
    if update.change is OrderChange.RESTATED:
        telling.doubt(f"order {update.order.id} ({update.order.symbol}) was restated by the venue")
    for fill in news:
        told = update.position_qty if update.position_qtys is None else update.position_qtys.get(fill.symbol)
        if told is not None:
            _check_position(telling, fill, told)


def _check_position(telling: Telling, fill: Fill, told: Decimal) -> None:
    books = telling.books
    missing = books.ledgers.account_qty(fill.symbol) - told
    if not missing:
        return
    ticket = books.tickets.by_order_id(fill.order_id)
    fees = fee_in_kind(missing, bought_coins((fill,)))
    if fees and ticket is not None:
        telling.charge(ticket, fees, fill.symbol.partition("/")[0])
    else:
        ours = told + missing
        telling.doubt(
            f"{fill.symbol}: {told} are held after execution {fill.execution_id}, and {ours} in the books here"
        )
