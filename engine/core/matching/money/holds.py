"""What open orders hold back: buying power, cash, and what is held of an asset.

An order that opens holds money, one that closes holds what it will close; both are given back as the order fills, and
all of it when the order ends. Orders of which only one can fill hold once: the two exits of a bracket or an OCO order,
and an order and its replacement while both live. They form a group, and a group holds the most of any of its members.

The sum over all groups is kept, not computed, because an account may have thousands of open orders; it cannot drift,
since holds are cut at a billionth and sums of those are exact.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal, localcontext
from types import MappingProxyType
from typing import Final, TypeAlias

from attrs import define, evolve, field, frozen

from engine.core.matching.money.holding import COST_STEP, EXACT, ROUNDED
from engine.model.order import ZERO, Order, Side

NO_QTYS: Final[Mapping[str, Decimal]] = MappingProxyType({})
Group: TypeAlias = tuple[str, Side | None]
"""The id of the order that began it, and the side: a bracket's exits are not in the group of their entry."""


@frozen(kw_only=True)
class Hold:
    """What is held. ``power``: the value of what may be opened on margin; ``cash``: dollars in full, for what is not
    marginable; ``qtys``: how much of which symbols. Never negative."""

    power: Decimal = ZERO
    cash: Decimal = ZERO
    qtys: Mapping[str, Decimal] = NO_QTYS

    def part(self, left: Decimal, size: Decimal) -> "Hold":
        """What is still held when ``left`` of ``size`` is unfilled, rounded up to a billionth."""
        return Hold(
            power=_part(self.power, left, size),
            cash=_part(self.cash, left, size),
            qtys={symbol: _part(qty, left, size) for symbol, qty in self.qtys.items()},
        )

    def plus(self, other: "Hold", sign: int = 1) -> "Hold":
        """Both together, or with ``sign`` -1 what is left without the other one."""
        with localcontext(EXACT):
            qtys = dict(self.qtys)
            for symbol, qty in other.qtys.items():
                qtys[symbol] = qtys.get(symbol, ZERO) + qty * sign
            return Hold(
                power=self.power + other.power * sign,
                cash=self.cash + other.cash * sign,
                qtys={symbol: qty for symbol, qty in qtys.items() if qty},
            )


NO_HOLD: Final = Hold()


@frozen
class _Held:
    """One order's share in a group."""

    whole: Hold
    size: Decimal
    now: Hold


@define
class Holds:
    """The holds of all open orders."""

    _members: dict[Group, dict[str, _Held]] = field(factory=dict)
    _group_of: dict[str, Group] = field(factory=dict)
    _total: Hold = NO_HOLD

    def put(self, order: Order, hold: Hold, group: Group) -> None:
        """Hold for an order, as a member of a group (`group_of`)."""
        self._group_of[order.id] = group
        size = size_of(order)
        self._change(group, order.id, _Held(hold, size, hold.part(left_of(order), size)))

    def update(self, order: Order) -> None:
        """The order filled or ended: hold less for it, or nothing. Says nothing about orders that hold nothing."""
        group = self._group_of.get(order.id)
        if group is None:
            return
        if order.open:
            held = self._members[group][order.id]
            self._change(group, order.id, evolve(held, now=held.whole.part(left_of(order), held.size)))
        else:
            del self._group_of[order.id]
            self._change(group, order.id, None)

    def group_of(self, order: Order) -> Group:
        """The group of an order: where it holds already, else its own or that of the order it is a leg of."""
        return self._group_of.get(order.id) or (order.parent_id or order.id, order.side)

    def total(self, but: Group | None = None) -> Hold:
        """What all orders hold, without those of one group."""
        members = {} if but is None else self._members.get(but, {})
        return self._total.plus(_most(members.values()), -1) if members else self._total

    def _change(self, group: Group, order_id: str, held: _Held | None) -> None:
        members = self._members.setdefault(group, {})
        without = self._total.plus(_most(members.values()), -1)
        if held is None:
            del members[order_id]
        else:
            members[order_id] = held
        if not members:
            del self._members[group]
        self._total = without.plus(_most(members.values()))


def size_of(order: Order) -> Decimal:
    """What an order is for: a quantity, or dollars."""
    return order.qty or order.notional or ZERO


def left_of(order: Order) -> Decimal:
    """What of that is not filled."""
    if order.qty is not None:
        return order.left_qty
    spent = order.filled_qty * (order.filled_avg_price or ZERO)
    return max(size_of(order) - spent, ZERO)


def _most(members: Iterable[_Held]) -> Hold:
    """What a group holds: the most of any member, in each respect."""
    holds = [held.now for held in members]
    qtys: dict[str, Decimal] = {}
    for hold in holds:
        for symbol, qty in hold.qtys.items():
            qtys[symbol] = max(qty, qtys.get(symbol, ZERO))
    return Hold(
        power=max((hold.power for hold in holds), default=ZERO),
        cash=max((hold.cash for hold in holds), default=ZERO),
        qtys=qtys,
    )


def _part(value: Decimal, left: Decimal, size: Decimal) -> Decimal:
    part = value if left == size else ROUNDED.divide(ROUNDED.multiply(value, left), size)
    return part.quantize(COST_STEP, ROUND_CEILING, context=ROUNDED)
