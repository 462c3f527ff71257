"""What an order passes between being asked for and being sent: readiness, rules, limits, age, price, and its twin.

Everything here may wait, and each wait is bounded by the order's own validity, because an order that was decided on a
price of ten seconds ago is another order. After the last wait all of it is looked at once more in one step, and the
intent is made in that same step: between the last look and the intent nobody else runs, so two orders cannot pass by
each other.
"""

from collections.abc import Mapping
from decimal import Decimal

import trio
from attrs import define, evolve, field, frozen

from engine.core.blotter import Blotter
from engine.core.rules import Rule
from engine.errors import KillSwitchTripped, LimitReached, NotReady, OrderRefused
from engine.flow.desk.gate import Gate
from engine.flow.desk.questions import Questions
from engine.flow.desk.record import Record
from engine.flow.desk.seams import Judge, Prices, Switch
from engine.flow.desk.sending import KILL, Owned
from engine.flow.desk.tuning import DeskTuning
from engine.model.account import Asset
from engine.model.instant import NS_PER_S
from engine.model.intent import Intent, Purpose
from engine.model.order import Order, OrderRequest, ReplaceRequest
from engine.ports.broker import Broker
from engine.ports.venue import Clock


@frozen(kw_only=True)
class Wish:
    """An order as a strategy asked for it. ``price`` is what the symbol was worth then, where that was known.

    ``replaces`` and ``change`` belong to a change of an order.
    """

    strategy: str
    request: OrderRequest
    purpose: Purpose
    valid_until_ns: int
    late_ok: bool
    price: Decimal | None
    replaces: Order | None = None
    change: ReplaceRequest | None = None

    @property
    def what(self) -> str:
        """In a few words, for sentences."""
        size = self.request.qty if self.request.qty is not None else f"{self.request.notional} dollars of"
        return f"{self.strategy}: {self.request.side} {size} {self.request.symbol or 'a multi-leg order'}"


