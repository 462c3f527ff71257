"""Fees in dollars that the venue charges the account, and which strategy pays them.

An execution does not say what it cost. The account's activities do, later, and seldom for one order: Alpaca charges at
the end of the day, in one row, what all of a day's trades cost. So a fee is put down

- to the strategy of the order that the venue names, where it names one of ours, also when that is learnt later;
- else to whoever traded its symbol on its day, in proportion to the dollars sold (regulators and the crypto desk take
  theirs of sales), or bought where nothing was sold; what nobody here owns takes its part like a strategy;
- else to nobody.

The parts are whole cents and the first by name takes what is left, so they come to the fee exactly. A fee of a day is
shared by the executions that are known when it is told: read those first.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final

from attrs import define, field

from engine.core.blotter.line import Booking
from engine.core.blotter.subledgers import UNCLAIMED
from engine.core.calendar import NEW_YORK, instant_of, new_york
from engine.core.matching.money.holding import EXACT, ROUNDED
from engine.model.account import AccountFee
from engine.model.entry import Charged
from engine.model.instant import NS_PER_S
from engine.model.intent import Ticket
from engine.model.order import ZERO, Side

FEES_REMEMBERED_NS: Final = 7 * 24 * 3600 * NS_PER_S
"""How long a fee is known again after it was told: longer than anybody looks back for late ones, which is over a long
weekend."""
CENT: Final = Decimal("0.01")


def share_fee(
    fee: AccountFee, tickets: Iterable[Ticket], multiplier: Callable[[str], Decimal]
) -> Mapping[str, Decimal]:
    """By strategy, what each pays of a fee that belongs to no order of ours; all that these tickets filled counts."""
    dawn = datetime.combine(new_york(fee.ts_ns).date(), time(), NEW_YORK)
    dawn_ns, next_ns = instant_of(dawn), instant_of(dawn + timedelta(days=1))
    traded: dict[Side, dict[str, Decimal]] = {Side.BUY: {}, Side.SELL: {}}
    with localcontext(EXACT):
        for ticket in tickets:
            for fill in ticket.fills:
                if dawn_ns <= fill.ts_ns < next_ns and fee.symbol in ("", fill.symbol):
                    worth = traded[fill.side]
                    dollars = fill.qty * fill.price * multiplier(fill.symbol)
                    worth[ticket.strategy] = worth.get(ticket.strategy, ZERO) + dollars
    return _cut(fee.amount, traded[Side.SELL] or traded[Side.BUY])


def _cut(amount: Decimal, worth: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    with localcontext(ROUNDED):
        whole = sum(worth.values(), ZERO)
        if not whole:
            return {UNCLAIMED: amount}
        parts = {name: (amount * part / whole).quantize(CENT, ROUND_DOWN) for name, part in sorted(worth.items())}
    first, *others = parts
    with localcontext(EXACT):
        parts[first] = amount - sum((parts[name] for name in others), ZERO)
    return {name: part for name, part in parts.items() if part}


def fee_booking(charged: Charged, share: Decimal) -> Booking:
    """What a strategy's share of a fee is in its line: dollars, and nothing of the position."""
    return Booking(ts_ns=charged.at_ns, id=f"fee/{charged.fee.id}", qty=ZERO, price=ZERO, fee=share)


@define
class Charges:
    """The fees that were told, each once. Equal when they are shared alike."""

    _all: dict[str, Charged] = field(factory=dict)
    _of_order: dict[str, dict[str, None]] = field(factory=dict, eq=False)
    """Ids of fees by what the venue groups them by."""

    def get(self, fee_id: str) -> Charged | None:
        """How a fee is shared; ``None`` if it was never told."""
        return self._all.get(fee_id)

    def put(self, charged: Charged) -> None:
        """Keep how a fee is shared now."""
        self._all[charged.fee.id] = charged
        if charged.fee.order_id:
            self._of_order.setdefault(charged.fee.order_id, {})[charged.fee.id] = None

    def of_order(self, order_id: str) -> tuple[Charged, ...]:
        """The fees of an order, by the venue's id of it."""
        return tuple(self._all[fee_id] for fee_id in self._of_order.get(order_id, ()))

    def __iter__(self) -> Iterator[Charged]:
        return iter(self._all.values())

    def forget(self, upto_ns: int) -> tuple[Charged, ...]:
        """Let go of those that were told by then, and return them: what they are booked as stays."""
        gone = tuple(charged for charged in self if charged.at_ns <= upto_ns)
        for charged in gone:
            del self._all[charged.fee.id]
            others = self._of_order.get(charged.fee.order_id, {})
            others.pop(charged.fee.id, None)
            if not others:
                self._of_order.pop(charged.fee.order_id, None)
        return gone
