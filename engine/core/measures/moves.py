"""What executions did to positions and cash, move by move: what every curve and every trade is made of."""

from collections.abc import Iterable
from decimal import Decimal, localcontext
from typing import Final

from attrs import field, frozen

from engine.core.blotter.executions import bookings_of, symbol_of
from engine.core.blotter.line import Booking
from engine.core.matching.money.holding import ROUNDED
from engine.model.intent import Ticket
from engine.model.order import ZERO

CONTRACT: Final = Decimal(100)
"""What a contract of options stands for."""
_ONE: Final = Decimal(1)
_CONTRACT_CHARS: Final = 15
"""An OCC symbol is a root and fifteen characters more; no stock and no pair is so long."""


@frozen(kw_only=True)
class Move:
    """One change of a position. All of it dollars but ``qty``, which is signed: what it did to the position.

    ``cash`` is what it brought (below 0 where it was paid), fees included; ``fee`` is that part of it that was a fee,
    and one in coins counts as what they cost. ``traded`` is the value that changed hands.
    """

    ts_ns: int
    strategy: str
    symbol: str
    qty: Decimal
    price: Decimal
    cash: Decimal
    fee: Decimal = ZERO
    traded: Decimal = ZERO
    opening: bool = False
    """Held when the session began: no execution of it."""


@frozen
class Moves:
    """The moves of a session, oldest first, and what was held before the first of them."""

    within: tuple[Move, ...] = ()
    before: dict[tuple[str, str], Decimal] = field(factory=dict)
    """By strategy and symbol: quantities that are not 0."""


def multiplier_of(symbol: str) -> Decimal:
    """How many units one of a symbol stands for."""
    option = len(symbol) > _CONTRACT_CHARS and symbol[-8:].isdigit() and "/" not in symbol
    return CONTRACT if option else _ONE


def moves_of(tickets: Iterable[Ticket], start_ns: int) -> Moves:
    """The moves of these orders from ``start_ns`` on. Orders that are nobody's here move nothing."""
    within: list[Move] = []
    before: dict[tuple[str, str], Decimal] = {}
    with localcontext(ROUNDED):
        for ticket in tickets:
            symbol = symbol_of(ticket)
            for booking in bookings_of(ticket).values() if ticket.strategy else ():
                if booking.ts_ns >= start_ns:
                    within.append(_move(ticket.strategy, symbol, booking))
                else:
                    place = (ticket.strategy, symbol)
                    before[place] = before.get(place, ZERO) + booking.net_qty
    within.sort(key=lambda move: (move.ts_ns, move.strategy, move.symbol))
    return Moves(tuple(within), {place: qty for place, qty in before.items() if qty})


def opening_move(strategy: str, symbol: str, qty: Decimal, price: Decimal, at_ns: int) -> Move:
    """What was held at the beginning, as if it had been bought then at its price: profit counts from there."""
    cash = -qty * price * multiplier_of(symbol)
    return Move(ts_ns=at_ns, strategy=strategy, symbol=symbol, qty=qty, price=price, cash=cash, opening=True)


def _move(strategy: str, symbol: str, booking: Booking) -> Move:
    worth = booking.qty * booking.price * multiplier_of(symbol)
    return Move(
        ts_ns=booking.ts_ns,
        strategy=strategy,
        symbol=symbol,
        qty=booking.net_qty,
        price=booking.price,
        cash=-worth - booking.fee,
        fee=booking.fee + booking.coins * booking.price * multiplier_of(symbol),
        traded=abs(worth),
    )
