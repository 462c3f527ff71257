"""Rounds of comparison: a snapshot of the broker's books beside ours, and what is made of the difference.

A snapshot is several answers, read one after the other while the market goes on, from servers that may lag. So one
difference proves nothing. What is touched since the round began is not judged; what is told of orders goes through the
same join as everything; and a position that differs has to differ by the same twice, in two rounds with nothing
between them, before anything is put down to anybody. Only what cannot be a race is believed at once: a symbol that we
have never had to do with, a fee in coins when no order is open that could have moved the position, and what executions
of others took from a strategy (`foreign`).

What an adjustment took from a strategy is given back first if it turns up again soon (`RETURN_NS`), and at once if an
execution of ours turns out to have been the reason (`Telling`): so a lagging or an empty answer, even one that was
given twice, costs a strategy nothing in the end.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from attrs import define, field

from engine.core.blotter.books import Books
from engine.core.blotter.comparing import fee_in_kind, share_out
from engine.core.blotter.executions import bought_coins, symbols_of
from engine.core.blotter.foreign import losses_of, transfers_of
from engine.core.blotter.subledgers import UNCLAIMED
from engine.core.blotter.telling import Telling, unmatched
from engine.core.lifecycle import rounded_price
from engine.model.account import HeldPosition
from engine.model.entry import Adjusted
from engine.model.instant import NS_PER_S
from engine.model.intent import Snapshot
from engine.model.order import ZERO, Fill

RETURN_NS: Final = 600 * NS_PER_S
"""How long what was taken from a strategy is given back to it when it turns up again: ten minutes are longer than an
outage of reads, and shorter than what a person does by hand on purpose."""

Changes: TypeAlias = Mapping[str, Decimal]


@define
class Rounds:
    """What the rounds before saw."""

    _seen: dict[str, tuple[int, Changes]] = field(factory=dict)
    """Differences that nothing was made of yet, by symbol: when, by the count of the fence, and what it would be."""

    def take(self, books: Books, telling: Telling, snapshot: Snapshot, mark: int) -> None:
        """Take a snapshot that was asked for behind ``mark``."""
        fence = books.fence
        told = {position.symbol: position for position in snapshot.positions}
        busy = {symbol for symbol in {*told, *books.ledgers.symbols()} if not fence.symbol_quiet(symbol, mark)}
        unmatched_before = [name for name in books.unmatched if fence.order_quiet(name, mark)]
        for order in snapshot.orders:
            known = books.tickets.by_order_id(order.id)
            name = known.client_order_id if known is not None else order.client_order_id
            telling.take_order(order, settled=fence.order_quiet(name, mark))
        for fill in snapshot.fills:
            telling.take_fill(fill)
        _doubt_unlisted(books, telling, snapshot, mark)
        for name in unmatched_before:
            if name in books.unmatched and (ticket := books.tickets.get(name)) is not None:
                telling.doubt(unmatched(ticket))
        moving = {symbol for ticket in books.tickets.open() for symbol in symbols_of(ticket)}
        for symbol in sorted({*told, *books.ledgers.symbols()}):
            if symbol in busy:
                self._seen.pop(symbol, None)
            else:
                comparison = _Comparison(
                    books, telling, symbol, told.get(symbol), snapshot.asked_ns, snapshot.told_ns, symbol in moving
                )
                self._judge(comparison, mark)

    def _judge(self, comparison: "_Comparison", mark: int) -> None:
        symbol, changes = comparison.symbol, comparison.changes()
        if not changes or comparison.transfer(changes):
            self._agree(comparison)
            return
        fees = comparison.fees()
        since, seen = self._seen.get(symbol, (0, {}))
        again = seen == changes and since < mark and comparison.books.fence.symbol_quiet(symbol, since)
        if again or (fees and not comparison.moving) or comparison.is_new:
            if fees:
                comparison.charge(fees)
            else:
                comparison.adjust(changes)
            self._agree(comparison)
        else:
            comparison.doubt()
            self._seen[symbol] = (comparison.books.fence.count, changes)

    def _agree(self, comparison: "_Comparison") -> None:
        self._seen.pop(comparison.symbol, None)
        comparison.books.unpaid.pop(comparison.symbol, None)


@define
class _Comparison:
    """One symbol, here and there."""

    books: Books
    telling: Telling
    symbol: str
    told: HeldPosition | None
    asked_ns: int
    told_ns: int
    moving: bool
    """Whether an order is open that may have moved the position since it was read, or before."""

    @property
    def qty(self) -> Decimal:
        """The broker's."""
        return ZERO if self.told is None else self.told.qty

    @property
    def is_new(self) -> bool:
        """Whether this symbol was never seen here, so that it can only be somebody else's."""
        return self.symbol not in self.books.ledgers.symbols() and not self.moving

    def changes(self) -> dict[str, Decimal]:
        """What would have to change in whose line."""
        shares = self.books.ledgers.shares(self.symbol)
        return share_out(self.qty, shares, {name: -self._taken(name) for name in shares if name != UNCLAIMED})

    def fees(self) -> dict[str, Decimal]:
        """What each purchase of coins paid, if that is what is missing."""
        return fee_in_kind(self.books.ledgers.account_qty(self.symbol) - self.qty, self._unpaid())

    def charge(self, fees: Mapping[str, Decimal]) -> None:
        """Book fees in kind with the executions that they were paid for."""
        coin = self.symbol.partition("/")[0]
        for name in tuple(self.books.unpaid.get(self.symbol, ())):
            ticket = self.books.tickets.get(name)
            if ticket is not None:
                due = {fill.execution_id: fees[fill.execution_id] for fill in ticket.fills if fill.execution_id in fees}
                self.telling.charge(ticket, due, coin)

    def adjust(self, changes: Changes) -> None:
        """Book the difference, each part of it with a reason, and say so."""
        shares = self.books.ledgers.shares(self.symbol)
        for strategy, change in sorted(changes.items()):
            before = shares.get(strategy, ZERO)
            why = self._why(strategy, before, before + change)
            self.telling.adjust(
                Adjusted(
                    id=f"{self.symbol}/{strategy}/{self.told_ns}/{before}>{before + change}",
                    strategy=strategy,
                    symbol=self.symbol,
                    qty=change,
                    price=self._price(strategy, change),
                    at_ns=self.asked_ns,
                    why=why,
                )
            )
            self.telling.report(why)

    def transfer(self, changes: Changes) -> bool:
        """Take from strategies what executions of others explain, if there is as much in all as the broker says."""
        ledgers = self.books.ledgers
        if ledgers.account_qty(self.symbol) != self.qty:
            return False
        losses = losses_of(self.books.tickets, self.symbol, changes)
        after = {name: ledgers.position(name, self.symbol).qty + change for name, change in changes.items()}
        transfers = transfers_of(losses, after, self.told_ns, self.asked_ns)
        for adjusted in transfers:
            self.telling.adjust(adjusted)
        for why in dict.fromkeys(adjusted.why for adjusted in transfers):
            self.telling.report(why)
        return bool(transfers)

    def doubt(self) -> None:
        """It differs, and may only look so."""
        ours = self.books.ledgers.account_qty(self.symbol)
        self.telling.doubt(
            f"{self.symbol}: the broker holds {self.qty} and the books here {ours}; it counts if it is said again"
            if ours != self.qty
            else f"{self.symbol}: what strategies hold is no longer there: {self.qty} are, with what others traded"
        )

    def _unpaid(self) -> tuple[Fill, ...]:
        names = self.books.unpaid.get(self.symbol, {})
        tickets = [ticket for name in names if (ticket := self.books.tickets.get(name)) is not None]
        return tuple(fill for ticket in tickets for fill in bought_coins(ticket.fills))

    def _recent(self, strategy: str) -> tuple[Adjusted, ...]:
        return self.books.ledgers.unexplained(strategy, self.symbol, self.asked_ns - RETURN_NS)

    def _taken(self, strategy: str) -> Decimal:
        """What adjustments of late did to a strategy's share."""
        return sum((adjusted.qty for adjusted in self._recent(strategy)), ZERO)

    def _price(self, strategy: str, change: Decimal) -> Decimal:
        """What a difference is booked at: what was taken comes back at what it was taken for, so nobody earns by it."""
        if strategy != UNCLAIMED and self._taken(strategy) * change < 0:
            return self._recent(strategy)[-1].price
        held = self.books.ledgers.position(strategy, self.symbol).entry_price
        if self.told is None:
            return rounded_price(held)
        first, second = self.told.entry_price, self.told.price
        return rounded_price((first if strategy == UNCLAIMED and not held else second) or first or held)

    def _why(self, strategy: str, before: Decimal, after: Decimal) -> str:
        if strategy == UNCLAIMED:
            return f"{self.symbol}: {after} of the broker's {self.qty} belong to no strategy here ({before} before)."
        return (
            f"{self.symbol}: strategy {strategy} holds {after} instead of {before}, because the broker holds "
            f"{self.qty} and no order explains the difference."
        )


def _doubt_unlisted(books: Books, telling: Telling, snapshot: Snapshot, mark: int) -> None:
    """Orders that are open here and that the broker did not speak of. What it said nothing of is not changed."""
    listed = {order.id for order in snapshot.orders}
    for ticket in books.tickets.open():
        order, name = ticket.order, ticket.client_order_id
        if order is not None and order.id not in listed and books.fence.order_quiet(name, mark):
            told = "does not know it" if name in snapshot.absent else "did not list it"
            telling.doubt(f"order {order.id} ({order.symbol}) is {order.status} here, and the broker {told}")
