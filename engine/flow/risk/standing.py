"""Holding the broker's books, as they were last read, against an order: only where nothing makes them doubtful.

What the account can afford and may sell short is the venue's to say, and it says so. To refuse the same here is worth
something (no request, no reject in the row, the numbers in the sentence) as long as it is never refused wrongly. So
it is looked at only for an order that opens a position by the broker's books and by ours, with no open order that could
change that before it arrives; and `engine.core.risk.means` refuses only what is certain. Where anything is open to
doubt, the venue decides.
"""

from decimal import Decimal

from engine.core.risk.means import Means, check_means
from engine.flow.risk.exposure import Measurer
from engine.model.account import Asset
from engine.model.intent import Snapshot
from engine.model.order import OrderRequest, Side


def nothing_read() -> Snapshot | None:
    """The books of an account that was not read."""
    return None


def check_standing(
    request: OrderRequest, asset: Asset, books: Snapshot | None, measurer: Measurer, price: Decimal | None
) -> None:
    """Raise `Refused` for what the account certainly cannot do.

    ``books`` is ``None`` unless nothing was filled or ended since they were read. ``price`` is what one costs now.
    """
    if books is None or books.account is None or not _opens(request, books, measurer):
        return
    still = not books.positions and not measurer.blotter.open_tickets()
    check_means(request, asset, Means(account=books.account, still=still, price=price))


def _opens(request: OrderRequest, books: Snapshot, measurer: Measurer) -> bool:
    """Whether there is nothing that it could close, whatever of the open orders is filled first."""
    symbol = request.symbol
    held = measurer.held(None, symbol)
    told = sum(position.qty for position in books.positions if position.symbol == symbol)
    bought, sold = measurer.working(None, symbol)
    against = sold if request.side is Side.BUY else bought
    return held == told and held * request.side.sign >= 0 and not against and not measurer.by_dollars(None, symbol)
