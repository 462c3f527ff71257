"""Two runs side by side."""

from engine.app.lint.compare import first_difference, last_difference_ns
from engine.model.journal import Asked


def bought(at_ns: int, order: int, qty: int = 1) -> list[Asked]:
    """A buy, and the end of its order."""
    return [
        Asked(0, at_ns, "mine", 1, "buy", f'{{"qty":"{qty}"}}'),
        Asked(0, at_ns, "mine", 2, "end", f'{{"order":"replay-mine-{order}"}}'),
    ]


def test_orders_are_numbered_from_where_both_runs_are_compared() -> None:
    whole = [*bought(1, 0), *bought(2, 1), *bought(3, 2)]
    later = [*bought(2, 0), *bought(3, 1)]
    assert first_difference(whole, later, from_ns=2) is None
    assert last_difference_ns(whole, later, from_ns=2) is None
    assert first_difference(whole, later) is not None


def test_another_order_is_a_difference() -> None:
    left = [*bought(1, 0), *bought(2, 1), Asked(0, 3, "mine", 3, "end", '{"order":"replay-mine-0"}')]
    right = [*bought(1, 0), *bought(2, 1), Asked(0, 3, "mine", 3, "end", '{"order":"replay-mine-1"}')]
    for from_ns in (None, 1):
        found = first_difference(left, right, from_ns=from_ns)
        assert found is not None and found.at_ns == 3


def test_the_last_difference_is_told() -> None:
    left = [*bought(1, 0), *bought(2, 1, qty=5), *bought(3, 2)]
    right = [*bought(1, 0), *bought(2, 1, qty=7), *bought(3, 2)]
    assert last_difference_ns(left, right, from_ns=0) == 2
