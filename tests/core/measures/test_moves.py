"""Curves and trades tell the profit that the books of orders tell, however executions go up, down and through zero."""

from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from engine.core.blotter.line import Booking, step
from engine.core.measures.curve import draw_curve, thin
from engine.core.measures.moves import Move, moves_of, multiplier_of, opening_move
from engine.core.measures.series import Series
from engine.core.measures.trips import trips_of
from engine.model.account import StrategyPosition
from tests.app.postmortem.made import filled

NS = 1_000_000_000
CENTS = st.integers(1, 20_000).map(lambda cents: Decimal(cents) / 100)
TRADED = st.tuples(
    st.sampled_from(["a", "b"]),
    st.sampled_from(["SPY", "BTC/USD", "SPY260320C00500000"]),
    st.integers(-5, 5).filter(bool).map(Decimal),
    CENTS,
    st.integers(0, 100).map(lambda cents: Decimal(cents) / 100),
)


def made(traded: list[tuple[str, str, Decimal, Decimal, Decimal]]) -> list[Move]:
    """A move a second."""
    return [
        Move(
            ts_ns=place * NS,
            strategy=strategy,
            symbol=symbol,
            qty=qty,
            price=price,
            cash=-qty * price * multiplier_of(symbol) - fee,
            fee=fee,
            traded=abs(qty) * price * multiplier_of(symbol),
        )
        for place, (strategy, symbol, qty, price, fee) in enumerate(traded)
    ]


@given(traded=st.lists(TRADED, max_size=25), mark=CENTS)
def test_the_curve_ends_at_what_the_books_say(
    traded: list[tuple[str, str, Decimal, Decimal, Decimal]], mark: Decimal
) -> None:
    moves = made(traded)
    held: dict[tuple[str, str], StrategyPosition] = {}
    for move in moves:
        place = (move.strategy, move.symbol)
        before = held.get(place, StrategyPosition(symbol=move.symbol, multiplier=multiplier_of(move.symbol)))
        held[place] = step(before, Booking(move.ts_ns, "x", move.qty, move.price, fee=move.fee))
    curve = draw_curve(moves, [len(moves) * NS], lambda *_: float(mark), ["a", "b"])
    for name in ("a", "b"):
        books = sum(
            (one.realized - one.fees + one.unrealized(mark) for (owner, _), one in held.items() if owner == name),
            Decimal(0),
        )
        assert curve.profits[name][-1] == pytest.approx(float(books), abs=1e-4)
    sizes = sum(abs(one.qty) * mark * one.multiplier for one in held.values())
    assert curve.gross[-1] == pytest.approx(float(sizes), abs=1e-6)


@given(traded=st.lists(TRADED, max_size=25), mark=CENTS)
def test_the_profits_of_all_trades_are_the_profit(
    traded: list[tuple[str, str, Decimal, Decimal, Decimal]], mark: Decimal
) -> None:
    moves = made(traded)
    end_ns = len(moves) * NS
    trips = trips_of(moves, lambda _: Series([0], [float(mark)]), end_ns)
    curve = draw_curve(moves, [end_ns], lambda *_: float(mark), ["a", "b"])
    assert sum(trip.profit for trip in trips) == pytest.approx(curve.total[-1], abs=1e-6)
    assert sum(trip.fees for trip in trips) == pytest.approx(float(sum(move.fee for move in moves)))
    for trip in trips:
        assert trip.qty > 0
        assert trip.closed_ns is None or trip.closed_ns >= trip.opened_ns


def test_a_long_that_becomes_a_short_is_two_trades() -> None:
    price = Decimal(10)
    moves = made([("a", "SPY", Decimal(2), price, Decimal(0)), ("a", "SPY", Decimal(-5), price + 1, Decimal("0.50"))])
    first, second = trips_of(moves, lambda _: Series([0, NS, 2 * NS], [10.0, 11.5, 9.0]), 2 * NS)
    assert (first.long, first.entry, first.exit, first.qty, first.closed_ns) == (True, 10.0, 11.0, 2.0, NS)
    assert first.profit == pytest.approx(2.0 - 0.2)
    assert (second.long, second.entry, second.exit, second.qty, second.closed_ns) == (False, 11.0, 9.0, 3.0, None)
    assert second.profit == pytest.approx(6.0 - 0.3)
    assert first.best == pytest.approx(0.15)
    assert second.gain == pytest.approx((6.0 - 0.3) / 33)


def test_what_was_held_before_counts_from_the_price_of_then() -> None:
    opening = opening_move("a", "SPY", Decimal(10), Decimal(100), 0)
    sold = made([("a", "SPY", Decimal(-10), Decimal(103), Decimal(0))])[0]
    (trip,) = trips_of([opening, evolve(sold, ts_ns=NS)], lambda _: Series(), NS)
    assert (trip.carried, trip.profit, trip.fills) == (True, 30.0, 1)


def test_what_was_filled_before_the_session_is_held_and_no_move_of_it() -> None:
    tickets = [filled(1, "SPY", "10", "100", 0), filled(2, "SPY", "-4", "101", 100 * NS, fee="0.03")]
    moves = moves_of([*tickets, evolve(tickets[1], strategy="", client_order_id="foreign")], 50 * NS)
    assert moves.before == {("trend", "SPY"): Decimal(10)}
    (move,) = moves.within
    assert (move.qty, move.cash, move.fee, move.traded) == (-4, Decimal("403.97"), Decimal("0.03"), Decimal(404))


def test_a_fee_in_coins_takes_them_and_is_worth_what_they_cost() -> None:
    ticket = filled(1, "BTC/USD", "2", "100", 0, fee="0.01")
    ticket = evolve(ticket, fills=(evolve(ticket.fills[0], fee_asset="BTC"),))
    (move,) = moves_of([ticket], 0).within
    assert (move.qty, move.cash, move.fee) == (Decimal("1.99"), -200, 1)


def test_what_has_no_price_is_worth_what_was_paid() -> None:
    moves = made([("a", "SPY", Decimal(1), Decimal(10), Decimal(0)), ("a", "SPY", Decimal(1), Decimal(12), Decimal(0))])
    assert draw_curve(moves, [0, NS], lambda *_: None, ()).profits["a"] == (0.0, 2.0)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), most=st.integers(3, 60))
def test_a_thinned_line_keeps_its_ends_and_extremes(values: list[float], most: int) -> None:
    places = thin(range(len(values)), values, most)
    assert places == sorted(set(places))
    assert len(places) <= max(most + 2, 3)
    kept = [values[place] for place in places]
    assert (kept[0], kept[-1], min(kept), max(kept)) == (values[0], values[-1], min(values), max(values))
