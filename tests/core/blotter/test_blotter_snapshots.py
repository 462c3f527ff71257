"""A snapshot proves what nothing can have overtaken; afterwards the sub-ledgers add up to what the broker holds."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from engine.core.blotter import Blotter
from engine.core.blotter.comparing import fee_in_kind, share_out
from engine.model.entry import Adjusted
from engine.model.order import Fill, OrderChange, OrderStatus, Side


def shares_of(**shares: str) -> dict[str, Decimal]:
    """Shares by strategy; ``nobody`` is nobody's."""
    return {name.replace("nobody", ""): Decimal(qty) for name, qty in shares.items()}


@pytest.mark.parametrize(
    ("told", "shares", "changes"),
    [
        ("10", shares_of(a="10"), shares_of()),
        ("15", shares_of(a="10"), shares_of(nobody="5")),
        ("6", shares_of(a="10"), shares_of(a="-4")),
        ("6", shares_of(a="3", b="7"), shares_of(a="-3", b="-1")),
        ("12", shares_of(a="10", nobody="5"), shares_of(nobody="-3")),
        ("7", shares_of(a="10", nobody="5"), shares_of(nobody="-5", a="-3")),
        ("5", shares_of(a="10", nobody="-5"), shares_of(nobody="5", a="-5")),
        ("-5", shares_of(a="10"), shares_of(a="-10", nobody="-5")),
        ("0", shares_of(a="10", b="-10"), shares_of()),
        ("3", shares_of(a="10", b="-4"), shares_of(a="-3")),
        ("-3", shares_of(a="-10"), shares_of(a="7")),
        ("0", shares_of(), shares_of()),
    ],
)
def test_what_is_missing_is_taken_from_nobody_first_then_from_who_believes_to_have_it(
    told: str, shares: dict[str, Decimal], changes: dict[str, Decimal]
) -> None:
    assert share_out(Decimal(told), shares, {}) == changes


def test_what_was_taken_is_given_back_before_anything_is_somebody_elses() -> None:
    assert share_out(Decimal(12), shares_of(a="4"), shares_of(a="6")) == shares_of(a="6", nobody="2")


def test_a_fee_is_at_most_a_hundredth_of_what_was_bought() -> None:
    fill = Fill(
        execution_id="e", order_id="o", symbol="BTC/USD", side=Side.BUY, qty=Decimal(2), price=Decimal(1), ts_ns=1
    )
    assert fee_in_kind(Decimal("0.02"), [fill]) == {"e": Decimal("0.02")}
    assert fee_in_kind(Decimal("0.03"), [fill]) == {}
    assert fee_in_kind(Decimal("-0.01"), [fill]) == {}
    assert fee_in_kind(Decimal("0.01"), []) == {}


def test_a_position_of_somebody_else_is_adopted_at_once_and_reported(venue: Any, pad: Any) -> None:
    venue.hand("TSLA", "7")
    taken = pad.round(venue.snapshot())
    assert (pad.qty("", "TSLA"), taken.doubts, pad.blotter.cash()) == (7, (), 0)
    assert "belong to no strategy here" in taken.reports[0]
    assert pad.blotter.profit(None, {}) == 0


def test_the_same_snapshot_again_changes_nothing(venue: Any, pad: Any) -> None:
    venue.hand("TSLA", "7")
    snapshot = venue.snapshot()
    pad.round(snapshot)
    assert pad.round(snapshot).entries == ()


