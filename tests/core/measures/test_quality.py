"""Slippage is against what the market showed at the decision, or against the price that an order was to wait for."""

from decimal import Decimal

import pytest
from attrs import evolve

from engine.core.measures.quality import filled_orders, sum_up
from engine.core.measures.series import Book, Series, Told
from engine.model.intent import Ticket
from engine.model.order import OrderType
from tests.app.postmortem.made import filled

NS = 1_000_000_000
END_NS = 1000 * NS
BOOK = Book([0, 50 * NS], [99.99, 109.99], [100.01, 110.01])
TOLD = Told(Series([0, 50 * NS, 100 * NS], [100.0, 110.0, 101.0]), BOOK, "trades")


def of_type(ticket: Ticket, kind: OrderType, **prices: Decimal) -> Ticket:
    assert ticket.order is not None
    assert ticket.intent is not None
    request = evolve(ticket.intent.request, type=kind, **prices)
    return evolve(
        ticket, order=evolve(ticket.order, type=kind, **prices), intent=evolve(ticket.intent, request=request)
    )


def test_a_purchase_above_the_middle_and_a_sale_below_it_cost() -> None:
    orders = filled_orders(
        [filled(1, "SPY", "10", "100.02", 10 * NS), filled(2, "SPY", "-10", "99.97", 11 * NS)],
        lambda _: TOLD,
        0,
        END_NS,
    )
    assert [one.slippage_bps for one in orders] == pytest.approx([2.0, 3.0])
    assert [one.slippage for one in orders] == pytest.approx([0.2, 0.3])
    assert [one.half_spread_bps for one in orders] == pytest.approx([1.0, 1.0])
    assert [one.sent_ms for one in orders] == [2.0, 2.0]
    assert [one.first_fill_ms for one in orders] == [20.0, 20.0]
    assert orders[0].after_bps == pytest.approx((110 - 100.02) / 100.02 * 1e4)
    whole = sum_up(orders)
    assert whole.slippage == pytest.approx(0.5)
    assert whole.slippage_bps == pytest.approx(0.5 / (1000.2 + 999.7) * 1e4, rel=1e-3)


def test_a_limit_that_had_to_wait_is_held_against_its_limit() -> None:
    waiting = of_type(filled(1, "SPY", "10", "99.50", 10 * NS), OrderType.LIMIT, limit_price=Decimal("99.50"))
    (order,) = filled_orders([waiting], lambda _: TOLD, 0, END_NS)
    assert (order.against, order.slippage_bps) == (99.5, 0.0)


def test_a_limit_that_was_met_at_once_is_held_against_the_middle() -> None:
    at_once = of_type(filled(1, "SPY", "10", "100.01", 10 * NS), OrderType.LIMIT, limit_price=Decimal("100.05"))
    (order,) = filled_orders([at_once], lambda _: TOLD, 0, END_NS)
    assert order.against == 100.0
    assert order.slippage_bps == pytest.approx(1.0)


def test_a_stop_is_held_against_the_price_that_triggers_it() -> None:
    stop = of_type(filled(1, "SPY", "-10", "98.90", 10 * NS), OrderType.STOP, stop_price=Decimal(99))
    (order,) = filled_orders([stop], lambda _: TOLD, 0, END_NS)
    assert (order.against, order.slippage) == (99.0, pytest.approx(1.0))


def test_without_quotes_the_last_price_counts_and_without_any_nothing_is_said() -> None:
    ticket = filled(1, "SPY", "10", "100.02", 10 * NS)
    (by_price,) = filled_orders([ticket], lambda _: evolve(TOLD, book=Book()), 0, END_NS)
    (blind,) = filled_orders([ticket], lambda _: Told(), 0, END_NS)
    assert (by_price.against, by_price.half_spread_bps) == (100.0, None)
    assert (blind.against, blind.slippage, blind.after_bps) == (None, None, None)
    assert sum_up([blind]).slippage is None
    assert sum_up([]).orders == 0


def test_what_was_filled_before_and_what_is_nobodys_is_left_out() -> None:
    ticket = filled(1, "SPY", "10", "100.02", 10 * NS)
    assert not filled_orders([ticket], lambda _: TOLD, 500 * NS, END_NS)
    assert not filled_orders([evolve(ticket, strategy="")], lambda _: TOLD, 0, END_NS)


def test_a_side_without_a_quote_is_no_book() -> None:
    book = Book([0], [0.0], [100.0])
    assert book.at(5) is None
    assert BOOK.at(-1) is None
