"""What is known of an order only grows, and no error and no silence ends one."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from engine.core.blotter import Blotter
from engine.model.entry import Intended, Stood
from engine.model.intent import Outcome
from engine.model.order import OrderChange, OrderStatus, Side


def test_an_intent_is_the_first_entry_and_is_open(pad: Any) -> None:
    name = pad.intend()
    ticket = pad.blotter.ticket(name)
    assert pad.answers[0].entries == (Intended(intent=ticket.intent),)
    assert (ticket.outcome, ticket.open) == (Outcome.INTENDED, True)
    assert pad.blotter.unresolved() == (ticket,)


def test_an_intent_told_twice_is_one_and_another_under_its_id_is_a_mistake(pad: Any) -> None:
    intent = pad.blotter.ticket(pad.intend()).intent
    assert pad.blotter.intend(intent).entries == ()
    with pytest.raises(ValueError, match="intended before, and otherwise"):
        pad.blotter.intend(evolve(intent, at_ns=99))


def test_an_order_that_is_being_sent_is_unknown_and_counts_its_sends(pad: Any) -> None:
    name = pad.send()
    pad.note(pad.blotter.sent(name, 7))
    ticket = pad.blotter.ticket(name)
    assert (ticket.outcome, ticket.sends, ticket.sent_ns) == (Outcome.UNKNOWN, 2, 7)


def test_sending_what_was_never_intended_is_a_mistake(pad: Any) -> None:
    with pytest.raises(ValueError, match="never intended"):
        pad.blotter.sent("test1-alpha-9", 1)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.ABSENT, Outcome.DROPPED])
def test_an_order_that_never_got_there_ends_with_its_reason(pad: Any, outcome: Outcome) -> None:
    name = pad.send()
    taken = pad.note(getattr(pad.blotter, outcome)(name, "because"))
    ticket = pad.blotter.ticket(name)
    assert (ticket.outcome, ticket.reason, ticket.open) == (outcome, "because", False)
    assert taken.entries == (Stood(ticket=ticket),)
    assert pad.blotter.unresolved() == ()


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.ABSENT, Outcome.DROPPED])
def test_an_order_that_was_given_up_and_is_there_is_taken_and_doubted(venue: Any, pad: Any, outcome: Outcome) -> None:
    name = pad.send()
    pad.note(getattr(pad.blotter, outcome)(name, "because"))
    taken = pad.note(pad.blotter.take_orders((venue.submit(name),)))
    assert pad.blotter.ticket(name).outcome is Outcome.TAKEN
    assert any("the venue has it" in doubt for doubt in taken.doubts)
    (alarm,) = taken.alarms
    assert name in alarm and f"is {outcome}" in alarm and "cancel it" in alarm
    assert pad.note(pad.blotter.take_orders((venue.orders[pad.blotter.ticket(name).order.id],))).alarms == ()


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.ABSENT, Outcome.DROPPED])
def test_an_order_that_the_venue_told_of_cannot_be_given_up(venue: Any, pad: Any, outcome: Outcome) -> None:
    name = pad.send()
    pad.note(pad.blotter.take_orders((venue.submit(name),)))
    taken = pad.note(getattr(pad.blotter, outcome)(name, "because"))
    assert pad.blotter.ticket(name).outcome is Outcome.TAKEN
    assert (taken.entries, len(taken.doubts)) == ((), 1)


def test_a_fill_that_overtakes_the_reply_is_known_before_it(venue: Any, pad: Any) -> None:
    name = pad.send()
    reply = venue.submit(name)
    venue.fill(reply.id, "10")
    pad.hear(venue.told[-1])
    assert pad.note(pad.blotter.take_orders((reply,))).changed == ()
    assert pad.blotter.ticket(name).order.status is OrderStatus.FILLED
    assert pad.qty("alpha") == 10


def test_a_late_message_does_not_wake_an_order_that_has_ended(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.change(order.id, OrderChange.CANCELED)
    taken = pad.hear(*reversed(venue.told))
    assert (taken.changed, taken.doubts) == ((), ())
    assert pad.blotter.by_order_id(order.id).order.status is OrderStatus.CANCELED


def test_an_order_that_lives_after_its_end_is_a_doubt_and_stays_ended(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    ended = venue.change(order.id, OrderChange.CANCELED)
    pad.hear(*venue.told)
    undead = evolve(ended, status=OrderStatus.NEW, updated_ns=ended.updated_ns + 1)
    taken = pad.note(pad.blotter.take_orders((undead,)))
    assert "had ended as canceled" in taken.doubts[0]
    assert not pad.blotter.by_order_id(order.id).open


def test_two_different_ends_are_a_doubt(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    ended = venue.change(order.id, OrderChange.CANCELED)
    pad.hear(*venue.told)
    taken = pad.note(pad.blotter.take_orders((evolve(ended, status=OrderStatus.EXPIRED),)))
    assert "to have ended as canceled and as expired" in taken.doubts[0]


def test_a_filled_quantity_that_falls_is_a_doubt_and_does_not_fall(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.fill(order.id, "5")
    pad.hear(*venue.told)
    busted = evolve(venue.orders[order.id], filled_qty=Decimal(2), updated_ns=venue.now_ns + 1)
    taken = pad.note(pad.blotter.take_orders((busted,)))
    assert "was an execution undone?" in taken.doubts[0]
    assert pad.blotter.by_order_id(order.id).order.filled_qty == 5


def test_more_filled_than_asked_for_is_a_doubt_and_is_booked(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    over = evolve(order, filled_qty=Decimal(12), filled_avg_price=Decimal(100), updated_ns=venue.now_ns + 1)
    taken = pad.note(pad.blotter.take_orders((over,)))
    assert any("12 filled of 10" in doubt for doubt in taken.doubts)
    assert pad.qty("alpha") == 12


def test_two_orders_under_one_client_id_are_a_doubt_and_both_are_kept(venue: Any, pad: Any) -> None:
    name = pad.send()
    first, second = venue.submit(name), venue.submit(name)
    taken = pad.note(pad.blotter.take_orders((first, second)))
    assert any("the same client order id" in doubt for doubt in taken.doubts)
    venue.fill(first.id, "10")
    venue.fill(second.id, "10")
    pad.hear(*venue.told)
    assert pad.qty("alpha") == 20
    assert pad.blotter.by_order_id(second.id).strategy == "alpha"


def test_an_order_of_nobody_here_is_kept_reported_and_belongs_to_nobody(venue: Any, pad: Any) -> None:
    order = venue.submit("by hand")
    taken = pad.note(pad.blotter.take_orders((order,)))
    ticket = pad.blotter.ticket("by hand")
    assert (ticket.strategy, ticket.intent, ticket.outcome) == ("", None, Outcome.TAKEN)
    assert "placed by no strategy here" in taken.reports[0]
    assert pad.blotter.open_tickets("") == (ticket,)
    venue.fill(order.id, "3")
    assert pad.hear(venue.told[-1]).booked == ()
    assert (pad.qty(""), pad.blotter.strategies()) == (3, ())


def test_a_replacement_belongs_to_whose_the_old_order_is_in_either_order(venue: Any, make_pad: Any) -> None:
    for turn in (1, -1):
        pad = make_pad()
        old = venue.submit(pad.send())
        new = venue.replace(old.id, f"by the venue {turn}")
        venue.fill(new.id, "10")
        orders = (venue.orders[old.id], venue.orders[new.id])
        pad.note(pad.blotter.take_orders(orders[::turn]))
        assert pad.blotter.by_order_id(new.id).strategy == "alpha"
        assert (pad.qty("alpha"), pad.qty("")) == (10, 0)
        assert pad.blotter.by_order_id(old.id).order.replaced_by == new.id


def test_legs_belong_to_their_parents_strategy_also_when_they_are_told_of_first(venue: Any, make_pad: Any) -> None:
    for turn in (1, -1):
        pad = make_pad()
        entry, profit, stop = venue.bracket(pad.send())
        venue.fill(entry.id, "10")
        venue.change(profit.id, OrderChange.NEW)
        venue.fill(profit.id, "4", "110")
        orders = tuple(venue.orders[order.id] for order in (entry, profit, stop))
        unrelated = tuple(evolve(order, parent_id="") for order in orders)  # as the stream tells them
        pad.note(pad.blotter.take_orders(unrelated[1:]))
        pad.note(pad.blotter.take_orders(orders[::turn]))
        assert pad.qty("alpha") == 6
        pad.note(pad.blotter.take_fills(venue.fills[-2:]))
        assert pad.qty("alpha") == 6
        assert {ticket.strategy for ticket in pad.blotter.open_tickets()} == {"alpha"}
        assert len(pad.blotter.open_tickets("alpha", "AAPL")) == 2


def test_a_rejection_after_acceptance_ends_the_order(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.change(order.id, OrderChange.REJECTED)
    pad.hear(*venue.told)
    ticket = pad.blotter.by_order_id(order.id)
    assert (ticket.outcome, ticket.order.status, ticket.open) == (Outcome.TAKEN, OrderStatus.REJECTED, False)


def test_a_refused_cancel_leaves_the_order_as_it_was(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.change(order.id, OrderChange.PENDING_CANCEL)
    venue.change(order.id, OrderChange.CANCEL_REJECTED)
    assert pad.hear(*venue.told).doubts == ()
    assert pad.blotter.by_order_id(order.id).order.status is OrderStatus.NEW


def test_an_order_restated_by_the_venue_is_a_doubt(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.change(order.id, OrderChange.RESTATED)
    assert "restated" in pad.hear(*venue.told).doubts[0]


def test_ids_count_for_each_strategy_and_go_on_after_a_restart(pad: Any) -> None:
    assert [pad.intend(), pad.intend("beta"), pad.intend()] == ["test1-alpha-0", "test1-beta-0", "test1-alpha-1"]
    assert pad.restored().next_id("alpha") == ("test1-alpha-2", 2)


def test_telling_the_same_thing_twice_writes_and_says_nothing(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send(side=Side.SELL), side=Side.SELL)
    venue.fill(order.id, "3")
    pad.hear(*venue.told)
    again = pad.hear(venue.told[-1])
    assert (again.changed, again.entries, again.booked, again.doubts) == ((), (), (), ())


def test_a_blotter_with_nothing_written_is_a_new_one(pad: Any) -> None:
    assert pad.restored() == Blotter("test1")
