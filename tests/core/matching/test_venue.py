"""The door of the matching engine: what is told, when, and what a refusal leaves behind."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from engine.core.calendar import NEW_YORK, instant_of
from engine.core.matching.ledger import AccountTerms, Ledger
from engine.core.matching.models import MODELS
from engine.core.matching.venue import Matching
from engine.core.rules import Refused
from engine.exchange.assets import build_assets
from engine.model.market import News, Quote, Trade
from engine.model.order import Order, OrderClass, OrderRequest, OrderType, OrderUpdate, Side, TimeInForce

MS = 1_000_000
OPEN_NS = instant_of(datetime(2026, 3, 2, 9, 30, tzinfo=NEW_YORK))


def _venue(latency_ns: int = 0) -> Matching:
    model = evolve(MODELS["touch"], latency_ns=latency_ns)
    venue = Matching(build_assets(["AAPL", "BTC/USD"]), Ledger(AccountTerms()), model, 7, OPEN_NS)
    venue.take(Quote("AAPL", OPEN_NS + 1, 100.0, 500.0, 100.02, 500.0), OPEN_NS + 1)
    return venue


def _request(**values: Any) -> OrderRequest:
    market = {
        "symbol": "AAPL",
        "side": Side.BUY,
        "type": OrderType.MARKET,
        "time_in_force": TimeInForce.DAY,
        "qty": Decimal(10),
    }
    return OrderRequest(**(market | values))


def _changes(updates: list[OrderUpdate]) -> list[str]:
    return [str(update.change) for update in updates]


def test_the_reply_shows_the_order_before_the_stream_tells_of_it() -> None:
    order, updates = _venue().submit(_request(), OPEN_NS + 2)
    assert (order.status, order.filled_qty) == ("pending_new", 0)
    assert _changes(updates) == ["pending_new", "new", "fill"]
    fill = updates[-1]
    assert fill.fill is not None
    assert (fill.fill.qty, fill.fill.price, fill.position_qty) == (10, Decimal("100.02"), 10)
    assert fill.execution_id == fill.fill.execution_id != ""
    assert fill.order.filled_avg_price == Decimal("100.02")


def test_an_order_reaches_the_market_after_its_latency_and_meets_the_market_of_then() -> None:
    venue = _venue(latency_ns=5 * MS)
    order, updates = venue.submit(_request(), OPEN_NS + 2)
    assert _changes(updates) == ["pending_new"]
    assert venue.next_due_ns == OPEN_NS + 2 + 5 * MS
    assert venue.take(Quote("AAPL", OPEN_NS + MS, 101.0, 500.0, 101.02, 500.0), OPEN_NS + MS) == []
    told = venue.pass_time(venue.next_due_ns)
    assert _changes(told) == ["new", "fill"]
    assert told[0].ts_ns == told[0].order.submitted_ns == order.created_ns + 5 * MS
    assert venue.fills[-1].price == Decimal("101.02")


def test_what_was_due_happens_before_an_event_at_its_own_time() -> None:
    venue = _venue(latency_ns=5 * MS)
    venue.submit(_request(), OPEN_NS + 2)
    told = venue.take(Quote("AAPL", OPEN_NS + 9 * MS, 90.0, 500.0, 90.02, 500.0), OPEN_NS + 9 * MS)
    assert _changes(told) == ["new", "fill"]
    assert venue.fills[-1].price == Decimal("100.02")
    assert told[-1].ts_ns == OPEN_NS + 2 + 5 * MS


def test_every_fill_cites_the_market() -> None:
    venue = _venue()
    venue.submit(_request(), OPEN_NS + 2)
    cites = venue.citations[venue.fills[-1].execution_id]
    assert (cites.kind, cites.ts_ns, cites.price, cites.size) == ("quote", OPEN_NS + 1, Decimal("100.02"), 500)


def test_a_refused_order_leaves_nothing_behind() -> None:
    venue = _venue()
    before = venue.account()
    with pytest.raises(Refused, match="insufficient buying power"):
        venue.submit(_request(qty=Decimal(100_000)), OPEN_NS + 2)
    assert (venue.account(), len(venue.orders), venue.open_orders()) == (before, 0, ())


def test_a_refusal_loses_nothing_of_what_became_due() -> None:
    venue = _venue(latency_ns=5 * MS)
    venue.submit(_request(), OPEN_NS + 2)
    with pytest.raises(Refused):
        venue.submit(_request(qty=Decimal(-1)), OPEN_NS + 9 * MS)
    assert _changes(venue.pass_time(OPEN_NS + 9 * MS)) == ["new", "fill"]


def test_a_client_s_id_is_taken_for_as_long_as_its_order_is_remembered() -> None:
    venue = _venue()
    order, _ = venue.submit(_request(client_order_id="mine"), OPEN_NS + 2)
    assert venue.orders.by_client_id("mine") == venue.orders[order.id]
    with pytest.raises(Refused, match="client_order_id must be unique") as refusal:
        venue.submit(_request(client_order_id="mine"), OPEN_NS + 3)
    assert (refusal.value.status, refusal.value.code) == (422, 40010001)


def test_an_order_may_not_meet_one_of_the_account_s_own() -> None:
    venue = _venue()
    venue.submit(_request(), OPEN_NS + 2)
    resting, _ = venue.submit(_request(side=Side.SELL, type=OrderType.LIMIT, limit_price=Decimal(101)), OPEN_NS + 3)
    with pytest.raises(Refused, match="wash trade") as refusal:
        venue.submit(_request(), OPEN_NS + 4)
    assert refusal.value.extra["existing_order_id"] == resting.id


def test_an_order_for_dollars_is_done_when_nothing_more_can_be_bought() -> None:
    venue = _venue()
    order, updates = venue.submit(_request(qty=None, notional=Decimal(1000)), OPEN_NS + 2)
    assert _changes(updates) == ["pending_new", "new", "fill"]
    filled = venue.orders[order.id]
    assert filled.filled_qty == Decimal("9.998000399")
    assert filled.qty is None
    assert filled.filled_qty * Decimal("100.02") <= 1000


def test_a_stop_waits_for_a_trade_at_its_price_and_a_limit_for_its_own() -> None:
    venue = _venue()
    venue.submit(_request(), OPEN_NS + 2)
    _, told = venue.submit(_request(side=Side.SELL, type=OrderType.STOP, stop_price=Decimal(99)), OPEN_NS + 3)
    assert _changes(told) == ["pending_new", "new"]
    assert venue.take(Quote("AAPL", OPEN_NS + 4, 98.0, 500.0, 98.02, 500.0), OPEN_NS + 4) == []
    assert _changes(venue.take(Trade("AAPL", OPEN_NS + 5, 98.5, 100.0), OPEN_NS + 5)) == ["fill"]
    assert venue.fills[-1].price == 98


def test_the_better_price_fills_first_and_then_the_older_order() -> None:
    venue = _venue()
    sent: list[Order] = []
    for number, limit in enumerate(("98", "99", "99")):
        request = _request(type=OrderType.LIMIT, limit_price=Decimal(limit))
        sent.append(venue.submit(request, OPEN_NS + 2 + number)[0])
    told = venue.take(Trade("AAPL", OPEN_NS + 9, 97.0, 25.0), OPEN_NS + 9)
    assert [update.order.id for update in told] == [sent[1].id, sent[2].id, sent[0].id]
    assert [update.fill.qty for update in told if update.fill] == [10, 10, 5]


def test_news_and_symbols_nobody_can_trade_are_nothing_to_the_venue() -> None:
    venue = _venue()
    assert venue.take(News("", OPEN_NS + 2, 1, "headline"), OPEN_NS + 2) == []
    assert venue.take(Trade("ZZZZ", OPEN_NS + 3, 1.0, 1.0), OPEN_NS + 3) == []
    assert venue.view("ZZZZ") is None


def test_the_account_is_worth_what_the_market_says_now() -> None:
    venue = _venue()
    venue.submit(_request(), OPEN_NS + 2)
    cash = venue.account().cash
    venue.take(Trade("AAPL", OPEN_NS + 3, 120.0, 100.0), OPEN_NS + 3)
    assert venue.account().equity == cash + 1200
    position = venue.position("AAPL")
    assert position is not None
    assert position.market_value == venue.positions()[0].market_value == 1200


def test_an_order_can_be_taken_and_rejected_on_its_way_to_the_market() -> None:
    venue = _venue(latency_ns=5 * MS)
    order, updates = venue.submit(_request(), OPEN_NS + 2, rejects=lambda: True)
    assert (order.status, _changes(updates)) == ("pending_new", ["pending_new"])
    assert venue.account().buying_power < 400_000
    assert _changes(venue.pass_time(OPEN_NS + 2 + 5 * MS)) == ["rejected"]
    assert venue.orders[order.id].failed_ns == OPEN_NS + 2 + 5 * MS
    assert (venue.open_orders(), venue.account().buying_power) == ((), 400_000)


def test_the_question_whether_to_reject_is_asked_of_orders_that_were_taken() -> None:
    asked: list[str] = []
    venue = _venue()
    with pytest.raises(Refused):
        venue.submit(_request(symbol="NONE"), OPEN_NS + 2, rejects=lambda: bool(asked.append("refused")))
    venue.submit(_request(), OPEN_NS + 2, rejects=lambda: bool(asked.append("taken")))
    assert asked == ["taken"]


def test_the_exits_of_an_order_that_is_rejected_end_with_it() -> None:
    venue = _venue()
    request = _request(order_class=OrderClass.BRACKET, take_profit_limit=Decimal(110), stop_loss_stop=Decimal(90))
    _, updates = venue.submit(request, OPEN_NS + 2, rejects=lambda: True)
    assert _changes(updates) == ["pending_new", "rejected", "canceled", "canceled"]
    assert venue.open_orders() == ()


def test_an_order_that_waits_for_the_market_to_open_is_rejected_at_once() -> None:
    venue = _venue()
    evening_ns = OPEN_NS + 10 * 3600 * 1000 * MS
    order, updates = venue.submit(_request(), evening_ns, rejects=lambda: True)
    assert (order.status, _changes(updates)[-2:]) == ("accepted", ["accepted", "rejected"])
