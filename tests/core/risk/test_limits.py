"""A limit that cannot be measured is exceeded; what takes risk away always passes; no order hides behind another."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st

from engine.core.risk.limits import (
    DEFAULT_ACCOUNT_LIMITS,
    NO_LIMITS,
    PRICE_AGE_MAX_S,
    Exposure,
    Limits,
    adds_risk,
    check_conduct,
    check_limits,
)
from engine.model.order import Leg, OrderClass, OrderRequest, OrderType, Side, TimeInForce

D = Decimal
CALM = Exposure(
    position=D(0),
    working_buy=D(0),
    working_sell=D(0),
    price=D(100),
    price_age_s=0.5,
    gross_notional=D(0),
    orders_last_minute=0,
    rejects_in_row=0,
    profit_today=D(0),
)
EVERY_LIMIT = Limits(
    order_qty=D(50),
    order_notional=D(5_000),
    position_qty=D(80),
    position_notional=D(8_000),
    gross_notional=D(20_000),
    orders_per_minute=10,
    rejects_in_row=3,
    loss_per_day=D(500),
    data_age_s=5.0,
)
NEEDS = {
    "order_notional": ("price", "price_age_s"),
    "position_qty": ("position", "working_buy"),
    "position_notional": ("position", "working_buy", "price", "price_age_s"),
    "gross_notional": ("gross_notional", "price", "price_age_s"),
    "orders_per_minute": ("orders_last_minute",),
    "rejects_in_row": ("rejects_in_row",),
    "loss_per_day": ("profit_today",),
    "data_age_s": ("price", "price_age_s"),
}
"""What each limit cannot be measured without, for a market order to buy."""


def order(side: Side = Side.BUY, qty: str | None = "10", **changes: Any) -> OrderRequest:
    plain = OrderRequest(
        symbol="SPY",
        side=side,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        qty=None if qty is None else D(qty),
    )
    return evolve(plain, **changes)


def limit_order(side: Side, price: str, qty: str = "10") -> OrderRequest:
    return order(side, qty, type=OrderType.LIMIT, limit_price=D(price))


def broken(limits: Limits, request: OrderRequest, exposure: Exposure = CALM) -> str:
    breach = check_limits(limits, "trend", request, exposure)
    return "" if breach is None else breach.limit


def only(name: str) -> Limits:
    return Limits(**{name: getattr(EVERY_LIMIT, name)})


def test_without_limits_everything_passes() -> None:
    assert check_limits(NO_LIMITS, "trend", order(qty="1000000"), Exposure()) is None


def test_an_order_within_every_limit_passes() -> None:
    assert check_limits(EVERY_LIMIT, "trend", order(), CALM) is None


@pytest.mark.parametrize(
    ("request_", "exposure", "name"),
    [
        (order(qty="51"), CALM, "order_qty"),
        (order(qty="50.000000001"), CALM, "order_qty"),
        (limit_order(Side.BUY, "501"), CALM, "order_notional"),
        (order(qty=None, notional=D(5_001)), CALM, "order_qty"),
        (order(qty="50"), evolve(CALM, price=D("100.01")), "order_notional"),
        (order(), evolve(CALM, position=D(71)), "position_qty"),
        (order(), evolve(CALM, working_buy=D(71)), "position_qty"),
        (order(Side.SELL), evolve(CALM, position=D(-71)), "position_qty"),
        (order(Side.SELL), evolve(CALM, working_sell=D(71)), "position_qty"),
        (order(), evolve(CALM, price=D(161), position=D(40)), "position_notional"),
        (order(), evolve(CALM, gross_notional=D(19_001)), "gross_notional"),
        (order(), evolve(CALM, orders_last_minute=10), "orders_per_minute"),
        (order(), evolve(CALM, rejects_in_row=3), "rejects_in_row"),
        (order(), evolve(CALM, profit_today=D(-500)), "loss_per_day"),
        (order(), evolve(CALM, price_age_s=5.01), "data_age_s"),
    ],
)
def test_each_limit_stops_what_is_beyond_it_and_its_sentence_names_it(
    request_: OrderRequest, exposure: Exposure, name: str
) -> None:
    breach = check_limits(EVERY_LIMIT, "trend", request_, exposure)
    assert breach is not None
    assert breach.limit == name
    assert name in breach.sentence
    assert breach.sentence.startswith("trend: ")


@pytest.mark.parametrize(("name", "needed"), [(name, one) for name, needs in NEEDS.items() for one in needs])
@pytest.mark.parametrize("absent", ["none", "nan", "infinite"])
def test_what_a_limit_needs_and_does_not_have_refuses_the_order(name: str, needed: str, absent: str) -> None:
    kinds: dict[str, Any] = {"none": None, "nan": D("NaN"), "infinite": D("Infinity")}
    if needed == "price_age_s":
        kinds |= {"nan": float("nan"), "infinite": float("inf")}
    if needed in ("orders_last_minute", "rejects_in_row"):
        kinds |= {"nan": None, "infinite": None}
    assert broken(only(name), order(), evolve(CALM, **{needed: kinds[absent]})) == name


@pytest.mark.parametrize("price", ["0", "-1"])
def test_a_price_that_is_none_is_not_known(price: str) -> None:
    assert broken(only("order_notional"), order(), evolve(CALM, price=D(price))) == "order_notional"


def test_a_price_from_before_lunch_is_not_known_even_where_no_age_is_set() -> None:
    stale = evolve(CALM, price_age_s=PRICE_AGE_MAX_S + 1)
    assert broken(only("position_notional"), order(), stale) == "position_notional"
    assert broken(only("position_qty"), order(), stale) == ""


def test_a_seller_is_measured_by_the_market_where_it_pays_more_than_the_limit() -> None:
    exposure = evolve(CALM, price=D(600))
    assert broken(only("order_notional"), limit_order(Side.SELL, "1"), exposure) == "order_notional"
    assert broken(only("order_notional"), limit_order(Side.BUY, "1"), exposure) == ""


def test_a_contract_counts_as_its_hundred_shares() -> None:
    assert broken(only("order_notional"), order(qty="1"), evolve(CALM, multiplier=D(100))) == "order_notional"


def test_an_order_of_several_legs_cannot_pass_a_limit_on_positions() -> None:
    legs = (Leg(symbol="A", ratio_qty=D(1), side=Side.BUY), Leg(symbol="B", ratio_qty=D(1), side=Side.SELL))
    spread = order(symbol="", order_class=OrderClass.MLEG, type=OrderType.LIMIT, limit_price=D("-1.2"), legs=legs)
    assert broken(only("position_qty"), spread) == "position_qty"
    assert broken(only("order_notional"), spread, evolve(CALM, multiplier=D(100))) == ""


def test_only_losses_and_refusals_trip_the_switch() -> None:
    for name in (field.name for field in fields(Limits)):
        limits = evolve(only(name), data_age_s=EVERY_LIMIT.data_age_s if name == "data_age_s" else None)
        worst = evolve(
            CALM,
            position=D(1000),
            price_age_s=10.0,
            gross_notional=D(10**6),
            orders_last_minute=99,
            rejects_in_row=99,
            profit_today=D(-(10**6)),
        )
        breach = check_limits(limits, "trend", order(qty="1000"), worst)
        assert breach is not None, name
        assert breach.trips == (name in ("loss_per_day", "rejects_in_row")), name


def test_a_loss_that_cannot_be_told_stops_entries_and_does_not_trip() -> None:
    limits = only("loss_per_day")
    breach = check_limits(limits, "trend", order(), evolve(CALM, profit_today=None))
    assert breach is not None
    assert not breach.trips
    assert check_conduct(limits, "trend", None, None) is None


def test_a_limit_of_nothing_or_of_no_number_cannot_be_made() -> None:
    for wrong in (D(0), D(-1), D("NaN"), D("Infinity")):
        with pytest.raises(ValueError, match="order_qty must be a number above 0"):
            Limits(order_qty=wrong)


def test_what_nobody_set_still_stops_a_program_that_runs_wild() -> None:
    assert broken(DEFAULT_ACCOUNT_LIMITS, order(), evolve(CALM, orders_last_minute=499)) == ""
    assert broken(DEFAULT_ACCOUNT_LIMITS, order(), evolve(CALM, orders_last_minute=500)) == "orders_per_minute"
    assert broken(DEFAULT_ACCOUNT_LIMITS, order(), evolve(CALM, rejects_in_row=20)) == "rejects_in_row"


# -- what adds risk

QTY = st.decimals(min_value=0, max_value=1000, places=2)
HELD = st.decimals(min_value=-1000, max_value=1000, places=2)
SHARE = st.sampled_from([D(0), D("0.25"), D("0.5"), D(1)])
STRANGE = st.sampled_from([None, D("NaN"), D("sNaN"), D("Infinity")])


@given(st.sampled_from(Side), QTY, HELD, QTY, QTY, SHARE, SHARE, SHARE)
def test_an_order_that_adds_no_risk_makes_no_position_larger_whatever_else_is_filled_first(
    side: Side, qty: Decimal, held: Decimal, buys: Decimal, sells: Decimal, b: Decimal, s: Decimal, filled: Decimal
) -> None:
    if adds_risk(order(side, str(qty)), held, buys, sells):
        return
    before = held + b * buys - s * sells
    after = before + side.sign * filled * qty
    assert abs(after) <= abs(before)
    assert before * after >= 0, "and it never crosses zero"


@given(st.sampled_from(Side), st.decimals(min_value="0.01", max_value=1000, places=2), QTY, QTY)
def test_giving_back_what_is_held_adds_no_risk_until_other_orders_may_give_it_back_too(
    side: Side, qty: Decimal, more: Decimal, promised: Decimal
) -> None:
    held = -side.sign * (qty + more)
    same, other = (promised, D(0)) if side is Side.BUY else (D(0), promised)
    assert adds_risk(order(side, str(qty)), held, same, other) == (promised > more)
    assert not adds_risk(order(side, str(qty)), held, other, same)


@given(STRANGE, STRANGE)
def test_what_is_not_known_adds_risk(one: Decimal | None, other: Decimal | None) -> None:
    exit_order, held, none = order(Side.SELL), D(100), D(0)
    assert not adds_risk(exit_order, held, none, none)
    assert adds_risk(exit_order, one, none, none)
    assert adds_risk(exit_order, held, one, other)
    assert adds_risk(exit_order, held, none, other)
    assert adds_risk(evolve(exit_order, qty=one), held, none, none)


def test_orders_by_dollars_with_exits_or_of_several_legs_add_risk() -> None:
    exit_order, held, none = order(Side.SELL), D(100), D(0)
    assert adds_risk(evolve(exit_order, qty=None, notional=D(5)), held, none, none)
    for order_class in (OrderClass.BRACKET, OrderClass.OTO, OrderClass.MLEG):
        assert adds_risk(evolve(exit_order, order_class=order_class), held, none, none)
    assert not adds_risk(evolve(exit_order, order_class=OrderClass.OCO), held, none, none)


EXPOSURES = st.builds(
    Exposure,
    position=HELD | STRANGE,
    working_buy=QTY | STRANGE,
    working_sell=QTY | STRANGE,
    price=QTY | STRANGE,
    price_age_s=st.floats() | st.none(),
    gross_notional=QTY | STRANGE,
    orders_last_minute=st.integers(0, 20) | st.none(),
    rejects_in_row=st.integers(0, 5) | st.none(),
    profit_today=HELD | STRANGE,
)
REQUESTS = st.builds(
    order,
    st.sampled_from(Side),
    QTY.map(str) | st.sampled_from(["NaN", "Infinity"]),
    limit_price=st.none() | QTY | STRANGE,
)
SOME_LIMITS = st.sets(st.sampled_from([field.name for field in fields(Limits)])).map(
    lambda names: Limits(**{name: getattr(EVERY_LIMIT, name) for name in names})
)


def is_sane(exposure: Exposure, needed: tuple[str, ...]) -> bool:
    for name in needed:
        value = getattr(exposure, name)
        if value is None or not D(str(value)).is_finite():
            return False
    return True


@given(SOME_LIMITS, REQUESTS, EXPOSURES)
def test_whatever_is_not_known_an_exit_passes_and_an_entry_that_cannot_be_measured_does_not(
    limits: Limits, request_: OrderRequest, exposure: Exposure
) -> None:
    breach = check_limits(limits, "trend", request_, exposure)
    if not adds_risk(request_, exposure.position, exposure.working_buy, exposure.working_sell):
        assert breach is None
        return
    needs = dict(NEEDS)
    if request_.side is Side.SELL:
        needs["position_qty"] = ("position", "working_sell")
        needs["position_notional"] = ("position", "working_sell", "price", "price_age_s")
    elif request_.limit_price is not None and request_.limit_price.is_finite():
        needs |= {"order_notional": (), "position_notional": ("position", "working_buy"), "gross_notional": ()}
    unknown = [name for name in needs if getattr(limits, name) is not None and not is_sane(exposure, needs[name])]
    assert breach is not None or not unknown