@define(eq=False, kw_only=True)
class Placing:
    """The way from a wish to an intent."""

    broker: Broker
    record: Record
    judge: Judge
    gate: Gate
    switch: Switch
    prices: Prices
    clock: Clock
    questions: Questions
    tuning: DeskTuning
    waiting: int = field(default=0, init=False)
    """Wishes that are on this way now."""

    def wish(
        self,
        strategy: str,
        request: OrderRequest,
        purpose: Purpose,
        *,
        within_s: float | None = None,
        late_ok: bool = False,
        replaces: Order | None = None,
        change: ReplaceRequest | None = None,
    ) -> Wish:
        """Note when and at what price an order was asked for. ``within_s`` is market time."""
        if within_s is None:
            entry = purpose is Purpose.ENTRY
            within_s = self.tuning.entry_within_s if entry else self.tuning.exit_within_s
        return Wish(
            strategy=strategy,
            request=request,
            purpose=purpose,
            valid_until_ns=self.clock.now_ns() + int(within_s * NS_PER_S),
            late_ok=late_ok,
            price=self._price(request.symbol),
            replaces=replaces,
            change=change,
        )

    async def decide(self, wish: Wish) -> Owned:
        """Bring a wish to its intent, which is in the books and not yet on disk on return. Raises `OrderRefused`."""
        self._check_room(wish)
        self.waiting += 1
        try:
            await self._wait_ready(wish)
            asset, legs = await self._wait_assets(wish)
            if wish.purpose is Purpose.ENTRY:
                with trio.move_on_after(self.tuning.look_up_s):
                    await self.judge.learn_price(wish.strategy, wish.request.symbol)
            return await self._judge(wish, asset, legs)
        finally:
            self.waiting -= 1

    # -- before any wait

    def _check_room(self, wish: Wish) -> None:
        if wish.purpose is not Purpose.ENTRY:
            return
        tripped = self.switch.tripped(wish.strategy)
        if tripped:
            raise KillSwitchTripped(f"{wish.what}: the kill switch is tripped: {tripped}", rule=KILL)
        if self.waiting >= self.tuning.waiting_max:
            raise NotReady(f"{wish.what}: {self.waiting} orders are waiting to be sent already.", rule="waiting_max")
        count = self.record.blotter.open_count
        if count >= self.tuning.open_max:
            raise LimitReached(f"{wish.what}: {count} orders are open already, which is the most.", rule="open_max")

    # -- what is waited for

    def _left_s(self, wish: Wish) -> float:
        """Seconds of Trio's clock until the wish is too old."""
        left_ns = max(0, wish.valid_until_ns - self.clock.now_ns())
        return left_ns / NS_PER_S / (self.clock.speed or 1.0)

    async def _wait_ready(self, wish: Wish) -> None:
        await trio.lowlevel.checkpoint()
        if wish.purpose is Purpose.ENTRY:
            with trio.move_on_after(self._left_s(wish)) as patience:
                await self.gate.wait_open(wish.strategy, late_ok=wish.late_ok)
            blocked = self.gate.blocked(wish.strategy, late_ok=wish.late_ok)
            if patience.cancelled_caught and blocked:
                raise NotReady(f"{wish.what}: waited as long as it was valid, and {blocked}.", rule="not_ready")
        elif wish.purpose is Purpose.EXIT:
            with trio.move_on_after(min(self.tuning.start_wait_s, self._left_s(wish))):
                await self.gate.wait_inherited()

    async def _wait_assets(self, wish: Wish) -> tuple[Asset | None, Mapping[str, Asset]]:
        """What the order names, and what its legs name."""
        legs: dict[str, Asset] = {}
        with trio.move_on_after(self._left_s(wish)):
            await trio.lowlevel.checkpoint()
            for leg in wish.request.legs:
                found = await self._ask_asset(leg.symbol)
                if found is not None:
                    legs[leg.symbol] = found
            return (await self._ask_asset(wish.request.symbol) if wish.request.symbol else None), legs
        raise NotReady(f"{wish.what}: the broker could not be asked what that is.", rule="not_ready")

    async def wait_asset(self, wish: Wish) -> Asset | None:
        """What the order's symbol names. Raises `NotReady` where nobody tells in time."""
        asset, _ = await self._wait_assets(wish)
        return asset

    async def _ask_asset(self, symbol: str) -> Asset | None:
        asset = await self.questions.ask(f"what {symbol} is", lambda: self.broker.asset(symbol))
        if asset is not None:
            self.record.blotter.know(asset)
        return asset

    # -- the last look

    async def _judge(self, wish: Wish, asset: Asset | None, legs: Mapping[str, Asset]) -> Owned:
        """Ask the judge until nothing of ours is in the way, then make the intent in the same step."""
        await trio.lowlevel.checkpoint()
        give_up_s = trio.current_time() + min(self.tuning.clash_wait_s, self._left_s(wish))
        while True:
            if wish.purpose is Purpose.ENTRY:
                await self._wait_ready(wish)
            self._check_fresh(wish)
            verdict = self.judge.check(
                wish.strategy, wish.request, wish.purpose, asset, legs=legs, replaces=wish.replaces
            )
            if verdict.clash is None:
                return self._intend(wish, verdict.request, adds_risk=verdict.adds_risk)
            if trio.current_time() >= give_up_s:
                raise OrderRefused(
                    f"{wish.what}: it would trade with order {verdict.clash.id} of this account, which did not end.",
                    rule=Rule.WASH_TRADE.name.lower(),
                )
            with trio.move_on_at(give_up_s):
                await self._wait_end(self.record.blotter, verdict.clash)

    async def _wait_end(self, blotter: Blotter, order: Order) -> None:
        await trio.lowlevel.checkpoint()
        ticket = blotter.by_order_id(order.id) or blotter.ticket(order.client_order_id)
        while ticket is not None and ticket.open:
            await self.record.bell.wait(ticket.client_order_id)
            ticket = blotter.ticket(ticket.client_order_id)

    def _check_fresh(self, wish: Wish) -> None:
        """Whether this is still the order that was decided."""
        late_s = (self.clock.now_ns() - wish.valid_until_ns) / NS_PER_S
        if late_s > 0:
            raise NotReady(f"{wish.what}: not sent, it got too old {late_s:.1f} s ago.", rule="too_old")
        price = self._price(wish.request.symbol)
        if wish.purpose is not Purpose.ENTRY or wish.price is None or price is None or not wish.price:
            return
        moved = abs(price / wish.price - 1)
        if moved > Decimal(repr(self.tuning.slip_max)):
            raise NotReady(
                f"{wish.what}: not sent, the price went from {wish.price} to {price} while it waited.",
                rule="price_moved",
            )

    def _price(self, symbol: str) -> Decimal | None:
        told = self.prices.price(symbol)
        return None if told is None else told[0]

    def _intend(self, wish: Wish, request: OrderRequest, *, adds_risk: bool) -> Owned:
        blotter = self.record.blotter
        client_order_id, seq = blotter.next_id(wish.strategy)
        change = None if wish.change is None else evolve(wish.change, client_order_id=client_order_id)
        intent = Intent(
            client_order_id=client_order_id,
            strategy=wish.strategy,
            seq=seq,
            request=evolve(request, client_order_id=client_order_id),
            purpose=wish.purpose,
            at_ns=self.clock.now_ns(),
            valid_until_ns=wish.valid_until_ns,
            replaces="" if wish.replaces is None else wish.replaces.id,
            change=change,
        )
        self.judge.count(wish.strategy)
        return Owned(intent=intent, decided=blotter.intend(intent), adds_risk=adds_risk)
