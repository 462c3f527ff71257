"""Each execution is booked once, by its own quantity, whichever roads it comes on and however often."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from engine.model.account import Asset
from engine.model.order import AssetClass, Fill, OrderChange, OrderClass, Side


def test_partial_fills_add_up_and_the_last_one_does_not_count_the_whole_again(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    for qty in ("3", "2", "5"):
        venue.fill(order.id, qty)
    pad.hear(*venue.told)
    assert pad.qty("alpha") == 10
    assert pad.blotter.by_order_id(order.id).order.filled_qty == 10
    assert not any(taken.doubts for taken in pad.answers)


def test_the_same_execution_from_stream_replay_and_activities_is_one(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    fill = venue.fill(order.id, "10")
    pad.hear(*venue.told, *venue.told)
    pad.note(pad.blotter.take_fills((fill, fill)))
    assert pad.qty("alpha") == 10
    assert [booked for taken in pad.answers for booked in taken.booked] == [("alpha", fill)]


def test_what_an_order_says_is_filled_counts_at_once_and_its_executions_take_its_place(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    first, second = venue.fill(order.id, "4", "100"), venue.fill(order.id, "6", "110")
    taken = pad.note(pad.blotter.take_orders((venue.orders[order.id],)))
    assert "executions of 10 are not known yet" in taken.doubts[0]
    assert (pad.qty("alpha"), taken.booked) == (10, ())
    assert pad.blotter.position("alpha", "AAPL").cost == 1060
    taken = pad.note(pad.blotter.take_fills((first,)))
    assert "executions of 6 are not known yet" in taken.doubts[0]
    assert (pad.qty("alpha"), pad.blotter.position("alpha", "AAPL").cost) == (10, 1060)
    taken = pad.note(pad.blotter.take_fills((second,)))
    assert (taken.doubts, taken.booked) == ((), (("alpha", second),))
    assert (pad.qty("alpha"), pad.blotter.cash()) == (10, -1060)


def test_executions_beyond_what_the_order_says_are_booked_and_doubted(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    fill = venue.fill(order.id, "4")
    pad.note(pad.blotter.take_orders((order,)))
    taken = pad.note(pad.blotter.take_fills((fill,)))
    assert "4 more than it says is filled" in taken.doubts[0]
    assert pad.qty("alpha") == 4


def test_an_execution_that_is_told_otherwise_is_a_doubt_and_the_first_telling_counts(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    fill = venue.fill(order.id, "4")
    pad.hear(*venue.told)
    taken = pad.note(pad.blotter.take_fills((evolve(fill, qty=Decimal(5)),)))
    assert "was 4 at 100 and is told of as 5 at 100" in taken.doubts[0]
    assert pad.qty("alpha") == 4


def test_a_fill_after_a_cancel_is_booked(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.change(order.id, OrderChange.CANCELED)
    venue.fill(order.id, "4")
    assert pad.hear(*venue.told).doubts == ()
    assert (pad.qty("alpha"), pad.blotter.by_order_id(order.id).open) == (4, False)


def test_an_execution_of_an_unknown_order_is_counted_asked_about_and_then_given_its_owner(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    fill = venue.fill(order.id, "10")
    taken = pad.note(pad.blotter.take_fills((fill,)))
    assert "which nobody told of" in taken.doubts[0]
    assert (pad.qty(""), pad.blotter.account_position("AAPL"), taken.booked) == (10, 10, ())
    assert pad.blotter.unknown_orders() == (order.id,)
    taken = pad.note(pad.blotter.take_orders((venue.orders[order.id],)))
    assert (pad.qty(""), pad.qty("alpha"), taken.booked) == (0, 10, (("alpha", fill),))
    assert pad.blotter.unknown_orders() == ()
    assert pad.restored() == pad.blotter


def test_a_position_that_the_stream_tells_otherwise_is_a_doubt(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.hand("AAPL", "3")
    venue.fill(order.id, "10")
    assert "AAPL: 13 are held after execution" in pad.hear(*venue.told).doubts[0]


def test_a_fee_in_coins_is_seen_in_the_position_and_paid_by_who_bought(venue: Any, pad: Any) -> None:
    venue.coin_fee = Decimal("0.0025")
    order = venue.submit(pad.send(symbol="BTC/USD", qty="2"), "BTC/USD", qty="2")
    venue.fill(order.id, "2", "50000")
    taken = pad.hear(*venue.told)
    held = pad.blotter.position("alpha", "BTC/USD")
    assert (held.qty, held.fees, taken.doubts) == (Decimal("1.995"), Decimal(250), ())
    assert (pad.blotter.cash(), taken.booked[0][1].fee) == (-100_000, 0)
    assert pad.blotter.fills_of("alpha")[0].fee == Decimal("0.005")
    assert pad.blotter.profit("alpha", {"BTC/USD": Decimal(50_000)}) == -250
    assert pad.restored() == pad.blotter


def test_a_fee_that_is_told_later_is_added_once(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    fill = venue.fill(order.id, "10")
    pad.hear(*venue.told)
    for _ in range(2):
        pad.note(pad.blotter.take_fills((evolve(fill, fee=Decimal("0.5")),)))
    assert pad.blotter.position("alpha", "AAPL").fees == Decimal("0.5")
    assert pad.blotter.cash() == Decimal("-1000.5")


def test_a_multi_leg_order_is_booked_by_its_legs_with_their_multiplier(venue: Any, pad: Any) -> None:
    call, put = "AAPL260320C00230000", "AAPL260320P00230000"
    parent = venue.submit(pad.send(symbol=""), "", side=None, qty="1", order_class=OrderClass.MLEG)
    legs = [
        venue.submit(f"leg-{symbol}", symbol, qty="1", order_class=OrderClass.MLEG, parent_id=parent.id)
        for symbol in (call, put)
    ]
    one = Fill(execution_id="", order_id="", symbol="", side=Side.BUY, qty=Decimal(1), price=Decimal("2.5"), ts_ns=1)
    fills = tuple(evolve(one, execution_id=f"e{leg.id}", order_id=leg.id, symbol=leg.symbol) for leg in legs)
    whole = evolve(fills[0], execution_id="whole", order_id=parent.id, symbol="", price=Decimal(5))
    done = evolve(parent, filled_qty=Decimal(1), filled_avg_price=Decimal(5), updated_ns=venue.now_ns + 1)
    update = evolve(
        venue.told[0],
        change=OrderChange.FILL,
        order=evolve(done, legs=tuple(leg.id for leg in legs)),
        fill=whole,
        leg_fills=fills,
        position_qtys={call: Decimal(1), put: Decimal(1)},
    )
    pad.hear(venue.told[0], update)
    pad.note(pad.blotter.take_orders(tuple(evolve(leg, filled_qty=Decimal(1)) for leg in legs)))
    assert (pad.qty("alpha", call), pad.qty("alpha", put), pad.blotter.cash()) == (1, 1, -500)
    assert pad.blotter.profit("alpha", {call: Decimal(3), put: Decimal(3)}) == 100
    assert len([booked for taken in pad.answers for booked in taken.booked]) == 2
    assert pad.restored() == pad.blotter


def test_a_multiplier_that_is_learnt_later_is_used_for_what_was_booked(venue: Any, pad: Any) -> None:
    symbol = "AAPL1260320C00230000"
    order = venue.submit(pad.send(symbol=symbol, qty="1"), symbol, qty="1")
    venue.fill(order.id, "1", "2")
    pad.hear(*venue.told)
    pad.blotter.know(
        Asset(id="a", symbol=symbol, name="", asset_class=AssetClass.US_OPTION, exchange="", multiplier=Decimal(150))
    )
    assert pad.blotter.cash() == -300


def test_the_order_of_the_market_decides_what_was_realized_and_not_the_order_of_hearing(
    venue: Any, make_pad: Any
) -> None:
    name = "test1-alpha-"
    buy = venue.submit(f"{name}0", qty="15")
    sell = venue.submit(f"{name}1", side=Side.SELL, qty="5")
    fills = (venue.fill(buy.id, "10", "100"), venue.fill(sell.id, "5", "110"), venue.fill(buy.id, "5", "120"))
    for turn in (1, -1):
        pad = make_pad()
        pad.send(qty="15")
        pad.send(side=Side.SELL, qty="5")
        pad.note(pad.blotter.take_orders(tuple(venue.orders.values())))
        pad.note(pad.blotter.take_fills(fills[::turn]))
        held = pad.blotter.position("alpha", "AAPL")
        assert (held.qty, held.cost, held.realized) == (10, 1100, 50)
        assert pad.blotter.fills_of("alpha") == fills


@pytest.mark.parametrize(("side", "buying", "selling"), [(Side.BUY, 10, 0), (Side.SELL, 0, 10)])
def test_an_unknown_order_is_working(pad: Any, side: Side, buying: int, selling: int) -> None:
    pad.send(side=side)
    assert pad.blotter.working("AAPL") == (buying, selling)
    assert pad.blotter.working("AAPL", "beta") == (0, 0)


def test_of_exits_and_of_an_order_and_its_replacement_only_the_larger_works(venue: Any, pad: Any) -> None:
    entry, _, _ = venue.bracket(pad.send())
    venue.fill(entry.id, "4")
    pad.note(pad.blotter.take_orders(tuple(venue.orders.values())))
    assert pad.blotter.working("AAPL") == (6, 10)
    pad.send(qty="8", replaces=entry.id)
    assert pad.blotter.working("AAPL") == (8, 10)


def test_an_order_in_dollars_works_at_the_price_that_is_given(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    pad.note(pad.blotter.take_orders((evolve(order, qty=None, notional=Decimal(1000)),)))
    assert pad.blotter.working("AAPL", price=Decimal(50)) == (20, 0)
    assert pad.blotter.working("AAPL") == (0, 0)


def test_profit_counts_from_the_day_and_needs_its_prices(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send(qty="20"), qty="20")
    venue.fill(order.id, "10", "100")
    venue.now_ns += 24 * 3600 * 1_000_000_000
    venue.fill(order.id, "10", "110")
    pad.hear(*venue.told)
    now = {"AAPL": Decimal(120)}
    assert pad.blotter.profit("alpha", now) == 300
    assert pad.blotter.profit("alpha", {}) is None
    day = datetime.fromtimestamp(venue.now_ns / 1e9, UTC).date()
    pad.blotter.start_day(day, {"AAPL": Decimal(105)})
    assert pad.blotter.profit(None, now) == 10 * 15 + 10 * 10
    late = pad.restored()
    late.start_day(day, {"AAPL": Decimal(105)})
    assert late.profit("alpha", now) == 250
    late.start_day(day, {})
    assert late.profit("alpha", now) is None


def test_a_leg_that_was_told_before_its_parent_is_owned_even_if_an_execution_came_between(venue: Any, pad: Any) -> None:
    entry, profit, _ = venue.bracket(pad.send())
    fill = venue.fill(entry.id, "1")
    pad.note(pad.blotter.take_orders((profit,)))
    pad.note(pad.blotter.take_fills((fill,)))
    pad.note(pad.blotter.take_orders((evolve(venue.orders[entry.id], legs=()),)))
    assert pad.blotter.by_order_id(profit.id).strategy == "alpha"


def test_an_execution_that_moves_from_an_unknown_order_to_ours_is_handed_on_once(venue: Any, pad: Any) -> None:
    old = venue.submit(pad.send())
    new = venue.replace(old.id, pad.send(replaces=old.id))
    fill = venue.fill(new.id, "4")
    pad.note(pad.blotter.take_orders((venue.orders[old.id],)))
    pad.note(pad.blotter.take_fills((fill,)))
    pad.note(pad.blotter.take_orders((venue.orders[new.id],)))
    assert [booked for taken in pad.answers for booked in taken.booked] == [("alpha", fill)]


def test_an_execution_that_the_list_names_otherwise_than_the_stream_is_counted_once(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    fills = [venue.fill(order.id, qty, price) for qty, price in (("3", "100"), ("3", "100"), ("4", "101"))]
    listed = [evolve(fill, execution_id=f"listed-{fill.execution_id}") for fill in fills]
    pad.hear(*venue.told)
    taken = pad.note(pad.blotter.take_snapshot(venue.snapshot(fills=tuple(listed)), pad.blotter.mark()))
    assert (taken.booked, taken.doubts) == ((), ())
    assert (pad.qty("alpha"), pad.blotter.cash()) == (10, -1004)


def test_an_execution_like_another_is_another_as_soon_as_its_order_has_room_for_it(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    first = venue.fill(order.id, "3")
    second = venue.fill(order.id, "3")
    pad.hear(venue.told[0], venue.told[1])
    assert pad.note(pad.blotter.take_fills((first, second))).booked == ()
    assert pad.qty("alpha") == 3
    assert pad.hear(venue.told[2]).booked == (("alpha", second),)
    assert pad.qty("alpha") == 6
