"""A verdict says apart whether a call is carried out and how it is answered, and each fault that acts is used up."""

import pytest

from engine.exchange.faults import FaultPlan
from engine.exchange.faults.calls import AS_USUAL, Verdict, judge_call
from engine.exchange.faults.script import build_fault

ROWS = [
    ("a status in the place of the call", {"kind": "http_status", "next": 1}, Verdict(carried_out=False, status=429)),
    (
        "a status without the headers of the budget",
        {"kind": "http_status", "next": 1, "status": 429, "bare": True},
        Verdict(carried_out=False, status=429, bare=True),
    ),
    ("accepted, and then a gateway's answer", {"kind": "late_status", "next": 1}, Verdict(status=504)),
    ("accepted, and then no answer", {"kind": "lost_reply", "next": 1}, Verdict(reset=True)),
    (
        "a black hole before it is carried out",
        {"kind": "black_hole", "next": 1, "stage": "request"},
        Verdict(carried_out=False, silent="request"),
    ),
    ("a black hole after that", {"kind": "black_hole", "next": 1}, Verdict(silent="reply")),
    ("a black hole within the reply", {"kind": "black_hole", "next": 1, "stage": "body"}, Verdict(silent="body")),
]


@pytest.mark.parametrize(("table", "verdict"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_kind_has_its_verdict_once(table: dict[str, object], verdict: Verdict) -> None:
    plan = FaultPlan([build_fault(**table)])
    assert judge_call(plan, "POST", "/v2/orders") == verdict
    assert judge_call(plan, "POST", "/v2/orders") == AS_USUAL


@pytest.mark.parametrize("kind", ["late_status", "lost_reply"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/v2/orders"), ("POST", "/v2/watchlists")])
def test_only_calls_about_orders_are_carried_out_and_look_as_if_not(kind: str, method: str, path: str) -> None:
    plan = FaultPlan([build_fault(kind=kind)])
    assert judge_call(plan, method, path) == AS_USUAL


def test_a_fault_of_one_path_or_method_lets_others_pass() -> None:
    plan = FaultPlan([build_fault(kind="http_status", status=500, path="/v2/positions", method="GET")])
    assert judge_call(plan, "GET", "/v2/orders") == AS_USUAL
    assert judge_call(plan, "DELETE", "/v2/positions/AAPL") == AS_USUAL
    assert judge_call(plan, "GET", "/v2/positions").status == 500
