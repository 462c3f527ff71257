"""A session with Alpaca's older Python SDK, unmodified: subscribe, buy, fill, cancel. Prints what it saw as JSON.

Started by ``test_other_clients.py`` in a process of its own, with the SDK's folder on the path, because it needs
versions of its dependencies that nothing else here can live with. Arguments: the four addresses as JSON.
"""

import asyncio
import json
import sys
from typing import Any

import alpaca_trade_api

SYMBOL = "AAPL"
KEY, SECRET = "PKOLDER", "s3cr3t"


class Session:
    """What the SDK's callbacks saw, and what is done about it."""

    def __init__(self, urls: dict[str, str]) -> None:
        self.rest = alpaca_trade_api.REST(KEY, SECRET, base_url=urls["trading_url"])
        self.stream = alpaca_trade_api.Stream(
            KEY, SECRET, base_url=urls["trading_url"], data_stream_url=urls["data_stream_url"], data_feed="iex"
        )
        self.trades = 0
        self.updates: list[tuple[str, str]] = []
        self.done = asyncio.Event()

    async def on_trade(self, trade: Any) -> None:
        """The first trade starts the session: data flows."""
        self.trades += 1
        if self.trades == 1:
            await asyncio.to_thread(self.rest.submit_order, SYMBOL, qty=2, side="buy", type="market")

    async def on_update(self, update: Any) -> None:
        """After the fill a limit order that cannot fill, and its cancel."""
        self.updates.append((update.event, update.order["type"]))
        if self.updates[-1] == ("fill", "market"):
            order = await asyncio.to_thread(
                self.rest.submit_order, SYMBOL, qty=1, side="buy", type="limit", limit_price=1.5, time_in_force="gtc"
            )
            await asyncio.to_thread(self.rest.cancel_order, order.id)
        if self.updates[-1] == ("canceled", "limit"):
            self.done.set()

    async def run(self) -> dict[str, Any]:
        """The session, and what is true after it."""
        self.stream.subscribe_trade_updates(self.on_update)
        self.stream.subscribe_trades(self.on_trade, SYMBOL)
        running = asyncio.create_task(self.stream._run_forever())
        await asyncio.wait_for(self.done.wait(), 20)
        running.cancel()
        for line in (self.stream._trading_ws, self.stream._data_ws):
            await line.close()  # or each waits ten seconds for the other side to hang up
        return {
            "trades": self.trades,
            "updates": self.updates,
            "position": self.rest.get_position(SYMBOL).qty,
            "orders": [order.status for order in self.rest.list_orders(status="all")],
            "cash_spent": float(self.rest.get_account().cash) < 100_000,
        }


async def main() -> None:
    """Run it on the addresses given."""
    print(json.dumps(await Session(json.loads(sys.argv[1])).run()))


if __name__ == "__main__":
    asyncio.run(main())
