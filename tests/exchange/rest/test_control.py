"""The exchange can be broken while it runs: from this machine only, by no web page; each mistake is one sentence."""

import json
from typing import Any

import pytest

from engine.exchange.clock import MarketClock
from engine.exchange.faults import FaultPlan
from engine.exchange.line.switchboard import Switchboard
from engine.exchange.rest.control import ControlDesk
from engine.exchange.rest.http import Request


def make_desk() -> tuple[ControlDesk, FaultPlan]:
    plan = FaultPlan()
    return ControlDesk(Switchboard(MarketClock(0, 1.0), plan), lambda: {"published": 3}), plan


def ask(desk: ControlDesk, method: str, path: str, body: object = None, peer: str = "127.0.0.1", **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = desk.answer(Request(method, path, headers=headers, body=raw), peer)
    return reply.status, json.loads(reply.body)


async def test_a_fault_stands_from_the_moment_it_is_posted_until_all_are_deleted() -> None:
    desk, plan = make_desk()
    status, told = ask(desk, "POST", "/_exchange/faults", {"kind": "history_lag", "lag": "7s"})
    assert (status, told) == (200, {"faults": [{"kind": "history_lag", "lag_s": 7.0}]})
    assert plan.history_lag_s == 7.0
    assert ask(desk, "GET", "/_exchange/faults")[1]["faults"] == told["faults"]
    assert ask(desk, "DELETE", "/_exchange/faults") == (200, {"faults": []})
    assert plan.history_lag_s == 0.0


async def test_a_list_is_taken_whole_or_not_at_all() -> None:
    desk, plan = make_desk()
    status, told = ask(desk, "POST", "/_exchange/faults", [{"kind": "duplicate"}, {"kind": "explode"}])
    assert status == 400
    assert "kind 'explode' is not known" in told["message"]
    assert plan.standing() == []


@pytest.mark.parametrize("body", [b"", b"{", b"7", b'["cut"]', b"[" + b'{"kind":"cut"},' * 100 + b'{"kind":"cut"}]'])
async def test_a_body_that_is_no_fault_is_refused(body: bytes) -> None:
    status, told = ask(make_desk()[0], "POST", "/_exchange/faults", body)
    assert status == 400
    assert told["message"]


@pytest.mark.parametrize(
    ("peer", "headers"), [("192.0.2.7", {}), ("", {}), ("127.0.0.1", {"origin": "https://example.invalid"})]
)
async def test_another_machine_or_a_web_page_is_refused(peer: str, headers: dict[str, str]) -> None:
    desk, plan = make_desk()
    for method, path in (("POST", "/_exchange/faults"), ("DELETE", "/_exchange/faults"), ("GET", "/_exchange")):
        assert ask(desk, method, path, {"kind": "duplicate"}, peer, **headers)[0] == 403
    assert plan.standing() == []


async def test_the_summary_is_told_and_any_other_path_names_those_there_are() -> None:
    desk, _ = make_desk()
    assert ask(desk, "GET", "/_exchange") == (200, {"published": 3})
    assert ask(desk, "GET", "/_exchange/orders")[0] == 404
