"""Everything that can refuse an order before it is sent, in one place and in a fixed order.

First the kill switch, since it is about all orders, and whether a person paused the strategy; then the venue's own
rules, whose words a person can look up; then whether the order could meet another one of this account; then what the
account certainly cannot do; then the limits of the strategy and of the account, measured on the order as it would be
sent. What takes risk away passes the switch, a pause and the limits, and is not let through wrong: the venue's rules
hold for it too.

Nothing here waits. An answer is good until the next ``await`` of whoever asked.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

import trio
from attrs import define, evolve, field, frozen

from engine.core.calendar import new_york
from engine.core.risk.crossing import Sides, keep_apart
from engine.core.risk.limits import NO_LIMITS, Breach, Limits, adds_risk, check_conduct, check_limits
from engine.core.rules import Refused, check_legs, check_request
from engine.errors import KillSwitchTripped, LimitReached, OrderRefused
from engine.flow.account.killswitch import ACCOUNT, KillSwitch
from engine.flow.risk.exposure import Ledgers, Measurer, Pricer, Tally, units_of
from engine.flow.risk.pauses import PAUSED, Pauses
from engine.flow.risk.standing import check_standing, nothing_read
from engine.model.account import Asset
from engine.model.intent import Purpose, Snapshot, Ticket
from engine.model.order import Order, OrderClass, OrderRequest, OrderStatus
from engine.ports import Clock

FRESH_S: Final = 5.0
"""Market seconds. A rule that measures an order against the market, and a market order that is made a limit order, go
by a price or a quote no older than this: the venue goes by its own, and with an older one we would refuse, or miss,
what the market has left behind."""


@frozen(kw_only=True)
class Vetted:
    """An order that may be sent: as asked for, or changed so that it cannot meet another order of the account.

    ``clash``: the order that has to end first, ``None`` where nothing is in the way. ``adds_risk`` is by the
    strategy's own books.
    """

    request: OrderRequest
    clash: Order | None = None
    adds_risk: bool = True


@define(eq=False, kw_only=True)
class Vet:
    """Asked before each send, and again after each wait.

    ``standing`` is the broker's books as last read, ``None`` once they may be others: what the account can afford and
    may sell short is refused by them where that is certain, and is the venue's to decide otherwise (`standing.py`).
    """

    blotter: Ledgers
    marks: Pricer
    switch: KillSwitch
    clock: Clock
    account_limits: Limits
    strategy_limits: Mapping[str, Limits]
    standing: Callable[[], Snapshot | None] = nothing_read
    pauses: Pauses = field(factory=Pauses)
    _tally: Tally = field(factory=Tally, init=False)
    _measurer: Measurer = field(init=False)
    _day: date | None = field(default=None, init=False)
    """The day whose profit is counted; ``None`` while it could not begin."""

    def __attrs_post_init__(self) -> None:
        self._measurer = Measurer(self.blotter, self.marks, self._tally)

    def check(
        self,
        strategy: str,
        request: OrderRequest,
        purpose: Purpose,
        asset: Asset | None,
        *,
        legs: Mapping[str, Asset] | None = None,
        replaces: Order | None = None,
    ) -> Vetted:
        """Say how the order may be sent; raises `KillSwitchTripped`, `LimitReached` or another `OrderRefused`.

        ``asset`` is what the symbol names, ``None`` if nothing; ``legs`` are the contracts of a multi-leg order by
        symbol. ``replaces`` is the order that ``request`` would take the place of
        (`engine.core.rules.standing.request_after`): it does not count beside it.
        """
        risky = self.adds_risk(strategy, request, replaces)
        if risky and purpose is not Purpose.KILL and (reason := self.switch.tripped(strategy)):
            raise KillSwitchTripped(
                f"{strategy}: the order for {request.symbol or 'several legs'} adds risk, and the kill switch is "
                f"tripped: {reason} 'gapless kill --reset' resets it.",
                rule="kill_switch",
            )
        if risky and purpose is not Purpose.KILL and (by := self.pauses.by(strategy)):
            raise OrderRefused(
                f"{strategy}: the order for {request.symbol or 'several legs'} adds risk, and {by} paused this "
                "strategy; its way out is open.",
                rule=PAUSED,
            )
        self._check_rules(request, asset, legs)
        sent, clash = self._keep_apart(request, asset, replaces, risky=risky)
        if sent is not request:
            self._check_rules(sent, asset, legs)
        if purpose is Purpose.ENTRY and asset is not None and clash is None and replaces is None:
            self._check_means(sent, asset)
        if risky and purpose is not Purpose.KILL:
            self._check_limits(strategy, sent, asset, replaces)
        return Vetted(request=sent, clash=clash, adds_risk=risky)

    def adds_risk(self, strategy: str, request: OrderRequest, replaces: Order | None = None) -> bool:
        """Whether the order adds risk by the strategy's own books, whatever of its open orders is filled first."""
        if self._measurer.by_dollars(strategy, request.symbol):
            return True
        held = self._measurer.held(strategy, request.symbol)
        return adds_risk(_left(request, replaces), held, *self._measurer.working(strategy, request.symbol, replaces))

    def count(self, strategy: str) -> None:
        """An order is being sent: call it when its intent is made, with nothing awaited since `check`."""
        for scope in (strategy, ACCOUNT):
            self._tally.count(scope, self.clock.now_ns())

    async def learn_price(self, strategy: str, symbol: str) -> None:
        """Before the first `check` of an order: looks a price up where a limit needs one. The caller bounds it."""
        await trio.lowlevel.checkpoint()
        if symbol and any(_needs_price(limits) for limits in (self._limits(strategy), self.account_limits)):
            await self.marks.look_up(symbol)

    def note(self, strategy: str, ok: bool, client_order_id: str = "") -> None:
        """The venue took an order (True) or refused it (False); too many refusals in a row trip the switch.

        May be told again of an order, by its id, and with another verdict: what was taken may be rejected late. A yes
        without an id is only a reply, which says nothing of that yet, and is not counted. Only the venue's own
        answers count: what is refused here was never sent.
        """
        if ok and not client_order_id:
            return
        for scope, limits in ((strategy, self._limits(strategy)), (ACCOUNT, self.account_limits)):
            if not self._tally.note(scope, ok, client_order_id) or ok:
                continue
            breach = check_conduct(limits, scope, self._tally.rejects(scope), None)
            if breach is not None:
                self._tally.forgive(scope)
                self._trip(scope, breach)

    def check_day(self) -> None:
        """Measure today's losses and trip the switch where there were too many; after fills and every second or so.

        A day begins at midnight in New York, for crypto too. Until a price is known of everything that was held then,
        today's profit is not known, and a limit on it lets nothing be opened.
        """
        today = new_york(self.clock.now_ns()).date()
        if today != self._day:
            self._day = today if self._measurer.start_day(today) else None
        for strategy in sorted(self.strategy_limits):
            self._check_loss(strategy, strategy, self.strategy_limits[strategy])
        self._check_loss(None, ACCOUNT, self.account_limits)

    def profit(self, strategy: str) -> Decimal | None:
        """A strategy's profit since midnight in New York in dollars, realized and unrealized, less fees.

        ``None`` when a price is missing that it takes, now or when the day began to be counted.
        """
        return None if self._day is None else self._measurer.profit(strategy)

    def _check_loss(self, strategy: str | None, scope: str, limits: Limits) -> None:
        if limits.loss_per_day is None or self._day is None or self.switch.tripped(scope):
            return
        breach = check_conduct(limits, scope, None, self._measurer.profit(strategy))
        if breach is not None:
            self._trip(scope, breach)

    def _trip(self, scope: str, breach: Breach) -> None:
        self.switch.trip_nowait(scope, breach.sentence, f"limit {breach.limit}")

    def _limits(self, strategy: str) -> Limits:
        return self.strategy_limits.get(strategy, NO_LIMITS)

    def _check_rules(self, request: OrderRequest, asset: Asset | None, legs: Mapping[str, Asset] | None) -> None:
        """The venue's rules that need neither the account nor its other orders."""
        now_ns = self.clock.now_ns()
        try:
            check_request(request, asset, now_ns, self._fresh_price(request))
            if request.order_class is OrderClass.MLEG and legs is not None:
                check_legs(request, legs, now_ns)
        except Refused as error:
            raise _refusal(request, error) from None

    def _check_means(self, request: OrderRequest, asset: Asset) -> None:
        try:
            check_standing(request, asset, self.standing(), self._measurer, self._fresh_price(request))
        except Refused as error:
            raise _refusal(request, error) from None

    def _fresh_price(self, request: OrderRequest) -> Decimal | None:
        mark = self.marks.price(request.symbol) if request.symbol else None
        return mark[0] if mark is not None and mark[1] <= FRESH_S else None

    def _keep_apart(
        self, request: OrderRequest, asset: Asset | None, replaces: Order | None, *, risky: bool
    ) -> tuple[OrderRequest, Order | None]:
        """The order as it may be sent, and what has to end before it.

        A way out does not wait for orders that nobody knows of: if one of them is there, the venue says so.
        """
        if not request.symbol:
            return request, None
        tickets = self.blotter.open_tickets(symbol=request.symbol)
        others = [
            order
            for order in (presumed(ticket) if risky else ticket.order for ticket in tickets)
            if order is not None and (replaces is None or order.id != replaces.id)
        ]
        quote = self.marks.quote(request.symbol)
        fresh = quote is not None and quote[2] <= FRESH_S and replaces is None  # a change cannot change the type
        sides = Sides(quote[0], quote[1]) if quote is not None and fresh else None
        held = self._measurer.held(None, request.symbol)
        amended, clash = keep_apart(request, others, held, sides, asset)
        if amended is not request and self._refused(amended, asset):
            return keep_apart(request, others, held, None, asset)
        return amended, clash

    def _refused(self, request: OrderRequest, asset: Asset | None) -> bool:
        """Whether the venue has a rule against the order as it was amended."""
        try:
            check_request(request, asset, self.clock.now_ns())
        except Refused:
            return True
        return False

    def _check_limits(self, strategy: str, request: OrderRequest, asset: Asset | None, replaces: Order | None) -> None:
        units = units_of(request.symbol) if asset is None else asset.multiplier
        now_ns = self.clock.now_ns()
        for owner, scope, limits in (
            (strategy, strategy, self._limits(strategy)),
            (None, ACCOUNT, self.account_limits),
        ):
            if limits == NO_LIMITS:
                continue
            exposure = self._measurer.exposure(owner, scope, request.symbol, limits, now_ns, replaces, units)
            if self._day is None:
                exposure = evolve(exposure, profit_today=None)
            breach = check_limits(limits, scope, _left(request, replaces), exposure)
            if breach is not None:
                if breach.trips:
                    self._trip(scope, breach)
                raise LimitReached(breach.sentence, rule=breach.limit)


