"""A book is what its reset and its changes make it, and unknown before and beyond that."""

from decimal import Decimal

from engine.core.matching.depth import LEVELS_MAX, Depth
from engine.model.market import Book
from engine.model.order import Side

D = Decimal


def prices(depth: Depth, side: Side) -> list[float]:
    return [float(offer.cites.price) for offer in depth.offers(side)]


def test_changes_mean_nothing_before_the_first_reset() -> None:
    depth = Depth()
    depth.take(Book("B", 1, ((9.0, 1.0),), ()))
    assert depth.best(Side.BUY) is None
    assert depth.size_at(Side.BUY, 9.0) is None


def test_levels_come_best_price_first_on_both_sides() -> None:
    depth = Depth()
    depth.take(Book("B", 1, ((8.0, 1.0), (9.0, 1.0)), ((11.0, 1.0), (10.0, 1.0)), reset=True))
    assert prices(depth, Side.BUY) == [9.0, 8.0]
    assert prices(depth, Side.SELL) == [10.0, 11.0]
    assert (depth.best(Side.BUY), depth.best(Side.SELL)) == (9.0, 10.0)


def test_a_reset_leaves_nothing_of_what_was() -> None:
    depth = Depth()
    depth.take(Book("B", 1, ((8.0, 1.0),), ((11.0, 1.0),), reset=True))
    depth.take(Book("B", 2, ((7.0, 1.0),), (), reset=True))
    assert prices(depth, Side.BUY) == [7.0]
    assert prices(depth, Side.SELL) == []


def test_what_was_taken_of_a_level_comes_back_only_when_the_level_is_told_anew() -> None:
    depth = Depth()
    depth.take(Book("B", 1, (), ((10.0, 5.0), (11.0, 5.0)), reset=True))
    for offer in depth.offers(Side.SELL):
        offer.taken += 2
    depth.take(Book("B", 2, (), ((11.0, 6.0),)))
    assert [(offer.left, offer.cites.ts_ns) for offer in depth.offers(Side.SELL)] == [(D(3), 1), (D(6), 2)]


def test_a_book_that_forgets_to_delete_is_forgotten() -> None:
    depth = Depth()
    depth.take(Book("B", 1, (), ((1.0, 1.0),), reset=True))
    depth.take(Book("B", 2, (), tuple((2.0 + n, 1.0) for n in range(LEVELS_MAX))))
    assert depth.best(Side.SELL) is None
    assert depth.size_at(Side.SELL, 1.0) is None
