"""An account with strategies on it, as an engine that was just killed would leave it: orders at the exchange, and the
order file that says whose they are."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from attrs import define, evolve

from engine.app.kill.place import Place
from engine.core.blotter import Blotter
from engine.model.intent import Intent, Purpose
from engine.model.order import OrderRequest, OrderType, Side, TimeInForce
from engine.store import SqliteStore, open_store
from engine.testing.exchange import Exchange
from engine.venues.alpaca.broker import AlpacaBroker
from engine.venues.alpaca.endpoints import Keys
from engine.venues.alpaca.http import open_client
from engine.venues.alpaca.rate import Throttle

DAY_NS = 24 * 3600 * 10**9


@define(eq=False)
class Engine:
    """As much of an engine as it takes to own orders: intent on disk, order sent, outcome on disk."""

    exchange: Exchange
    store: SqliteStore
    blotter: Blotter
    broker: AlpacaBroker

    async def send(self, strategy: str, side: Side, qty: str, limit: str | None = None, symbol: str = "SPY") -> str:
        """Send an order; returns its client order id."""
        cid, seq = self.blotter.next_id(strategy)
        request = OrderRequest(
            symbol=symbol,
            side=side,
            type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            qty=Decimal(qty),
            limit_price=None if limit is None else Decimal(limit),
            client_order_id=cid,
        )
        now_ns = self.exchange.now_ns()
        intent = Intent(
            client_order_id=cid,
            strategy=strategy,
            seq=seq,
            request=request,
            purpose=Purpose.ENTRY,
            at_ns=now_ns,
            valid_until_ns=now_ns + DAY_NS,
        )
        await self.store.write(*self.blotter.intend(intent).entries, *self.blotter.sent(cid, now_ns).entries)
        orders = await self.broker.submit(request)
        await self.store.write(*self.blotter.take_orders(orders).entries)
        return cid

    async def send_by_hand(self, side: Side, qty: str, symbol: str = "SPY") -> None:
        """An order that no strategy here has sent."""
        await self.broker.submit(
            OrderRequest(
                symbol=symbol, side=side, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, qty=Decimal(qty)
            )
        )

    async def settle(self) -> None:
        """Wait until no market order is open any more."""
        # The venue only tells when it is asked, so this asks.
        while any(order.type is OrderType.MARKET for order in await self.broker.open_orders()):  # noqa: ASYNC110 - as said
            await trio.sleep(0.1)


async def run_here(function: Callable[..., Any], *args: Any, abandon_on_cancel: bool = False) -> Any:
    """What blocks runs in place: in virtual time there are no threads."""
    await trio.lowlevel.checkpoint()
    return function(*args)


@pytest.fixture
def engine() -> Callable[[Exchange, Path], Any]:
    """Opens an engine on an exchange, with its state in a folder."""

    @asynccontextmanager
    async def opened(exchange: Exchange, folder: Path) -> AsyncIterator[Engine]:
        async with (
            open_client(exchange.trading_url, exchange.headers) as client,
            open_store(folder, now_ns=exchange.now_ns, run_sync=run_here) as store,
        ):
            broker = AlpacaBroker(client, Throttle(10_000), lambda _: None)
            yield Engine(exchange, store, Blotter.restore(store.remembered), broker)

    return opened


@pytest.fixture
def place() -> Callable[[Exchange, Path], Place]:
    """Where ``gapless kill`` goes for an exchange."""

    def build(exchange: Exchange, folder: Path, **changes: Any) -> Place:
        found = Place(
            venue="exchange",
            trading_url=exchange.trading_url,
            keys=Keys(exchange.key_id, exchange.secret),
            state=folder,
            per_minute=10_000,
            cancel_only=False,
        )
        return evolve(found, **changes)

    return build


@pytest.fixture
def account() -> Callable[[Exchange], tuple[dict[str, str], int]]:
    """What a plain client sees of the account over loopback: quantities by symbol, and how many orders are open."""

    def look(exchange: Exchange) -> tuple[dict[str, str], int]:
        with httpx.Client(base_url=exchange.trading_url, headers=exchange.headers) as client:
            positions = json.loads(client.get("/v2/positions").content)
            orders = json.loads(client.get("/v2/orders", params={"status": "open", "limit": "500"}).content)
        return {one["symbol"]: one["qty"] for one in positions}, len(orders)

    return look
