"""What a rule, a limit or the kill switch forbids is not let through; what takes risk away is stopped by no limit."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from engine.core.blotter import Blotter
from engine.core.risk.limits import NO_LIMITS, Limits
from engine.core.rules import Refused, check_wash
from engine.errors import KillSwitchTripped, LimitReached, OrderRefused
from engine.flow.account.killswitch import KillSwitch
from engine.flow.clock import MarketClock
from engine.flow.risk import Vet
from engine.flow.risk.pauses import PAUSED
from engine.flow.risk.vet import presumed
from engine.model.account import Asset
from engine.model.intent import Intent, Purpose
from engine.model.order import AssetClass, Order, OrderClass, OrderRequest, OrderStatus, OrderType, Side, TimeInForce

D = Decimal
NOW_NS = 1_772_461_860 * 10**9
"""2026-03-02T14:31:00Z, in the regular session."""
DAY_NS = 24 * 3600 * 10**9
SPY = Asset(id="a", symbol="SPY", name="SPY", asset_class=AssetClass.US_EQUITY, exchange="ARCA")


@define
class Told:
    """Prices as somebody told them: the last one, its age, and how far ask and bid are from it."""

    last: dict[str, Decimal] = field(factory=dict)
    age_s: float = 0.5
    looked_up: list[str] = field(factory=list)

    def price(self, symbol: str) -> tuple[Decimal, float] | None:
        return (self.last[symbol], self.age_s) if symbol in self.last else None

    def quote(self, symbol: str) -> tuple[Decimal, Decimal, float] | None:
        if symbol not in self.last:
            return None
        return self.last[symbol] - D("0.01"), self.last[symbol] + D("0.01"), self.age_s

    def prices(self) -> Mapping[str, Decimal]:
        return self.last

    async def look_up(self, symbol: str) -> None:  # noqa: ASYNC910 - there is nothing to wait for
        self.looked_up.append(symbol)


class Latched:
    """Latches in memory."""

    def __init__(self) -> None:
        self.standing: dict[str, str] = {}

    def trip(self, scope: str, reason: str, by: str, at_ns: int) -> None:
        self.standing.setdefault(scope, reason)

    def tripped(self, scope: str) -> str:
        return self.standing.get("account", "") or self.standing.get(scope, "")

    def trips(self, scope: str) -> Sequence[tuple[str, str]]:
        return [("", self.standing[scope])] if scope in self.standing else []

    def all(self) -> Mapping[str, str]:
        return self.standing


@define
class Desk:
    """A blotter with orders in it, and the vet that looks at it. ``now_ns`` is market time."""

    account: Limits = NO_LIMITS
    strategies: Mapping[str, Limits] = field(factory=dict)
    marks: Told = field(factory=lambda: Told({"SPY": D(100)}))
    blotter: Blotter = field(factory=lambda: Blotter("k3x9abcd"))
    latches: Latched = field(factory=Latched)
    flattened: list[str] = field(factory=list)
    now_ns: int = NOW_NS
    vet: Vet = field(init=False)
    _orders: int = 0

    def __attrs_post_init__(self) -> None:
        switch = KillSwitch(
            latches=self.latches,
            on_trip=self.flattened.append,
            now_ns=lambda: self.now_ns,
            report=lambda _: None,
        )
        self.vet = Vet(
            blotter=self.blotter,
            marks=self.marks,
            switch=switch,
            clock=MarketClock(None, lambda: self.now_ns),
            account_limits=self.account,
            strategy_limits=self.strategies,
        )
        self.vet.check_day()

    def place(self, strategy: str, request: OrderRequest, *, answered: bool = True, filled: str = "0") -> Order | None:
        """An order of a strategy that is at the venue, or on its way there."""
        cid, seq = self.blotter.next_id(strategy)
        intent = Intent(
            client_order_id=cid,
            strategy=strategy,
            seq=seq,
            request=evolve(request, client_order_id=cid),
            purpose=Purpose.ENTRY,
            at_ns=self.now_ns,
            valid_until_ns=self.now_ns + DAY_NS,
        )
        self.blotter.intend(intent)
        self.blotter.sent(cid, self.now_ns)
        if not answered:
            return None
        ticket = self.blotter.ticket(cid)
        assert ticket is not None
        order = presumed(ticket)
        assert order is not None
        self._orders += 1
        done = D(filled) == request.qty
        status = OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED if D(filled) else OrderStatus.NEW
        order = evolve(
            order,
            id=f"o{self._orders}",
            asset_class=AssetClass.US_EQUITY,
            status=status,
            filled_qty=D(filled),
            filled_avg_price=self.marks.last.get("SPY") if D(filled) else None,
        )
        self.blotter.take_orders([order])
        return order

    def hold(self, strategy: str, qty: str) -> None:
        """A strategy holds so much, bought or sold at the last price."""
        self.place(strategy, market(Side.BUY if D(qty) > 0 else Side.SELL, str(abs(D(qty)))), filled=str(abs(D(qty))))

    def check(
        self, request: OrderRequest, strategy: str = "trend", purpose: Purpose = Purpose.ENTRY, **more: Any
    ) -> Any:
        return self.vet.check(strategy, request, purpose, SPY, **more)


def market(side: Side, qty: str = "10", **changes: Any) -> OrderRequest:
    plain = OrderRequest(symbol="SPY", side=side, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, qty=D(qty))
    return evolve(plain, **changes)


def limit(side: Side, price: str, qty: str = "10") -> OrderRequest:
    return market(side, qty, type=OrderType.LIMIT, limit_price=D(price))


# -- rules


def test_a_rule_of_the_venue_refuses_with_its_name_and_the_venues_own_words() -> None:
    desk = Desk()
    desk.hold("trend", "10")
    with pytest.raises(OrderRefused, match="sub-penny increment") as caught:
        desk.check(limit(Side.BUY, "100.001"))
    with pytest.raises(OrderRefused, match="sub-penny increment"):
        desk.check(limit(Side.SELL, "100.001"), purpose=Purpose.EXIT)
    assert (caught.value.rule, caught.value.status, caught.value.code) == ("sub_penny", 422, 42210000)


def test_an_exit_price_is_held_against_the_market_only_while_the_price_is_fresh() -> None:
    bracket = market(Side.BUY, order_class=OrderClass.BRACKET, take_profit_limit=D(99), stop_loss_stop=D(90))
    desk = Desk()
    with pytest.raises(OrderRefused) as caught:
        desk.check(bracket)
    assert caught.value.rule == "take_profit_base"
    desk.marks.age_s = 60.0
    assert desk.check(bracket).request == bracket


# -- the kill switch


def test_tripped_nothing_that_adds_risk_passes_and_everything_that_takes_it_away_does() -> None:
    desk = Desk()
    desk.hold("trend", "10")
    desk.latches.standing["account"] = "Enough."
    for risky in (market(Side.BUY), market(Side.SELL, "11")):
        for purpose in (Purpose.ENTRY, Purpose.EXIT):
            with pytest.raises(KillSwitchTripped, match=r"Enough\."):
                desk.check(risky, purpose=purpose)
    assert not desk.check(market(Side.SELL, "10"), purpose=Purpose.EXIT).adds_risk
    assert desk.check(market(Side.BUY), purpose=Purpose.KILL).request == market(Side.BUY)


def test_paused_nothing_that_adds_risk_passes_for_that_strategy_and_its_way_out_does() -> None:
    desk = Desk()
    desk.hold("trend", "10")
    desk.vet.pauses.pause("trend", "a person")
    for risky in (market(Side.BUY), market(Side.SELL, "11")):
        with pytest.raises(OrderRefused, match="a person paused") as refused:
            desk.check(risky)
        assert refused.value.rule == PAUSED
    assert not desk.check(market(Side.SELL, "10"), purpose=Purpose.EXIT).adds_risk
    assert desk.check(market(Side.BUY), purpose=Purpose.KILL).request == market(Side.BUY)
    assert desk.vet.check("other", market(Side.BUY), Purpose.ENTRY, SPY).adds_risk
    assert desk.vet.pauses.resume("trend")
    assert not desk.vet.pauses.resume("trend")
    assert desk.check(market(Side.BUY)).adds_risk


def test_an_exit_beside_another_exit_that_is_on_its_way_adds_risk() -> None:
    desk = Desk()
    desk.hold("trend", "10")
    desk.place("trend", market(Side.SELL, "6"), answered=False)
    assert desk.vet.adds_risk("trend", market(Side.SELL, "5"))
    assert not desk.vet.adds_risk("trend", market(Side.SELL, "4"))


def test_an_order_by_dollars_on_its_way_makes_every_exit_a_risk() -> None:
    desk = Desk()
    desk.hold("trend", "10")
    desk.place("trend", evolve(market(Side.SELL), qty=None, notional=D(5)), answered=False)
    assert desk.vet.adds_risk("trend", market(Side.SELL, "1"))


def test_a_change_counts_in_the_place_of_what_it_changes() -> None:
    desk = Desk()
    desk.hold("trend", "10")
    working = desk.place("trend", limit(Side.SELL, "110", "10"), filled="4")
    assert working is not None
    changed = limit(Side.SELL, "109", "10")
    assert desk.vet.adds_risk("trend", changed)
    assert not desk.vet.adds_risk("trend", changed, working)


# -- limits


def test_the_strategys_limits_come_before_the_accounts_and_each_names_whose_it_is() -> None:
    desk = Desk(account=Limits(order_qty=D(5)), strategies={"trend": Limits(order_qty=D(3))})
    with pytest.raises(LimitReached, match=r"^trend: ") as caught:
        desk.check(market(Side.BUY, "6"))
    assert caught.value.rule == "order_qty"
    with pytest.raises(LimitReached, match=r"^account: "):
        desk.check(market(Side.BUY, "6"), "other")
    assert desk.check(market(Side.BUY, "3")).request.qty == 3


def test_the_account_counts_what_all_strategies_hold_and_have_on_the_way() -> None:
    desk = Desk(account=Limits(position_qty=D(30)))
    desk.hold("other", "15")
    desk.place("third", market(Side.BUY, "6"), answered=False)
    assert desk.check(market(Side.BUY, "9"))
    with pytest.raises(LimitReached):
        desk.check(market(Side.BUY, "10"))


def test_gross_counts_every_symbol_and_is_not_known_without_a_price() -> None:
    desk = Desk(account=Limits(gross_notional=D(3_000)))
    desk.hold("other", "10")
    desk.place("third", evolve(market(Side.SELL, "5"), symbol="QQQ"), answered=False)
    with pytest.raises(LimitReached, match="cannot be valued"):
        desk.check(market(Side.BUY, "1"))
    desk.marks.last["QQQ"] = D(200)
    assert desk.check(market(Side.BUY, "10"))
    with pytest.raises(LimitReached, match="could come to 3100 dollars"):
        desk.check(market(Side.BUY, "11"))
    assert not desk.check(market(Side.SELL, "10"), "other", Purpose.EXIT).adds_risk


def test_orders_are_counted_when_they_are_sent_and_forgotten_after_a_minute() -> None:
    desk = Desk(strategies={"trend": Limits(orders_per_minute=2)})
    for _ in range(2):
        desk.check(market(Side.BUY))
        desk.vet.count("trend")
    with pytest.raises(LimitReached, match="orders_per_minute"):
        desk.check(market(Side.BUY))
    assert desk.check(market(Side.BUY), "other")
    desk.now_ns += 60 * 10**9
    assert desk.check(market(Side.BUY))


def test_refusals_in_a_row_trip_the_strategy_alone_and_after_a_reset_count_from_nought() -> None:
    desk = Desk(strategies={"trend": Limits(rejects_in_row=3)})
    for number, ok in enumerate((False, False, True, False, False)):
        desk.vet.note("trend", ok, f"o{number}")
    assert desk.flattened == []
    desk.vet.note("trend", False)
    assert desk.flattened == ["trend"]
    with pytest.raises(KillSwitchTripped, match="rejects_in_row"):
        desk.check(market(Side.BUY))
    assert desk.check(market(Side.BUY), "other")
    del desk.latches.standing["trend"]
    assert desk.check(market(Side.BUY))


def test_a_loss_trips_the_switch_though_no_order_is_asked_for() -> None:
    desk = Desk(account=Limits(loss_per_day=D(500)), strategies={"trend": Limits(loss_per_day=D(100))})
    desk.hold("trend", "10")
    desk.hold("other", "30")
    desk.marks.last["SPY"] = D("90.01")
    desk.vet.check_day()
    assert desk.flattened == []
    desk.marks.last["SPY"] = D(90)
    desk.vet.check_day()
    assert desk.flattened == ["trend"]
    desk.marks.last["SPY"] = D("87.50")
    desk.vet.check_day()
    assert desk.flattened == ["trend", "account"]


def test_the_profit_of_a_strategy_is_todays_and_unknown_without_a_price() -> None:
    desk = Desk()
    desk.hold("trend", "10")
    desk.marks.last["SPY"] = D(103)
    assert (desk.vet.profit("trend"), desk.vet.profit("other")) == (30, 0)
    desk.now_ns += DAY_NS
    desk.vet.check_day()
    desk.marks.last["SPY"] = D(102)
    assert desk.vet.profit("trend") == -10
    desk.now_ns += DAY_NS
    del desk.marks.last["SPY"]
    desk.vet.check_day()
    assert desk.vet.profit("trend") is None
    assert desk.vet.profit("other") is None, "the day has not begun to be counted"


def test_a_new_day_begins_with_nothing_lost() -> None:
    desk = Desk(strategies={"trend": Limits(loss_per_day=D(100))})
    desk.hold("trend", "10")
    desk.marks.last["SPY"] = D(95)
    desk.now_ns += DAY_NS
    desk.vet.check_day()
    for price, flattened in ((D("85.01"), []), (D(85), ["trend"])):
        desk.marks.last["SPY"] = price
        desk.vet.check_day()
        assert desk.flattened == flattened


def test_while_todays_profit_is_not_known_nothing_is_opened_and_nothing_tripped() -> None:
    desk = Desk(strategies={"trend": Limits(loss_per_day=D(100))})
    desk.hold("trend", "10")
    desk.now_ns += DAY_NS
    del desk.marks.last["SPY"]
    desk.vet.check_day()
    with pytest.raises(LimitReached, match="loss_per_day cannot be checked"):
        desk.check(market(Side.BUY, "1"))
    assert desk.check(market(Side.SELL, "10"), purpose=Purpose.EXIT)
    desk.marks.last["SPY"] = D(50)
    desk.vet.check_day()
    assert desk.flattened == [], "a day counts from the first prices that are known in it"
    assert desk.check(market(Side.BUY, "1"))


async def test_a_price_is_looked_up_only_where_a_limit_needs_one() -> None:
    desk = Desk(strategies={"trend": Limits(order_notional=D(5))})
    for strategy in ("other", "trend"):
        await desk.vet.learn_price(strategy, "SPY")
    assert desk.marks.looked_up == ["SPY"]


@given(
    st.sampled_from([Limits(order_qty=D("0.5"), position_qty=D("0.5"), gross_notional=D(1)), Limits(data_age_s=1e-9)]),
    st.integers(1, 50),
    st.integers(0, 49),
    st.booleans(),
    st.booleans(),
)
def test_an_exit_is_never_stopped_by_a_limit(limits: Limits, held: int, working: int, long: bool, priced: bool) -> None:
    desk = Desk(account=limits, strategies={"trend": limits})
    desk.hold("trend", str(held if long else -held))
    side = Side.SELL if long else Side.BUY
    if working and working < held:
        desk.place("trend", market(side, str(working)), answered=False)
    else:
        working = 0
    if not priced:
        desk.marks.last.clear()
    exit_order = market(side, str(held - working))
    verdict = desk.check(exit_order, purpose=Purpose.EXIT)
    assert not verdict.adds_risk
    assert verdict.request == exit_order


# -- wash trades


def test_a_market_order_is_kept_from_another_strategys_limit() -> None:
    desk = Desk()
    desk.hold("other", "10")
    resting = desk.place("other", limit(Side.SELL, "100.05"))
    verdict = desk.check(market(Side.BUY))
    assert (verdict.request.type, verdict.request.limit_price) == (OrderType.LIMIT, D("100.04"))
    assert verdict.clash is None
    desk.marks.age_s = 60.0
    assert desk.check(market(Side.BUY)).clash == resting


def test_an_order_that_nobody_has_answered_yet_is_in_the_way_as_well() -> None:
    desk = Desk()
    desk.hold("other", "10")
    desk.place("other", market(Side.SELL), answered=False)
    clash = desk.check(market(Side.BUY)).clash
    assert clash is not None
    assert clash.client_order_id == "k3x9abcd-other-1"


def test_a_way_out_waits_for_what_the_venue_told_of_and_not_for_what_nobody_knows_of() -> None:
    desk = Desk()
    desk.hold("trend", "10")
    desk.place("other", limit(Side.BUY, "101"), answered=False)
    assert desk.check(market(Side.SELL), purpose=Purpose.EXIT).clash is None, "if it is there, the venue says so"
    assert desk.check(limit(Side.SELL, "100", "11")).clash is not None
    there = desk.place("other", limit(Side.BUY, "101"))
    assert desk.check(limit(Side.SELL, "100"), purpose=Purpose.EXIT).clash == there


def test_the_limits_measure_the_order_as_it_would_be_sent() -> None:
    desk = Desk(strategies={"trend": Limits(order_notional=D("1000.30"))})
    desk.hold("other", "10")
    assert desk.check(market(Side.BUY)).request.type is OrderType.MARKET
    desk.place("other", limit(Side.SELL, "100.05"))
    with pytest.raises(LimitReached, match=r"comes to 1000\.4 dollars"):
        desk.check(market(Side.BUY))


SIDES = st.sampled_from(Side)
CENTS = st.integers(9_990, 10_010).map(lambda cents: str(D(cents) / 100))
ASKED = st.builds(market, SIDES) | st.builds(limit, SIDES, CENTS)


@given(st.lists(st.tuples(st.sampled_from(["trend", "other"]), ASKED, st.booleans()), max_size=5))
def test_no_two_orders_that_are_let_through_could_meet(steps: list[tuple[str, OrderRequest, bool]]) -> None:
    """But for a way out and an order that nobody knows of, which it does not wait for: see the law above."""
    desk = Desk()
    desk.hold("other", "100")
    for strategy, request, answered in steps:
        tickets, verdict = desk.blotter.open_tickets(), desk.check(request, strategy)
        told = (presumed(each) if verdict.adds_risk else each.order for each in tickets)  # see `Vet._keep_apart`
        try:
            check_wash(verdict.request, filter(None, told), desk.blotter.account_position("SPY"))
        except Refused:
            assert verdict.clash is not None
            continue
        assert verdict.clash is None
        desk.place(strategy, verdict.request, answered=answered)
