"""What is read of an order comes out of its ticket, wherever that is."""

from decimal import Decimal

from engine.model.intent import Ticket
from engine.model.order import ZERO, Fill, Order, OrderStatus, Side


def is_open(ticket: Ticket) -> bool:
    """Whether something can still happen: also to a replaced order whose successor was not told of yet."""
    replaced = ticket.order is not None and ticket.order.status is OrderStatus.REPLACED
    return ticket.open or replaced


class OrderView:
    """What can be read of an order, whoever holds it: the desk, a journal that is written, one that is read."""

    __slots__ = ()

    @property
    def ticket(self) -> Ticket:
        """Everything known of it now."""
        raise NotImplementedError

    @property
    def order(self) -> Order | None:
        return self.ticket.order

    @property
    def id(self) -> str:
        order = self.order
        return "" if order is None else order.id

    @property
    def symbol(self) -> str:
        ticket = self.ticket
        if ticket.order is not None:
            return ticket.order.symbol
        return "" if ticket.intent is None else ticket.intent.request.symbol

    @property
    def side(self) -> Side:
        ticket = self.ticket
        if ticket.order is not None and ticket.order.side is not None:
            return ticket.order.side
        return Side.BUY if ticket.intent is None else ticket.intent.request.side

    @property
    def status(self) -> OrderStatus | None:
        order = self.order
        return None if order is None else order.status

    @property
    def filled_qty(self) -> Decimal:
        order = self.order
        return ZERO if order is None else order.filled_qty

    @property
    def filled_price(self) -> Decimal | None:
        order = self.order
        return None if order is None else order.filled_avg_price

    @property
    def fills(self) -> tuple[Fill, ...]:
        return self.ticket.fills

    @property
    def open(self) -> bool:
        return is_open(self.ticket)
