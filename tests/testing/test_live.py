"""A live exchange serves whoever connects from a thread of its own; its start, its answers and its end are bounded."""

import json
import threading
import urllib.request
from typing import Any

import pytest
import trio
from trio_websocket import open_websocket_url

from engine.errors import Misconfigured
from engine.testing.exchange import Exchange
from engine.testing.live import ExchangeStuck, open_live
from engine.testing.options import build_options


def get(exchange: Exchange, path: str) -> Any:
    """What a synchronous client is answered."""
    request = urllib.request.Request(exchange.trading_url + path, headers=exchange.headers)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def test_a_plain_test_talks_to_it_breaks_it_and_asks_it() -> None:
    before = threading.active_count()
    with open_live(build_options({"symbols": "BTC/USD", "speed": 60.0})) as exchange:
        assert set(exchange.urls()) == {"data_stream_url", "data_url", "trading_stream_url", "trading_url"}
        assert get(exchange, "/v2/clock")["speed"] == 60.0
        exchange.fault("http_status", status=503, next=1)
        with pytest.raises(urllib.error.HTTPError, match="503"):
            get(exchange, "/v2/clock")
        exchange.fault("http_status", status=503)
        exchange.calm()
        assert get(exchange, "/v2/clock")["is_open"]
        summary = exchange.summary()
        assert summary["requests"] == 3
        assert summary["faults"]["hits"]["http_status"] == 1
        assert exchange.now_ns() > 0
        assert all(event.symbol == "BTC/USD" for event in exchange.published("quotes", "BTC/USD"))
    assert threading.active_count() == before


async def test_an_async_test_may_ask_it_too() -> None:
    with open_live(build_options({"symbols": "BTC/USD"})) as exchange, trio.fail_after(10):
        async with open_websocket_url(exchange.data_stream_url + "/v1beta3/crypto/us") as ws:
            assert "connected" in str(await ws.get_message())
            assert exchange.summary()["connections"] == 1


def test_what_keeps_it_from_opening_is_raised_in_the_test() -> None:
    with pytest.raises(Misconfigured, match="nowhere"), open_live(build_options({"tapes": "nowhere.parquet"})):
        pass


def test_an_error_in_a_question_comes_back_and_harms_nothing() -> None:
    with open_live(build_options({"symbols": "BTC/USD"})) as exchange:
        with pytest.raises(AttributeError):
            exchange._ask(lambda: exchange._running.nothing)  # type: ignore[attr-defined] # on purpose
        assert exchange.summary()["requests"] == 0


def test_an_exchange_that_is_gone_says_so() -> None:
    with open_live(build_options({"symbols": "BTC/USD"})) as exchange:
        pass
    with pytest.raises(ExchangeStuck, match="The exchange has ended"):
        exchange.summary()
