"""A session answers as Alpaca's data stream does: every rule of login and subscription is a row here."""

from collections.abc import Mapping
from typing import Any

import pytest

from engine.codec.wire import Encoding
from engine.exchange.faults import FaultPlan
from engine.exchange.faults.script import build_fault
from engine.exchange.line.endpoints import ENDPOINTS, endpoint_at
from engine.exchange.line.session import Keys, Reply, Session
from engine.exchange.line.slots import Slots
from engine.exchange.tiers import FREE, PLUS, Tier
from engine.model.market import Kind
from engine.model.stream import Stream

AUTH = {"action": "auth", "key": "PK1", "secret": "s3cr3t"}
KEYS = Keys(frozenset({("PK1", "s3cr3t")}))


def make_session(
    path: str = "/v2/iex",
    *,
    encoding: Encoding = Encoding.MSGPACK,
    keys: Keys = KEYS,
    plan: FaultPlan | None = None,
    slots: Slots | None = None,
    line: int = 1,
    tier: Tier = PLUS,
) -> Session:
    return Session(ENDPOINTS[path], encoding, line, slots or Slots(), keys, plan or FaultPlan(), tier)


def make_ready(path: str = "/v2/iex", **rest: Any) -> Session:
    session = make_session(path, **rest)
    session.open({}, 0.0)
    assert session.receive(AUTH, 1.0).say == ({"T": "success", "msg": "authenticated"},)
    return session


def code_of(reply: Reply) -> int | None:
    return next((message["code"] for message in reply.say if message["T"] == "error"), None)


def test_the_welcome_comes_first_and_login_has_ten_seconds() -> None:
    session = make_session()
    assert session.open({}, 5.0).say == ({"T": "success", "msg": "connected"},)
    assert session.deadline_s == 15.0
    assert session.expire(14.9) == Reply()
    late = session.expire(15.0)
    assert (code_of(late), late.close) == (404, True)


def test_login_ends_the_deadline_and_a_second_login_is_refused() -> None:
    session = make_ready()
    assert session.deadline_s is None
    assert code_of(session.receive(AUTH, 2.0)) == 403


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"action": "auth", "key": "PK1", "secret": "wrong"}, 402),
        ({"action": "auth", "key": "PK1"}, 402),
        ({"action": "auth", "key": "oauth", "secret": "s3cr3t"}, None),
        ({"action": "auth", "key": "oauth", "secret": "nope"}, 402),
        ({"action": "subscribe", "trades": ["AAPL"]}, 401),
        ({"action": "dance"}, 400),
        (None, 400),
    ],
)
def test_what_is_answered_before_login(request_: Mapping[str, Any] | None, code: int | None) -> None:
    session = make_session()
    session.open({}, 0.0)
    reply = session.receive(request_, 1.0)
    assert code_of(reply) == code
    assert not reply.close


def test_headers_log_in_behind_the_welcome() -> None:
    for headers in (
        {"apca-api-key-id": "PK1", "apca-api-secret-key": "s3cr3t"},
        {"authorization": "Bearer s3cr3t"},
    ):
        session = make_session()
        assert [message["msg"] for message in session.open(headers, 0.0).say] == ["connected", "authenticated"]
    assert make_session().open({"apca-api-key-id": "PK1", "apca-api-secret-key": "x"}, 0.0).say[1:] == ()


def test_subscriptions_add_up_and_each_answer_is_the_whole_set() -> None:
    session = make_ready()
    first = session.receive({"action": "subscribe", "trades": ["AAPL"], "quotes": [], "orderbooks": None}, 2.0)
    assert first.say == (
        {
            "T": "subscription", "trades": ["AAPL"], "quotes": [], "bars": [], "updatedBars": [], "dailyBars": [],
            "statuses": [], "lulds": [], "imbalances": [], "corrections": ["AAPL"], "cancelErrors": ["AAPL"],
        },
    )  # fmt: skip
    second = session.receive({"bars": ["*"], "trades": ["MSFT"], "action": "subscribe"}, 3.0)
    assert second.say[0]["trades"] == ["AAPL", "MSFT"] and second.say[0]["bars"] == ["*"]
    third = session.receive({"action": "unsubscribe", "trades": ["AAPL", "NEVER"]}, 4.0)
    assert third.wanted == frozenset(
        {
            Stream(Kind.TRADES, "MSFT"),
            Stream(Kind.CORRECTIONS, "MSFT"),
            Stream(Kind.CANCELS, "MSFT"),
            Stream(Kind.BARS, "*"),
        }
    )
    assert next(iter(third.say[0])) == "T"


@pytest.mark.parametrize(
    ("path", "request_", "code"),
    [
        ("/v2/iex", {"trades": [], "quotes": None}, 400),
        ("/v2/iex", {}, 400),
        ("/v2/iex", {"trades": "AAPL"}, 400),
        ("/v2/iex", {"trades": [1]}, 400),
        ("/v2/iex", {"trades": [""]}, 400),
        ("/v2/iex", {"trades": ["BTC/USD"]}, 400),
        ("/v2/iex", {"noise": ["AAPL"]}, 400),
        ("/v2/iex", {"orderbooks": ["AAPL"]}, 410),
        ("/v1beta3/crypto/us", {"trades": ["BTCUSD"]}, 400),
        ("/v1beta3/crypto/us", {"statuses": ["BTC/USD"]}, 410),
        ("/v1beta1/opra", {"quotes": ["*"]}, 413),
        ("/v1beta1/opra", {"trades": ["*"]}, None),
        ("/v1beta1/news", {"news": ["*"]}, None),
        ("/v1beta1/news", {"trades": ["AAPL"]}, 410),
    ],
)
def test_a_refused_change_leaves_the_set_as_it_was(path: str, request_: dict[str, Any], code: int | None) -> None:
    session = make_ready(path)
    reply = session.receive({"action": "subscribe", **request_}, 2.0)
    assert code_of(reply) == code
    assert (reply.wanted is None) == (code is not None)
    assert not reply.close


