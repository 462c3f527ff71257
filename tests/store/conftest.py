"""Entries for the tests of the store, and ways to look at what is in a file."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from typing import Any, Protocol

import pytest

from engine.model.entry import Intended, Stood
from engine.model.intent import Intent, Outcome, Purpose, Ticket
from engine.model.order import Order, OrderRequest, OrderStatus, OrderType, Side, TimeInForce


class Intending(Protocol):
    """Makes the intent of one order."""

    def __call__(self, seq: int, strategy: str = "s", session: str = "x") -> Intended: ...


@pytest.fixture
def intended() -> Intending:
    """An order of one share, as it is written before it is sent."""

    def make(seq: int, strategy: str = "s", session: str = "x") -> Intended:
        request = OrderRequest(
            symbol="SPY", side=Side.BUY, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, qty=Decimal(1)
        )
        return Intended(
            intent=Intent(
                client_order_id=f"{session}-{strategy}-{seq}",
                strategy=strategy,
                seq=seq,
                request=request,
                purpose=Purpose.ENTRY,
                at_ns=seq,
                valid_until_ns=seq + 1,
            )
        )

    return make


@pytest.fixture
def stood(intended: Intending) -> Callable[..., Stood]:
    """The same order once the venue has told of it."""

    def make(seq: int, status: OrderStatus = OrderStatus.NEW, **more: Any) -> Stood:
        intent = intended(seq).intent
        order = Order(
            id=f"o{seq}",
            client_order_id=intent.client_order_id,
            symbol="SPY",
            asset_id="",
            asset_class=None,
            side=Side.BUY,
            type=OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            status=status,
            created_ns=1_790_000_000_000_000_000,
            qty=Decimal(1),
        )
        ticket = Ticket(
            client_order_id=intent.client_order_id,
            strategy=intent.strategy,
            intent=intent,
            outcome=Outcome.TAKEN,
            order=order,
            **more,
        )
        return Stood(ticket=ticket)

    return make


@pytest.fixture
def now_ns() -> Callable[[], int]:
    """A clock that is a second later each time."""
    instants: Iterator[int] = count(1_790_000_000_000_000_000, 1_000_000_000)
    return lambda: next(instants)
