"""Alpaca's trading API as the desk needs it: each request once, and three kinds of answer that are never mixed up.

What goes wrong here is expensive in one direction only: taking silence for an answer. So a write that was not answered
clearly is `ReplyMissing`, whatever the HTTP status said; a question that was not is `BrokerUnavailable`; and "there is
no such order" is believed only in the venue's own words. Nothing here tries again: the one who asks decides that.

Lists are read to their end. Alpaca's own default is 50 orders, newest first, legs left out, with which bots have lost
sight of the one order that mattered; and the stop-loss of a bracket whose entry is filled stands in no list of open
orders at all while it is ``held``, so it is looked for beside its sibling.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec
import trio
from attrs import evolve

from engine.codec.parse_orders import (
    FEE_KINDS,
    is_contract,
    parse_account,
    parse_asset,
    parse_contract,
    parse_fees,
    parse_fills,
    parse_order,
    parse_orders,
    parse_positions,
    render_order_request,
    render_replace_request,
)
from engine.errors import BrokerUnavailable, NotReady, ReplyMissing
from engine.model.account import Account, Asset, HeldPosition
from engine.model.instant import render_instant
from engine.model.order import Order, OrderClass, OrderRequest, ReplaceRequest
from engine.ports.broker import FeePage, FillPage, Go, at_once
from engine.venues.alpaca.calls import Calls
from engine.venues.alpaca.http import GuardedClient, Request
from engine.venues.alpaca.rate import Throttle

ORDERS: Final = "/v2/orders"
ACTIVITIES: Final = "/v2/account/activities"
FILLS: Final = f"{ACTIVITIES}/FILL"
WRITE_MAX_S: Final = 10.0
"""An order is answered within some 50 ms; one that is not within ten seconds is asked for, which takes no longer."""
CANCEL_MAX_S: Final = 3.0
"""Asking for a cancel again is harmless, so one that is not answered in sixty times its usual time is given up early,
and makes room for the others."""
PAGE_ORDERS: Final = 500
"""The largest page of orders there is (Alpaca's OpenAPI)."""
PAGE_ACTIVITIES: Final = 100
"""The largest page of activities there is (Alpaca's OpenAPI)."""
PAGES_MAX: Final = 100
"""50,000 open orders: more than any account has, so a list that is longer never ends."""
FAMILY_ORDERS: Final = 100
"""How far back among a symbol's orders the entry of a bracket is looked for: it was sent with its exits."""
ASSETS_MAX: Final = 1024
"""Symbols that the strategies of one session trade, many times over; the oldest is asked for again."""
ASSETS_KEPT_S: Final = 8 * 3600.0
"""What can be shorted and traded is decided before the day, so a session of a day asks once or twice."""


_Rows = TypeVar("_Rows")


class AlpacaBroker:
    """The account behind these keys. Implements `engine.ports.broker.Broker`.

    ``throttle`` is of the trading host and has a reserve (`engine.venues.alpaca.rate.RESERVE_SHARE`). ``report`` takes
    sentences for a person.
    """

    def __init__(self, client: GuardedClient, throttle: Throttle, report: Callable[[str], None]) -> None:
        self._calls = Calls(client, throttle)
        self._host = client.host
        self._report = report
        self._assets: dict[str, tuple[float, Asset]] = {}

    async def submit(self, request: OrderRequest, *, urgent: bool = False, go: Go = at_once) -> tuple[Order, ...]:
        """See `Broker`. Raises `NotReady` where it had no turn in the budget in time, and was not sent."""
        body = msgspec.json.encode(render_order_request(request))
        asking = Request(method="POST", path=ORDERS, body=body, within_s=WRITE_MAX_S, urgent=urgent, go=go)
        return await self._calls.write_order(asking, request.client_order_id)

    async def replace(self, order_id: str, change: ReplaceRequest, *, go: Go = at_once) -> tuple[Order, ...]:
        """See `Broker`. Raises `NotReady` where it had no turn in the budget in time, and was not sent."""
        body = msgspec.json.encode(render_replace_request(change))
        asking = Request(method="PATCH", path=_path(ORDERS, order_id), body=body, within_s=WRITE_MAX_S, go=go)
        return await self._calls.write_order(asking, change.client_order_id)

    async def cancel(self, order_id: str) -> None:
        """See `Broker`; always in the lane of the budget that is kept for it."""
        asking = Request(method="DELETE", path=_path(ORDERS, order_id), within_s=CANCEL_MAX_S, urgent=True)
        try:
            await self._calls.write(asking)
        except NotReady as error:
            raise ReplyMissing(str(error)) from error  # a cancel is wanted for as long as it takes

    async def order(self, order_id: str) -> tuple[Order, ...]:
        """See `Broker`."""
        found = await self._calls.find(_path(ORDERS, order_id), {"nested": "true"}, parse_order)
        return self._only(found, "id", order_id)

    async def order_of(self, client_order_id: str) -> tuple[Order, ...]:
        """See `Broker`."""
        params = {"client_order_id": client_order_id}
        found = await self._calls.find(f"{ORDERS}:by_client_order_id", params, parse_order)
        return self._only(found, "client_order_id", client_order_id)

    async def open_orders(self) -> tuple[Order, ...]:
        """See `Broker`. Asked for oldest first, so that what is added between two pages is on the later one."""
        params = {"status": "open", "nested": "true", "direction": "asc", "limit": str(PAGE_ORDERS)}
        found: dict[str, Order] = {}
        behind: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            page = await self._calls.read(ORDERS, {**params, **behind}, parse_orders)
            before = len(found)
            for family in page:
                _add(found, family)
            # A venue that counts legs gives fewer orders than were asked for, and still has more of them.
            if sum(map(len, page)) < PAGE_ORDERS:
                return await self._with_siblings(found)
            if len(found) == before:
                break
            behind = {"after_order_id": page[-1][0].id}
        raise BrokerUnavailable(f"GET {ORDERS} at {self._host} gives page after page and comes to no end.")

    async def fills_behind(self, mark: str, since_ns: int) -> FillPage:
        """See `Broker`."""
        fills, last, more = await self._page(FILLS, {}, mark, since_ns, parse_fills)
        return FillPage(fills=fills, mark=last, more=more)

    async def fees_behind(self, mark: str, since_ns: int) -> FeePage:
        """See `Broker`. Times filter by when a row was made (Alpaca's OpenAPI), which is after its trades."""
        kinds = {"activity_types": ",".join(FEE_KINDS)}
        fees, last, more = await self._page(ACTIVITIES, kinds, mark, since_ns, parse_fees)
        return FeePage(fees=fees, mark=last, more=more)

    async def _page(
        self, path: str, kinds: dict[str, str], mark: str, since_ns: int, parse: Callable[[Any], tuple[_Rows, str, int]]
    ) -> tuple[_Rows, str, bool]:
        """A page of activities, the mark behind it, and whether there are more."""
        params = {**kinds, "direction": "asc", "page_size": str(PAGE_ACTIVITIES)}
        # The venue's ``after`` is exclusive, our bound is not.
        params |= {"page_token": mark} if mark else {"after": render_instant(since_ns - 1)}
        found, last, rows = await self._calls.read(path, params, parse)
        if last and last == mark:
            raise BrokerUnavailable(f"GET {path} at {self._host} gave the same page twice.")
        return found, last or mark, rows >= PAGE_ACTIVITIES

    async def positions(self) -> tuple[HeldPosition, ...]:
        """See `Broker`."""
        return await self._calls.read("/v2/positions", {}, parse_positions)

    async def account(self) -> Account:
        """See `Broker`."""
        return await self._calls.read("/v2/account", {}, parse_account)

    async def asset(self, symbol: str) -> Asset | None:
        """See `Broker`. Kept for `ASSETS_KEPT_S`, but for what does not exist."""
        kept_s, known = self._assets.get(symbol, (0.0, None))
        if known is not None and trio.current_time() - kept_s < ASSETS_KEPT_S:
            await trio.lowlevel.checkpoint()
            return known
        root, parse = ("/v2/options/contracts", parse_contract) if is_contract(symbol) else ("/v2/assets", parse_asset)
        asset = await self._calls.find(_path(root, symbol), {}, parse)
        self._assets.pop(symbol, None)
        if asset is not None:
            self._assets[symbol] = (trio.current_time(), asset)
            if len(self._assets) > ASSETS_MAX:
                del self._assets[next(iter(self._assets))]
        return asset

    async def _with_siblings(self, found: dict[str, Order]) -> tuple[Order, ...]:
        """The open orders, and beside the exit of a bracket whose entry is filled the other one, which is held.

        The entry itself is over, and not among them.
        """
        await trio.lowlevel.checkpoint()
        for order in tuple(found.values()):
            if order.order_class is OrderClass.BRACKET and not order.legs and not found[order.id].parent_id:
                for each in await self._family_of(order):
                    if each.open:
                        _add(found, (each,))
        return tuple(found.values())

    async def _family_of(self, leg: Order) -> tuple[Order, ...]:
        """The bracket that an exit belongs to; empty, with a report, where the venue does not show it."""
        params = {"status": "all", "nested": "true", "symbols": leg.symbol, "direction": "desc"}
        params |= {"limit": str(FAMILY_ORDERS), "before_order_id": leg.id}
        for family in await self._calls.read(ORDERS, params, parse_orders):
            if leg.id in family[0].legs:
                return family
        self._report(
            f"order {leg.id} ({leg.symbol}) is an exit of a bracket that {self._host} does not show: whether its other "
            "exit is in place is not known."
        )
        return ()

    def _only(self, found: tuple[Order, ...] | None, name: str, value: str) -> tuple[Order, ...]:
        """The order, if it is the one that was asked for. Raises `BrokerUnavailable` for another one."""
        if found is None:
            return ()
        if getattr(found[0], name) != value:
            raise BrokerUnavailable(
                f"{self._host} was asked for the order whose {name} is {value} and told of another."
            )
        return found


def _add(found: dict[str, Order], family: Sequence[Order]) -> None:
    """Take in orders, each once; that an order is a leg is told only where it is told inside its parent."""
    for order in family:
        known = found.get(order.id)
        found[order.id] = evolve(order, parent_id=order.parent_id or ("" if known is None else known.parent_id))


def _path(root: str, name: str) -> str:
    """A path that ends with a name, in which a slash is no step (``BTC%2FUSD``)."""
    return f"{root}/{quote(name, safe='')}"
