"""What is written into the file of orders, one entry for each fact: enough to begin again after any end.

The file is the memory of a `engine.core.blotter.Blotter` and of what strategies save. Entries are facts and not
changes of facts: writing one twice is the same as writing it once, so a write that was cut off can be made again.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

from attrs import frozen

from engine.model.account import AccountFee, StrategyPosition
from engine.model.intent import Intent, Ticket


@frozen(kw_only=True)
class Intended:
    """An order is about to be sent: synced before its first byte leaves."""

    intent: Intent


@frozen(kw_only=True)
class Stood:
    """How an order stands; replaces the entry before it of the same ``client_order_id``. Fills are in it."""

    ticket: Ticket


@frozen(kw_only=True)
class Adjusted:
    """A difference to the broker's positions that no order of ours explains, and what it was put down to.

    ``id`` is the same for the same difference, so that it is booked once. ``strategy`` is empty for what belongs to
    nobody here. ``why`` is a sentence.
    """

    id: str
    strategy: str
    symbol: str
    qty: Decimal
    price: Decimal
    at_ns: int
    why: str


@frozen(kw_only=True)
class Charged:
    """A fee of the account, and whose it is: ``shares`` by strategy come to its amount, "" for what is nobody's here.

    Booked at ``at_ns``, when it was told: a venue charges after the day, and that is when the dollars go. Replaces the
    entry before it of the same fee.
    """

    fee: AccountFee
    shares: Mapping[str, Decimal]
    at_ns: int


@frozen(kw_only=True)
class Carried:
    """The line of a strategy's sub-ledger after all that is forgotten about older orders; see `Blotter.carry`."""

    strategy: str
    position: StrategyPosition
    upto_ns: int


@frozen(kw_only=True)
class Heard:
    """How far a source of executions was read: ``source`` is ``events`` or ``activities``, ``mark`` the id to go on
    behind. Of ``fees`` it is the instant that they count from, in nanoseconds: they are read again with an overlap."""

    source: str
    mark: str


@frozen(kw_only=True)
class Saved:
    """What a strategy keeps in ``ctx.state``: the whole of it, JSON values by name."""

    strategy: str
    values: Mapping[str, object]


Entry: TypeAlias = Intended | Stood | Adjusted | Charged | Carried | Heard | Saved


@frozen(kw_only=True)
class Remembered:
    """Everything that a file of orders holds, in the order in which it was first written.

    ``session`` names this run and is part of every client order id; no two runs on one file have the same.
    """

    session: str
    next_seq: Mapping[str, int]
    """By strategy: the first sequence number that was never used in this session."""
    intents: tuple[Intent, ...] = ()
    """Of orders that no `Stood` was written of."""
    tickets: tuple[Ticket, ...] = ()
    adjustments: tuple[Adjusted, ...] = ()
    charged: tuple[Charged, ...] = ()
    carried: tuple[Carried, ...] = ()
    heard: Mapping[str, str] = {}
    saved: Mapping[str, Mapping[str, object]] = {}
