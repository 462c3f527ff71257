"""What is on its way to the market and when it arrives: orders, cancels and replacements, each after its latency."""

from decimal import Decimal
from enum import Enum, auto
from heapq import heappop, heappush

from attrs import define, field, frozen

from engine.model.order import ZERO


class Step(Enum):
    """What arrives."""

    ORDER = auto()
    REJECTION = auto()
    """In the place of an order: it was taken, and the market does not take it."""
    CANCEL = auto()
    REPLACEMENT = auto()


@frozen(order=True)
class Due:
    """One arrival. ``number`` keeps what is due at the same instant in the order in which it was sent.

    ``total_qty`` belongs to replacements: what the order and those before it shall have filled in all.
    """

    due_ns: int
    number: int
    step: Step = field(order=False)
    order_id: str = field(order=False)
    total_qty: Decimal = field(order=False, default=ZERO)


@define
class Agenda:
    """Arrivals by time. Bounded like the open orders: each has one arrival, one cancel and one replacement at most."""

    _heap: list[Due] = field(factory=list)
    _sent: int = 0

    @property
    def next_ns(self) -> int | None:
        """When the next one is due, ``None`` when nothing is on its way."""
        return self._heap[0].due_ns if self._heap else None

    def send(self, due_ns: int, step: Step, order_id: str, total_qty: Decimal = ZERO) -> None:
        """Something leaves for the market and arrives at ``due_ns``."""
        self._sent += 1
        heappush(self._heap, Due(due_ns, self._sent, step, order_id, total_qty))

    def pop(self) -> Due:
        """The next arrival; `IndexError` when there is none."""
        return heappop(self._heap)
