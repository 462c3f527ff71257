"""Every kind of fault does something: a kind that nobody asks the plan for would be a promise and no more."""

from typing import Any, Final

import httpx
import msgspec
import pytest
import trio
from trio_websocket import ConnectionClosed, HandshakeError, open_websocket_url

from engine.exchange.faults.kinds import KINDS

KEYS: Final[dict[str, dict[str, Any]]] = {
    "delay": {"for": "100ms"},
    "error": {"code": 406, "phase": "auth"},
    "symbol_limit": {"limit": 1},
    "cancel_loses": {"lag": "1s"},
    "bad_frame": {"p": 1},
    "unknown_type": {"p": 1},
    "unknown_field": {"p": 1},
    "nan_prices": {"p": 1},
    "duplicate": {"p": 1},
    "reorder": {"p": 0.9},
    "half_open": {"for": "1s"},
    "stall_login": {"next": 1},
    "stall_handshake": {"next": 1},
    "upgrade_status": {"next": 1},
    "refuse": {"next": 1},
}
"""What each kind is told beside its name, where it needs to be told anything."""
TRADING: Final = sorted(kind for kind, row in KINDS.items() if "line" in row.options)
HISTORY: Final = "/v2/stocks/SPY/trades"


async def look(exchange: Any, path: str, *requests: dict[str, Any]) -> None:
    """Connect, say this, take what comes for a while, and leave without a goodbye."""
    with trio.move_on_after(20):
        try:
            async with open_websocket_url(exchange.data_stream_url + path, disconnect_timeout=1) as ws:
                for request in ({"action": "auth", "key": "k", "secret": "s"}, *requests):
                    await ws.send_message(msgspec.json.encode(request))
                    await trio.sleep(0.2)
                with trio.move_on_after(6):
                    while True:
                        await ws.get_message()
                await ws._stream.aclose()
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError, ConnectionClosed, HandshakeError):
            await trio.lowlevel.checkpoint()  # what a fault is there for


async def trade(exchange: Any) -> None:
    """Call what can be called."""
    order = {"symbol": "BTC/USD", "qty": "0.01", "side": "buy", "type": "limit", "limit_price": "20000"}
    options = {"base_url": exchange.trading_url, "headers": exchange.headers, "timeout": 3}
    async with httpx.AsyncClient(**options) as http:
        for method, path, body in (
            ("POST", "/v2/orders", order | {"time_in_force": "gtc", "client_order_id": "one"}),
            ("GET", "/v2/orders", None),
            ("GET", "/v2/positions", None),
            ("GET", f"{HISTORY}?start=2026-03-01&limit=10000", None),
            ("DELETE", "/v2/orders", None),
        ):
            try:
                await http.request(method, path, json=body)
            except httpx.TransportError:
                await trio.sleep(0.1)


async def live(exchange: Any, path: str, *requests: dict[str, Any]) -> None:
    """Be connected, trade, and come back after whatever happened to the connection."""
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look, exchange, path, *requests)
            await trio.sleep(1)
            await trade(exchange)


@pytest.mark.slow
@pytest.mark.exchange(symbols=("SPY", "BTC/USD"), events_per_s=40.0, burst=False)
@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_fault_happens_to_a_client_that_does_a_bit_of_everything(exchange: Any, kind: str) -> None:
    await trio.sleep(5)
    exchange.fault(kind, **{"every": "3s"} | KEYS.get(kind, {}) if KINDS[kind].strike else KEYS.get(kind, {}))
    line = ("/stream", {"action": "listen", "data": {"streams": ["trade_updates"]}})
    if not kind.endswith(("_update", "_updates")):
        line = ("/v2/sip", {"action": "subscribe", "trades": ["SPY", "QQQ"], "quotes": ["SPY"]})
    await live(exchange, *line)
    assert exchange.summary()["faults"]["hits"].get(kind, 0) >= 1


@pytest.mark.parametrize("kind", TRADING)
async def test_a_fault_of_connections_happens_to_the_trading_stream(exchange: Any, kind: str) -> None:
    moment = {"every": "3s"} if KINDS[kind].strike else {}
    exchange.fault(kind, line="trading", **moment | KEYS.get(kind, {}))
    await live(exchange, "/stream", {"action": "listen", "data": {"streams": ["trade_updates"]}})
    assert exchange.summary()["faults"]["hits"].get(kind, 0) >= 1