def test_a_difference_to_what_a_strategy_holds_counts_when_it_is_told_twice(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.fill(order.id, "10")
    pad.hear(*venue.told)
    venue.hand("AAPL", "-4")
    snapshot, mark = venue.snapshot(), pad.blotter.mark()
    for _ in range(2):  # the same answer twice is one answer
        taken = pad.note(pad.blotter.take_snapshot(snapshot, mark))
        assert (pad.qty("alpha"), len(taken.doubts), taken.entries) == (10, 1, ())
    taken = pad.round(venue.snapshot())
    assert (pad.qty("alpha"), taken.doubts) == (6, ())
    assert isinstance(taken.entries[0], Adjusted)
    assert "holds 6 instead of 10" in taken.reports[0]
    assert pad.round(venue.snapshot()).doubts == ()


def sold_behind_its_back(venue: Any, pad: Any, qty: str = "4", name: str = "by hand") -> Fill:
    """A strategy buys ten, and an order of nobody here sells some of them."""
    order = venue.submit(pad.send())
    venue.fill(order.id, "10")
    other = venue.submit(name, side=Side.SELL, qty=qty)
    fill: Fill = venue.fill(other.id, qty, "110")
    pad.hear(*venue.told)
    return fill


def test_shares_that_a_person_sold_are_not_believed_in_any_more(venue: Any, pad: Any) -> None:
    sold_behind_its_back(venue, pad)
    assert (pad.qty("alpha"), pad.qty("")) == (10, -4)
    assert pad.answers[-1].doubts == ("AAPL: 4 that strategies hold are no longer there: others traded against them",)
    snapshot = venue.snapshot()
    taken = pad.round(snapshot)
    assert (pad.qty("alpha"), pad.qty(""), taken.doubts) == (6, 0, ())
    why = "because 4 that it held were sold at 110 by an order of no strategy here (by hand)."
    assert taken.reports == (f"AAPL: strategy alpha holds 6, {why}",)
    assert [pad.round(each).entries for each in (snapshot, venue.snapshot())] == [(), ()]
    assert pad.restored() == pad.blotter
    assert pad.blotter.profit("alpha", {"AAPL": Decimal(110)}) == 100
    assert pad.blotter.position("", "AAPL").realized == 0
    assert pad.blotter.cash() == venue.cash


def test_what_gapless_kill_sold_is_put_down_to_it(venue: Any, pad: Any) -> None:
    sold_behind_its_back(venue, pad, "10", "kill-1-2-AAPL-0")
    reports = [sentence for taken in pad.answers for sentence in taken.reports]
    assert "(sell AAPL) was placed by 'gapless kill'" in reports[0]
    assert (
        "holds 0, because 10 that it held were sold at 110 by an order of 'gapless kill'"
        in (pad.round(venue.snapshot()).reports[0])
    )


def test_who_buys_while_a_person_is_short_buys_that_back_at_its_own_price(venue: Any, pad: Any) -> None:
    other = venue.submit("by hand", side=Side.SELL, qty="4")
    venue.fill(other.id, "4", "500")
    order = venue.submit(pad.send())
    venue.fill(order.id, "10")
    pad.hear(*venue.told)
    pad.round(venue.snapshot())
    assert (pad.qty("alpha"), pad.qty("")) == (6, 0)
    assert pad.blotter.profit("alpha", {"AAPL": Decimal(100)}) == 0


def test_several_strategies_lose_what_several_executions_took_each_at_its_price(venue: Any, pad: Any) -> None:
    for strategy in ("alpha", "beta"):
        venue.fill(venue.submit(pad.send(strategy, qty="3"), qty="3").id, "3")
    other = venue.submit("by hand", side=Side.SELL, qty="5")
    for qty, price in (("4", "110"), ("1", "120")):
        venue.fill(other.id, qty, price)
    pad.hear(*venue.told)
    pad.round(venue.snapshot())
    assert [pad.qty(name) for name in ("alpha", "beta", "")] == [0, 1, 0]
    realized = [pad.blotter.position(name, "AAPL").realized for name in ("alpha", "beta", "")]
    assert realized == [40, 20, 0], "the newest execution is put down first"


def test_an_execution_that_turns_out_to_be_ours_gives_back_what_it_took(venue: Any, pad: Any) -> None:
    entry, leg, _ = venue.bracket(pad.send())
    unlinked = evolve(leg, parent_id="", status=OrderStatus.NEW)
    venue.orders[leg.id] = unlinked
    venue.fill(entry.id, "10")
    venue.fill(leg.id, "10", "110")
    told = [evolve(each, order=evolve(each.order, legs=())) for each in venue.told]
    pad.hear(*(evolve(each, order=unlinked) if each.order == leg else each for each in told))
    orders = tuple(evolve(order, legs=()) for order in venue.orders.values())
    assert (pad.qty("alpha"), pad.qty("")) == (10, -10)
    pad.round(venue.snapshot(orders=orders))
    assert (pad.qty("alpha"), pad.qty("")) == (0, 0)
    pad.note(pad.blotter.take_orders([venue.orders[entry.id]]))
    assert (pad.qty("alpha"), pad.qty("")) == (0, 0)
    assert pad.blotter.by_order_id(leg.id).strategy == "alpha"
    assert pad.round(venue.snapshot()).entries == ()
    assert pad.blotter.profit("alpha", {}) == 100
    assert pad.restored() == pad.blotter


def test_an_order_that_is_claimed_in_the_file_gives_back_what_it_took(venue: Any, pad: Any) -> None:
    """So `gapless kill` reads the file: its own orders are those of the strategies that they closed."""
    sold_behind_its_back(venue, pad, "10", "kill-1-alpha-AAPL-0")
    pad.round(venue.snapshot())
    remembered = pad.file.remembered()
    claimed = tuple(evolve(ticket, strategy="alpha") for ticket in remembered.tickets)
    books = Blotter.restore(evolve(remembered, tickets=claimed))
    assert [books.position(name, "AAPL").qty for name in ("alpha", "")] == [0, 0]


def test_the_execution_of_an_order_that_nobody_told_of_takes_nothing_at_once(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.fill(order.id, "10")
    pad.hear(*venue.told)
    other = venue.submit("perhaps ours", side=Side.SELL, qty="4")
    venue.fill(other.id, "4")
    assert pad.round(venue.snapshot(orders=(venue.orders[order.id],))).doubts
    assert (pad.qty("alpha"), pad.qty("")) == (10, -4)


def test_what_happened_after_the_mark_is_not_judged(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    pad.hear(*venue.told)
    mark, old = pad.blotter.mark(), venue.snapshot()
    venue.fill(order.id, "10")
    pad.hear(venue.told[-1])
    for _ in range(3):
        taken = pad.note(pad.blotter.take_snapshot(old, mark))
        assert (taken.doubts, taken.entries, pad.qty("alpha")) == ((), (), 10)


def test_a_fill_between_two_answers_of_a_round_is_waited_for(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    pad.hear(*venue.told)
    early = venue.snapshot()
    venue.fill(order.id, "10")
    torn = evolve(early, positions=venue.positions())
    assert len(pad.round(torn).doubts) == 1
    assert pad.round(venue.snapshot()).doubts == ()
    assert (pad.qty("alpha"), pad.qty("")) == (10, 0)
    assert not any(isinstance(entry, Adjusted) for taken in pad.answers for entry in taken.entries)


def test_a_lie_that_is_told_twice_costs_a_strategy_nothing(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.fill(order.id, "10")
    pad.hear(*venue.told)
    for _ in range(2):
        pad.round(venue.snapshot(positions=()))
    assert pad.qty("alpha") == 0
    for _ in range(2):
        taken = pad.round(venue.snapshot())
    assert (pad.qty("alpha"), pad.qty(""), taken.doubts) == (10, 0, ())
    assert pad.blotter.profit("alpha", {"AAPL": Decimal(100)}) == 0
    assert pad.restored() == pad.blotter


def test_an_execution_that_explains_an_adjustment_takes_it_back(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.fill(order.id, "10")
    sell = venue.submit(pad.send(side=Side.SELL), side=Side.SELL)
    pad.hear(*venue.told)
    before = venue.snapshot()
    fill = venue.fill(sell.id, "4", "120")
    for _ in range(2):  # lists and activities lag for longer than positions do
        venue.now_ns += 1
        pad.round(evolve(before, positions=venue.positions(), asked_ns=venue.now_ns, told_ns=venue.now_ns))
    assert pad.qty("alpha") == 6
    pad.note(pad.blotter.take_fills((fill,)))
    assert pad.qty("alpha") == 6
    assert pad.round(venue.snapshot()).doubts == ()
    assert (pad.qty("alpha"), pad.qty("")) == (6, 0)
    assert pad.blotter.cash() == venue.cash
    assert pad.blotter.profit("alpha", {"AAPL": Decimal(100)}) == 80


def test_a_fee_in_coins_that_nobody_told_is_found_by_a_snapshot(venue: Any, pad: Any) -> None:
    venue.coin_fee = Decimal("0.0025")
    order = venue.submit(pad.send(symbol="BTC/USD", qty="2"), "BTC/USD", qty="2")
    venue.fill(order.id, "2", "50000")
    taken = pad.round(venue.snapshot())
    assert (pad.qty("alpha", "BTC/USD"), pad.qty("", "BTC/USD")) == (Decimal("1.995"), 0)
    assert taken.reports == ()
    assert pad.round(venue.snapshot()).entries == ()


def test_an_open_order_that_the_broker_does_not_list_is_a_doubt_and_stays_open(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    pad.hear(*venue.told)
    for absent in (frozenset(), frozenset({order.client_order_id})):
        taken = pad.round(venue.snapshot(orders=(), absent=absent))
        assert len(taken.doubts) == 1
        assert pad.blotter.by_order_id(order.id).open


def test_an_unknown_order_stays_unknown_while_the_broker_says_nothing_of_it(venue: Any, pad: Any) -> None:
    name = pad.send()
    assert pad.round(venue.snapshot()).doubts == ()
    assert [ticket.client_order_id for ticket in pad.blotter.unresolved()] == [name]


def test_how_a_snapshot_tells_an_order_beats_a_message_that_cannot_be_told_apart(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send(), stop_price=Decimal(90))
    pad.hear(*venue.told)
    moved = evolve(order, stop_price=Decimal(80), legs=("x",))
    pad.round(venue.snapshot(orders=(moved,)))
    assert pad.blotter.by_order_id(order.id).order == moved


def test_an_old_list_does_not_undo_what_the_stream_told(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    old = venue.snapshot()
    venue.change(order.id, OrderChange.CANCELED)
    pad.hear(*venue.told)
    pad.round(old)
    assert pad.blotter.by_order_id(order.id).order.status is OrderStatus.CANCELED


def test_missing_executions_are_a_doubt_in_every_round_until_they_are_told(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.fill(order.id, "10")
    for _ in range(2):
        assert "are not known yet" in pad.round(venue.snapshot(fills=())).doubts[0]
        assert pad.qty("alpha") == 10
    assert pad.round(venue.snapshot()).doubts == ()
