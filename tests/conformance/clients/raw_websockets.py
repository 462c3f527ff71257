"""A session with nothing but ``websockets`` and the standard library: subscribe, buy, fill, cancel.

Started by ``test_other_clients.py`` in a process of its own. Arguments: the four addresses as JSON. Prints what it saw.
"""

import asyncio
import json
import sys
import urllib.request
from typing import Any

import websockets

SYMBOL = "AAPL"
KEY, SECRET = "PKRAW", "s3cr3t"


def call(url: str, method: str = "GET", body: object = None) -> Any:
    """One REST call; the decoded reply."""
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.loads(reply.read() or b"null")


async def until(ws: Any, event: str) -> list[str]:
    """Read the trading stream until an event; the names of all that came."""
    seen: list[str] = []
    while not seen or seen[-1] != event:
        message = json.loads(await asyncio.wait_for(ws.recv(), 20))
        seen.append(message["data"]["event"])
    return seen


async def main(urls: dict[str, str]) -> dict[str, Any]:
    """The session."""
    async with (
        websockets.connect(urls["data_stream_url"] + "/v2/iex") as data,
        websockets.connect(urls["trading_stream_url"] + "/stream") as trading,
    ):
        welcome = json.loads(await data.recv())
        await data.send(json.dumps({"action": "auth", "key": KEY, "secret": SECRET}))
        login = json.loads(await data.recv())
        await data.send(json.dumps({"action": "subscribe", "trades": [SYMBOL]}))
        subscribed = json.loads(await data.recv())
        first = json.loads(await asyncio.wait_for(data.recv(), 20))
        await trading.send(json.dumps({"action": "auth", "key": KEY, "secret": SECRET}))
        raw = await trading.recv()
        await trading.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        listening = json.loads(await trading.recv())
        orders = urls["trading_url"] + "/v2/orders"
        market = {"symbol": SYMBOL, "qty": "2", "side": "buy", "type": "market", "time_in_force": "day"}
        await asyncio.to_thread(call, orders, "POST", market)
        filled = await until(trading, "fill")
        limit = {**market, "type": "limit", "limit_price": "1.5"}
        order = await asyncio.to_thread(call, orders, "POST", limit)
        await asyncio.to_thread(call, f"{orders}/{order['id']}", "DELETE")
        canceled = await until(trading, "canceled")
        position = await asyncio.to_thread(call, f"{urls['trading_url']}/v2/positions/{SYMBOL}")
    return {
        "welcome": welcome[0]["msg"], "login": login[0]["msg"], "subscribed": subscribed[0]["trades"],
        "trade": first[0]["T"], "binary": isinstance(raw, bytes), "authorized": json.loads(raw)["data"]["status"],
        "listening": listening["data"]["streams"], "filled": filled, "canceled": canceled, "position": position["qty"],
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
