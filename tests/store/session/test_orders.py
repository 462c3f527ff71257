"""How each order stood comes back as it was written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import StoreFailed
from engine.model.entry import Stood
from engine.store.session import read_orders, write_orders


def test_orders_come_back_as_they_stood(tmp_path: Path, stood: Callable[..., Stood]) -> None:
    tickets = [stood(number).ticket for number in (1, 2, 3)]
    write_orders(tmp_path, tickets)
    assert list(read_orders(tmp_path)) == tickets
    write_orders(tmp_path, tickets[:1])
    assert list(read_orders(tmp_path)) == tickets[:1]


def test_a_session_without_orders_has_none(tmp_path: Path) -> None:
    assert list(read_orders(tmp_path)) == []


def test_a_line_that_is_no_order_is_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text("{}\n")
    with pytest.raises(StoreFailed, match=r"orders.jsonl cannot be read"):
        list(read_orders(tmp_path))
