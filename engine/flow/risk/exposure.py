"""What one strategy, or the whole account, has at stake: the books and the prices joined into one `Exposure`.

What nobody knows is left unknown here and never guessed: a position of which no price is known makes the sum unknown,
and the limits then refuse.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import takewhile
from typing import Final, Protocol

from attrs import define, field

from engine.core.blotter.subledgers import UNCLAIMED
from engine.core.risk.limits import PRICE_AGE_MAX_S, Exposure, Limits
from engine.core.rules.options import names_contract
from engine.core.target import covered
from engine.model.account import StrategyPosition
from engine.model.instant import NS_PER_S
from engine.model.intent import Ticket
from engine.model.order import ZERO, Order, Side

MINUTE_NS: Final = 60 * NS_PER_S
COUNTED_MAX: Final = 100_000
"""Instants kept for counting orders a minute: no limit is set above it."""
VERDICTS_MAX: Final = 1_000
"""Orders whose verdict is kept for counting refusals in a row: no limit on them is near it, and one that is rejected
after so many others were sent is no news about what the venue thinks of the next."""
CONTRACT_UNITS: Final = Decimal(100)
"""Shares in one standard option contract."""


class Ledgers(Protocol):
    """What is read of the books (`engine.core.blotter.Blotter`)."""

    def position(self, strategy: str, symbol: str) -> StrategyPosition: ...

    def positions(self, strategy: str) -> Mapping[str, StrategyPosition]: ...

    def account_position(self, symbol: str) -> Decimal: ...

    def strategies(self) -> tuple[str, ...]: ...

    def open_tickets(self, strategy: str | None = None, symbol: str | None = None) -> tuple[Ticket, ...]: ...

    def working(
        self, symbol: str, strategy: str | None = None, *, price: Decimal | None = None
    ) -> tuple[Decimal, Decimal]: ...

    def profit(self, strategy: str | None, prices: Mapping[str, Decimal]) -> Decimal | None: ...

    def start_day(self, day: date, prices: Mapping[str, Decimal]) -> None: ...


class Pricer(Protocol):
    """What is read of prices (`engine.flow.account.marks.Marks`)."""

    def price(self, symbol: str) -> tuple[Decimal, float] | None: ...

    def quote(self, symbol: str) -> tuple[Decimal, Decimal, float] | None: ...

    def prices(self) -> Mapping[str, Decimal]: ...

    async def look_up(self, symbol: str) -> None: ...


@define(eq=False)
class Tally:
    """What was sent within the last minute and what the venue refused in a row, by scope.

    An order that was taken may be rejected later, when others were taken already. So the verdict of each is kept at its
    place in the row, and turned over there.
    """

    _sent_ns: dict[str, deque[int]] = field(factory=dict)
    _verdicts: dict[str, dict[str, bool]] = field(factory=dict)
    _unnamed: int = 0

    def count(self, scope: str, now_ns: int) -> None:
        """An order is being sent."""
        self._sent_ns.setdefault(scope, deque(maxlen=COUNTED_MAX)).append(now_ns)

    def sent(self, scope: str, now_ns: int) -> int:
        """Orders that were sent within the last minute."""
        instants = self._sent_ns.get(scope, deque())
        while instants and instants[0] <= now_ns - MINUTE_NS:
            instants.popleft()
        return len(instants)

    def note(self, scope: str, ok: bool, client_order_id: str = "") -> bool:
        """Take in the verdict on an order, or on a new one where no id is given; whether it is news."""
        verdicts = self._verdicts.setdefault(scope, {})
        if not client_order_id:
            self._unnamed += 1
            client_order_id = f"#{self._unnamed}"
        if verdicts.get(client_order_id) is ok:
            return False
        verdicts[client_order_id] = ok
        if len(verdicts) > VERDICTS_MAX:
            del verdicts[next(iter(verdicts))]
        return True

    def rejects(self, scope: str) -> int:
        """Refusals in a row: of the newest orders, as far back as all of them were refused."""
        verdicts = self._verdicts.get(scope, {})
        return sum(1 for _ in takewhile(lambda ok: not ok, reversed(verdicts.values())))

    def forgive(self, scope: str) -> None:
        """The row was acted upon; the next one begins at nought."""
        self.note(scope, True)


@define(eq=False)
class Measurer:
    """Reads exposures. A ``strategy`` of ``None`` is the account."""

    blotter: Ledgers
    marks: Pricer
    tally: Tally

    def exposure(
        self,
        strategy: str | None,
        scope: str,
        symbol: str,
        limits: Limits,
        now_ns: int,
        replaces: Order | None = None,
        multiplier: Decimal = Decimal(1),
    ) -> Exposure:
        """Everything that these limits need of one order's symbol and of all others."""
        mark = self.marks.price(symbol) if symbol else None
        buys, sells = self.working(strategy, symbol, replaces)
        needs_gross, needs_profit = limits.gross_notional is not None, limits.loss_per_day is not None
        return Exposure(
            position=self.held(strategy, symbol),
            working_buy=buys,
            working_sell=sells,
            price=None if mark is None else mark[0],
            price_age_s=None if mark is None else mark[1],
            multiplier=multiplier,
            gross_notional=self._gross(strategy, limits) if needs_gross else None,
            orders_last_minute=self.tally.sent(scope, now_ns),
            rejects_in_row=self.tally.rejects(scope),
            profit_today=self.profit(strategy) if needs_profit else None,
        )

    def held(self, strategy: str | None, symbol: str) -> Decimal:
        """The position, signed; of a strategy what others have not taken from it (`covered`): beyond that it opens."""
        if strategy is None:
            return self.blotter.account_position(symbol)
        return covered(self.blotter.position(strategy, symbol).qty, self.blotter.position(UNCLAIMED, symbol).qty)

    def working(self, strategy: str | None, symbol: str, replaces: Order | None = None) -> tuple[Decimal, Decimal]:
        """What open orders may still buy and sell, without the one that is to be replaced; those by dollars at the
        last price."""
        mark = self.marks.price(symbol) if symbol else None
        buys, sells = self.blotter.working(symbol, strategy, price=None if mark is None else mark[0])
        if replaces is None or replaces.symbol != symbol:
            return buys, sells
        left = max(replaces.left_qty, ZERO)
        if replaces.side is Side.BUY:
            return max(buys - left, ZERO), sells
        return buys, max(sells - left, ZERO)

    def by_dollars(self, strategy: str | None, symbol: str) -> bool:
        """Whether an open order is by dollars: then nobody knows how much it will buy or sell."""
        return any(
            (ticket.order is not None and ticket.order.qty is None)
            or (ticket.order is None and ticket.intent is not None and ticket.intent.request.qty is None)
            for ticket in self.blotter.open_tickets(strategy, symbol)
        )

    def profit(self, strategy: str | None) -> Decimal | None:
        """Today's profit in dollars; ``None`` where a price that it needs is missing."""
        return self.blotter.profit(strategy, self.marks.prices())

    def start_day(self, day: date) -> bool:
        """Begin to count a day's profit, once a price is known of all that is held: those are what it counts from."""
        prices = self.marks.prices()
        held = {symbol for owner in (*self.blotter.strategies(), "") for symbol in self.blotter.positions(owner)}
        if not held <= prices.keys():
            return False
        self.blotter.start_day(day, prices)
        return True

    def _gross(self, strategy: str | None, limits: Limits) -> Decimal | None:
        """The worth of everything held, with what open orders may make of it."""
        age_max_s = limits.data_age_s or PRICE_AGE_MAX_S
        total = ZERO
        for symbol in self._symbols(strategy):
            held = self.held(strategy, symbol)
            buys, sells = self.working(strategy, symbol)
            most = max(abs(held + buys), abs(held - sells))
            if not most:
                continue
            mark = self.marks.price(symbol)
            if mark is None or not mark[1] <= age_max_s:
                return None
            total += most * mark[0] * units_of(symbol)
        return total

    def _symbols(self, strategy: str | None) -> list[str]:
        """Every symbol that is held or worked, sorted."""
        owners: Iterable[str] = (*self.blotter.strategies(), "") if strategy is None else (strategy,)
        found = {symbol for owner in owners for symbol in self.blotter.positions(owner)}
        for ticket in self.blotter.open_tickets(strategy):
            if ticket.order is not None:
                found.add(ticket.order.symbol)
            elif ticket.intent is not None:
                found.add(ticket.intent.request.symbol)
        return sorted(found - {""})


def units_of(symbol: str) -> Decimal:
    """Units of the underlying in one: a hundred shares in a contract, else 1."""
    return CONTRACT_UNITS if names_contract(symbol) else Decimal(1)
