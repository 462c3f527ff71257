"""The trading stream as far as a market-data session needs it: login and listen, and then silence.

Its habits differ from the data stream's on purpose, as Alpaca's do: no welcome, single objects instead of arrays, and
JSON text inside binary frames. Orders come with a later stage; a client that connects here is answered correctly and
told nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from attrs import define
from trio_websocket import ConnectionClosed, WebSocketConnection

from engine.codec.render import parse_request
from engine.exchange.line.session import Keys

STREAMS: Final = frozenset({"trade_updates"})


def _authorization(status: str, action: str) -> dict[str, Any]:
    return {"stream": "authorization", "data": {"status": status, "action": action}}


@define
class TradingSession:
    """Answers one client's requests."""

    keys: Keys
    authorized: bool = False

    def receive(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The reply to a request."""
        action, told = request.get("action"), request.get("data")
        held = told if isinstance(told, Mapping) else {}
        if action in ("auth", "authenticate"):
            key, secret = request.get("key", held.get("key_id")), request.get("secret", held.get("secret_key"))
            self.authorized = self.authorized or self.keys.accept(key, secret)
            return _authorization("authorized" if self.authorized else "unauthorized", "authenticate")
        if action != "listen":
            return {"action": "error", "data": {"error_message": "invalid action"}}
        if not self.authorized:
            return _authorization("unauthorized", "listen")
        asked = held.get("streams")
        names = [name for name in asked if name in STREAMS] if isinstance(asked, list) else []
        return {"stream": "listening", "data": {"streams": names}}


async def serve_trading_line(ws: WebSocketConnection, keys: Keys) -> None:
    """Serve one accepted connection until the client leaves."""
    session = TradingSession(keys)
    while True:
        try:
            message = await ws.get_message()
            try:
                reply = session.receive(parse_request(message))
            except ValueError:
                reply = {"action": "error", "data": {"error_message": "invalid message"}}
            await ws.send_message(msgspec.json.encode(reply))
        except ConnectionClosed:
            return
