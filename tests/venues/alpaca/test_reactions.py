"""Law: every error of the venue has one declared reaction, and its sentence says where, what and what to do."""

import pytest

from engine.errors import (
    HandshakeFailed,
    KeysRefused,
    PlanRefused,
    ProtocolRefused,
    SessionHeld,
    SlowClient,
    VenueBusy,
)
from engine.venues.alpaca.reactions import REACTIONS, Do, Where, error_of, error_of_upgrade, reaction_to, sentence_of

WHERE = Where("iex", "stream.data.alpaca.markets:443")

TABLE = {
    400: (Do.REFUSE, None, "how the symbol is written"),
    401: (Do.REAUTH, HandshakeFailed, "logging in again"),
    402: (Do.FATAL, KeysRefused, "APCA_API_KEY_ID"),
    403: (Do.IGNORE, None, "logged in already"),
    404: (Do.BACKOFF, VenueBusy, "connecting again"),
    405: (Do.REDUCE, None, "fewer symbols"),
    406: (Do.WAIT, SessionHeld, "close the other program"),
    407: (Do.ALARM, SlowClient, "fewer streams"),
    408: (Do.FATAL, ProtocolRefused, "ask Alpaca"),
    409: (Do.FATAL, PlanRefused, "upgrade"),
    410: (Do.REFUSE, None, "another feed"),
    411: (Do.FATAL, PlanRefused, "scope"),
    412: (Do.FATAL, ProtocolRefused, "msgpack"),
    413: (Do.REFUSE, None, "name the contracts"),
    500: (Do.BACKOFF, VenueBusy, "connecting again"),
}


def test_the_table_is_complete():
    assert set(TABLE) == set(REACTIONS)


@pytest.mark.parametrize("code", TABLE)
def test_each_code_has_its_reaction_its_error_and_its_advice(code):
    do, error, advice = TABLE[code]
    reaction = reaction_to(code)
    assert (reaction.do, reaction.error) == (do, error)
    sentence = sentence_of(code, "words", WHERE)
    assert sentence.startswith(f"iex (stream.data.alpaca.markets:443): error {code} (words): ")
    assert advice in sentence
    assert sentence.endswith(".")
    if error is not None:
        assert type(error_of(code, "words", WHERE)) is error


@pytest.mark.parametrize("code", [None, 0, 414, 999])
def test_an_unknown_code_is_backed_off_from(code):
    assert reaction_to(code).do is Do.BACKOFF
    assert type(error_of(code, "?", WHERE)) is VenueBusy


@pytest.mark.parametrize(
    ("host", "environment", "hint", "says"),
    [
        ("x", "live", "PK", "these are paper keys (they start with PK) on a live endpoint"),
        ("x", "paper", "AK", "these are live keys (they start with AK) on the paper endpoint"),
        ("stream.data.sandbox.alpaca.markets", "", "PK", "the sandbox takes Broker API keys only"),
        ("broker-api.alpaca.markets", "broker", "AK", "the sandbox takes Broker API keys only"),
        ("127.0.0.1", "", "PK", "keys that start with PK are paper keys"),
        ("127.0.0.1", "", "AK", "keys that start with AK are live keys"),
    ],
)
def test_keys_of_the_other_kind_are_recognised(host, environment, hint, says):
    assert says in sentence_of(402, "auth failed", Where("iex", host, environment, hint))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, KeysRefused),
        (403, KeysRefused),
        (404, ProtocolRefused),
        (400, ProtocolRefused),
        (426, ProtocolRefused),
        (302, ProtocolRefused),
        (429, VenueBusy),
        (500, VenueBusy),
        (502, VenueBusy),
        (503, VenueBusy),
    ],
)
def test_each_answer_to_the_upgrade_has_its_error(status, error):
    assert type(error_of_upgrade(status, [], WHERE)) is error


@pytest.mark.parametrize(("value", "wait_s"), [(b"7", 7.0), (b"Wed, 21 Oct 2026 07:28:00 GMT", None), (b"-1", None)])
def test_retry_after_is_read_in_seconds(value, wait_s):
    error = error_of_upgrade(429, [(b"Retry-After", value)], WHERE)
    assert isinstance(error, VenueBusy)
    assert error.retry_after_s == wait_s


def test_a_servers_text_is_one_short_line():
    sentence = sentence_of(400, "a\nb\x1b[31m" + "x" * 1000, WHERE)
    assert "\n" not in sentence
    assert "\x1b" not in sentence
    assert len(sentence) < 400
