"""Whose shares a closing order gave back is read from its id, also by the next run and beside an engine that saw it."""

from decimal import Decimal

import pytest

from engine.app.kill.own import claim, closing_prefix, named_by
from engine.core.ids import render_client_order_id
from engine.model.entry import Remembered
from engine.model.intent import Outcome, Ticket
from engine.model.order import AssetClass, Order, OrderStatus, OrderType, Side, TimeInForce

RUN = f"{2**63:x}.{4_194_304:x}.a"
"""As long as one can be."""
CONTRACT = "SPXW260320C05000000"


def order(client_order_id: str, order_id: str = "o1") -> Order:
    return Order(
        id=order_id,
        client_order_id=client_order_id,
        symbol="SPY",
        asset_id="",
        asset_class=AssetClass.US_EQUITY,
        side=Side.SELL,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        status=OrderStatus.FILLED,
        qty=Decimal(3),
        filled_qty=Decimal(3),
    )


@pytest.mark.parametrize("name", ["trend", "my strategy", "a.b_c", "x" * 200])
def test_an_id_names_the_strategy_that_it_closes_and_fits_the_venue(name: str) -> None:
    closing = f"{closing_prefix(RUN, name)}-{CONTRACT}-12"
    assert len(closing) <= 128
    assert named_by(closing) == named_by(render_client_order_id("k3x9", name, 7)) != ""


@pytest.mark.parametrize("text", ["", "by hand", f"{closing_prefix(RUN, '')}-SPY-1"])
def test_other_ids_name_nobody(text: str) -> None:
    assert named_by(text) == ""


@pytest.mark.parametrize("known", ["not at all", "by its executions", "as nobody's"])
def test_a_closing_order_is_its_strategys_however_it_is_known(known: str) -> None:
    closing = order(f"{closing_prefix(RUN, 'trend')}-SPY-1")
    nobodys = Ticket(client_order_id="o1", strategy="", intent=None, outcome=Outcome.TAKEN)
    tickets = {
        "not at all": (),
        "by its executions": (nobodys,),
        "as nobody's": (
            Ticket(
                client_order_id=closing.client_order_id, strategy="", intent=None, outcome=Outcome.TAKEN, order=closing
            ),
        ),
    }[known]
    by_hand = order("by hand", "o2")
    claimed = claim(
        Remembered(session="k3x9", next_seq={}, tickets=tickets), (closing, by_hand), ("fade", "trend")
    ).tickets
    assert [(ticket.strategy, ticket.order) for ticket in claimed] == [("trend", closing)]
