"""What we decided about an order, written down before anybody is asked: the half of an order's truth that is ours.

The broker's half is `engine.model.order.Order`. Between the two stands the `Outcome`: what we know of whether the one
became the other.
"""

from enum import StrEnum

from attrs import frozen

from engine.model.account import Account, HeldPosition
from engine.model.order import Fill, Order, OrderRequest, ReplaceRequest


class Purpose(StrEnum):
    """Why an order is sent; it decides which gates it has to pass."""

    ENTRY = "entry"
    """It may add risk: it waits for readiness, and limits and the kill switch can stop it."""
    EXIT = "exit"
    """It only takes risk away, as far as could be told when it was made."""
    KILL = "kill"
    """Sent by the kill switch itself."""


class Outcome(StrEnum):
    """What we know of an order's way to the venue."""

    INTENDED = "intended"
    """On disk; nothing was sent yet, or nobody lived to write down that it was."""
    UNKNOWN = "unknown"
    """Sent, and not answered clearly. Only the broker can say."""
    TAKEN = "taken"
    """The venue has it: its `Order` says how it stands."""
    REFUSED = "refused"
    """The venue said no, and has no such order."""
    ABSENT = "absent"
    """It never reached the venue, which was asked, and will not be sent any more."""
    DROPPED = "dropped"
    """Never sent: too late, not ready, or stopped by the kill switch."""

    @property
    def open(self) -> bool:
        """Whether it is still to be found out."""
        return self in (Outcome.INTENDED, Outcome.UNKNOWN)


@frozen(kw_only=True)
class Intent:
    """An order as it was decided, with the id that makes sending it twice harmless.

    ``client_order_id`` is a function of session, strategy and ``seq`` (`engine.core.ids`). ``valid_until_ns`` is
    market time after which it is not sent, or sent again. ``replaces`` is the venue's id of the order that this one
    takes the place of, by ``change``; ``request`` is then what the order would be afterwards.
    """

    client_order_id: str
    strategy: str
    seq: int
    request: OrderRequest
    purpose: Purpose
    at_ns: int
    valid_until_ns: int
    replaces: str = ""
    change: ReplaceRequest | None = None


@frozen(kw_only=True)
class Ticket:
    """All that we know of one order. A snapshot: every change makes another one.

    ``intent`` is ``None`` for an order that somebody else placed on this account; ``strategy`` is then empty.
    ``fills`` are its executions in the order in which they happened, each once.
    """

    client_order_id: str
    strategy: str
    intent: Intent | None
    outcome: Outcome
    order: Order | None = None
    fills: tuple[Fill, ...] = ()
    reason: str = ""
    """Why it was refused, dropped or never arrived: a sentence."""
    sends: int = 0
    sent_ns: int = 0
    """When it was last sent, market time; 0 never."""

    @property
    def open(self) -> bool:
        """Whether something can still happen to it: also while nobody knows whether the venue has it."""
        if self.order is not None:
            return self.order.open
        return self.outcome.open


@frozen(kw_only=True)
class Snapshot:
    """The broker's books, as REST told them between ``asked_ns`` and ``told_ns``, market time.

    ``orders`` holds every open order, legs and held ones included, each beside its parent and not inside it, and those
    that were asked for by name. ``absent`` are the client order ids that the broker definitely does not know.
    ``fills`` are executions since the mark that was asked for, oldest first.
    """

    asked_ns: int
    told_ns: int
    orders: tuple[Order, ...]
    absent: frozenset[str] = frozenset()
    fills: tuple[Fill, ...] = ()
    positions: tuple[HeldPosition, ...] = ()
    account: Account | None = None