def test_symbols_beyond_the_limit_are_refused_as_a_whole() -> None:
    session = make_ready(plan=FaultPlan([build_fault(kind="symbol_limit", limit=2)]))
    session.receive({"action": "subscribe", "trades": ["A"]}, 2.0)
    assert code_of(session.receive({"action": "subscribe", "quotes": ["B", "C"]}, 3.0)) == 405
    kept = session.receive({"action": "subscribe", "bars": ["A", "B"]}, 4.0)
    assert kept.say[0]["quotes"] == [] and kept.say[0]["trades"] == ["A"]


def test_the_free_plan_refuses_feeds_it_lacks_and_the_31st_stock() -> None:
    for path, code in (("/v2/sip", 409), ("/v1beta1/opra", 409), ("/v2/iex", None), ("/v1beta1/indicative", None)):
        session = make_session(path, tier=FREE)
        session.open({}, 0.0)
        answer = session.receive(AUTH, 1.0)
        assert (code_of(answer), answer.close) == (code, False)
    session = make_ready(tier=FREE)
    thirty = [f"S{number}" for number in range(30)]
    assert code_of(session.receive({"action": "subscribe", "trades": thirty}, 2.0)) is None
    assert code_of(session.receive({"action": "subscribe", "bars": ["S30"]}, 3.0)) == 405
    kept = session.receive({"action": "unsubscribe", "trades": ["S0"]}, 4.0)
    assert kept.say[0]["trades"] == sorted(thirty[1:]) and kept.say[0]["bars"] == []
    assert code_of(session.receive({"action": "subscribe", "bars": ["S30"]}, 5.0)) is None


def test_one_session_per_endpoint_and_the_second_may_log_in_later_on_its_socket() -> None:
    slots = Slots()
    make_ready(slots=slots, line=1)
    second = make_session(slots=slots, line=2)
    second.open({}, 0.0)
    refused = second.receive(AUTH, 9.0)
    assert (code_of(refused), refused.close, second.deadline_s) == (406, False, 19.0)
    make_ready("/v1beta3/crypto/us", slots=slots, line=3)
    slots.release(1, 10.0)
    assert code_of(second.receive(AUTH, 11.0)) is None


def test_a_ghost_holds_the_slot_for_its_time() -> None:
    slots = Slots()
    make_ready(slots=slots, line=1)
    slots.release(1, 10.0, ghost_s=3.0)
    second = make_session(slots=slots, line=2)
    second.open({}, 10.0)
    assert code_of(second.receive(AUTH, 12.9)) == 406
    assert code_of(second.receive(AUTH, 13.0)) is None


def test_options_speak_messagepack_only() -> None:
    session = make_session("/v1beta1/opra", encoding=Encoding.JSON)
    session.open({}, 0.0)
    assert code_of(session.receive(AUTH, 1.0)) == 412


@pytest.mark.parametrize("code", [402, 404, 406, 407, 409, 411, 412, 500])
def test_an_error_can_be_scripted_at_login(code: int) -> None:
    session = make_session(plan=FaultPlan([build_fault(kind="error", code=code, phase="auth", times=1)]))
    session.open({}, 0.0)
    reply = session.receive(AUTH, 1.0)
    assert (code_of(reply), reply.close) == (code, code in (404, 407, 500))
    assert code_of(session.receive(AUTH, 2.0)) is None


@pytest.mark.parametrize("code", [400, 401, 405, 410, 413, 500])
def test_an_error_can_be_scripted_at_subscription(code: int) -> None:
    session = make_ready(plan=FaultPlan([build_fault(kind="error", code=code, phase="subscribe", times=1)]))
    assert code_of(session.receive({"action": "subscribe", "trades": ["A"]}, 1.0)) == code
    assert code_of(session.receive({"action": "subscribe", "trades": ["A"]}, 2.0)) is None


@pytest.mark.parametrize("code", [404, 406, 500])
def test_an_error_can_stand_in_for_the_welcome(code: int) -> None:
    session = make_session(plan=FaultPlan([build_fault(kind="error", code=code, phase="connect")]))
    reply = session.open({}, 0.0)
    assert (code_of(reply), len(reply.say), reply.close) == (code, 1, True)


@pytest.mark.parametrize("phase", ["connect", "auth"])
def test_a_stalled_login_is_silence_for_ever(phase: str) -> None:
    session = make_session(plan=FaultPlan([build_fault(kind="stall_login", phase=phase)]))
    assert bool(session.open({}, 0.0).say) == (phase == "auth")
    assert session.receive(AUTH, 1.0) == Reply()
    assert session.deadline_s is None


def test_paths_are_found_with_a_slash_or_a_query_behind_them() -> None:
    assert endpoint_at("/v2/iex/") is endpoint_at("/v2/iex?x=1") is ENDPOINTS["/v2/iex"]
    assert endpoint_at("/v2/boats") is None
