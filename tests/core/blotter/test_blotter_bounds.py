"""What is remembered is bounded, and forgetting costs neither a position nor a day's profit."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from engine.core.blotter.blotter import ENDED_MAX, ENDED_SLACK
from engine.model.entry import Carried


def test_ended_orders_beyond_the_newest_are_folded_into_their_lines(venue: Any, pad: Any) -> None:
    day = datetime.fromtimestamp(venue.now_ns / 1e9, UTC).date()
    pad.blotter.start_day(day, {})
    count = ENDED_MAX + ENDED_SLACK + 1
    for _ in range(count):
        order = venue.submit(pad.send(qty="1"), qty="1")
        venue.fill(order.id, "1")
        pad.hear(venue.told[-1])
        del venue.told[:]
    carried = [entry for taken in pad.answers for entry in taken.entries if isinstance(entry, Carried)]
    assert carried[-1].position.qty == ENDED_SLACK + 1
    assert len(pad.blotter.fills_of("alpha")) == ENDED_MAX
    assert pad.blotter.ticket("test1-alpha-0") is None
    assert pad.qty("alpha") == count
    assert pad.blotter.profit("alpha", {"AAPL": Decimal(101)}) == count
    restored = pad.restored()
    restored.start_day(day, {})
    assert restored.position("alpha", "AAPL") == pad.blotter.position("alpha", "AAPL")
    assert restored.profit("alpha", {"AAPL": Decimal(101)}) == count


def test_a_fill_older_than_what_was_folded_is_booked_and_written(venue: Any, pad: Any) -> None:
    slow, quick = venue.submit(pad.send()), venue.submit(pad.send())
    late = venue.fill(slow.id, "4")
    venue.fill(quick.id, "10")
    update = venue.told.pop(2)
    pad.hear(*venue.told)
    pad.note(pad.blotter.carry(venue.now_ns))
    assert pad.blotter.by_order_id(quick.id) is None
    taken = pad.hear(update)
    assert (pad.qty("alpha"), taken.booked) == (14, (("alpha", late),))
    assert isinstance(taken.entries[-1], Carried)
    assert pad.restored().position("alpha", "AAPL") == pad.blotter.position("alpha", "AAPL")
    assert pad.blotter.cash() == pad.restored().cash() == venue.cash


def test_an_order_with_unknown_executions_is_not_forgotten(venue: Any, pad: Any) -> None:
    order = venue.submit(pad.send())
    venue.fill(order.id, "10")
    pad.note(pad.blotter.take_orders((venue.orders[order.id],)))
    pad.note(pad.blotter.carry(venue.now_ns + 1))
    assert pad.blotter.by_order_id(order.id) is not None
    pad.round(venue.snapshot())
    pad.note(pad.blotter.carry(venue.now_ns + 1))
    assert (pad.blotter.by_order_id(order.id), pad.qty("alpha")) == (None, 10)
