"""Updates are lost, doubled, late or nonsense exactly as often as the script says, and otherwise pass untouched."""

from typing import Any

import pytest

from engine.exchange.faults import FaultPlan
from engine.exchange.faults.script import build_fault
from engine.exchange.faults.updates import OVERTAKEN_S, UNKNOWN_EVENT, Sending, distort

FILL: dict[str, Any] = {"stream": "trade_updates", "data": {"event": "fill", "order": {"id": "1"}}}
NULL: dict[str, Any] = {"stream": "trade_updates", "data": None}
ODD: dict[str, Any] = {"stream": "trade_updates", "data": {"event": UNKNOWN_EVENT, "order": {"id": "1"}}}

ROWS = [
    ("drop_update", {}, []),
    ("duplicate_update", {}, [Sending(FILL), Sending(FILL)]),
    ("delay_update", {"lag": "3s"}, [Sending(FILL, 3.0)]),
    ("swap_updates", {}, [Sending(FILL, OVERTAKEN_S)]),
    ("null_update", {}, [Sending(NULL), Sending(FILL)]),
    ("unknown_update", {}, [Sending(ODD), Sending(FILL)]),
]


@pytest.mark.parametrize(("kind", "more", "sent"), ROWS, ids=[row[0] for row in ROWS])
def test_each_kind_acts_as_often_as_it_was_asked_to(kind: str, more: dict[str, object], sent: list[Sending]) -> None:
    plan = FaultPlan([build_fault(kind=kind, next=2, **more)])
    assert [distort(plan, FILL) for _ in range(3)] == [sent, sent, [Sending(FILL)]]
    assert plan.hits[kind] == 2


def test_a_delay_is_market_time() -> None:
    plan = FaultPlan([build_fault(kind="delay_update", lag="10s")], speed=100.0)
    assert distort(plan, FILL) == [Sending(FILL, 0.1)]
