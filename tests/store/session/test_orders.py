"""How each order stood comes back as it was written."""

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from engine.errors import StoreFailed
from engine.model.entry import Stood
from engine.store.session import read_orders, write_orders
from engine.store.session.orders import PART, append_orders


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


def test_until_its_end_a_session_has_its_orders_as_they_were_noted_last(
    tmp_path: Path, stood: Callable[..., Stood]
) -> None:
    first, second = (stood(number).ticket for number in (1, 2))
    append_orders(tmp_path, [first, second])
    later = evolve(first, reason="later")
    append_orders(tmp_path, [later])
    assert list(read_orders(tmp_path)) == [later, second]
    assert (tmp_path / PART).stat().st_mode & 0o777 == 0o600
    with (tmp_path / PART).open("ab") as file:
        file.write(b'{"entry":"sto')
    assert list(read_orders(tmp_path)) == [later, second]
    append_orders(tmp_path, [evolve(second, reason="after the crash")])
    assert [ticket.reason for ticket in read_orders(tmp_path)] == ["later", "after the crash"]
    write_orders(tmp_path, [first])
    assert list(read_orders(tmp_path)) == [first]
    assert not (tmp_path / PART).exists()