def _refusal(request: OrderRequest, error: Refused) -> OrderRefused:
    numbers = "".join(f"; {name.replace('_', ' ')} {value}" for name, value in error.extra.items())
    return OrderRefused(
        f"{request.symbol or 'the order'}: {error.message} (rule {error.rule}{numbers}; not sent)",
        rule=error.rule,
        status=error.status,
        code=error.code,
        extra=error.extra,
    )


def _needs_price(limits: Limits) -> bool:
    needing = (limits.order_notional, limits.position_notional, limits.gross_notional, limits.data_age_s)
    return any(limit is not None for limit in needing)


def _left(request: OrderRequest, replaces: Order | None) -> OrderRequest:
    """What of a changed order is still to be filled: the fills of the old one count as the new one's."""
    if replaces is None or request.qty is None:
        return request
    return evolve(request, qty=request.qty - replaces.filled_qty)


def presumed(ticket: Ticket) -> Order | None:
    """The order of a ticket; of one that nobody has answered yet, what it would be at the venue."""
    if ticket.order is not None or ticket.intent is None:
        return ticket.order
    request = ticket.intent.request
    return Order(
        id="",
        client_order_id=ticket.client_order_id,
        symbol=request.symbol,
        asset_id="",
        asset_class=None,
        side=request.side,
        type=request.type,
        time_in_force=request.time_in_force,
        status=OrderStatus.PENDING_NEW,
        order_class=request.order_class,
        qty=request.qty,
        notional=request.notional,
        limit_price=request.limit_price,
        stop_price=request.stop_price,
    )
