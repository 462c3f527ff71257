"""What Alpaca refuses is refused over HTTP too: every row of the table, posted to a running exchange.

The rules themselves are tested beside their code (``tests/core/rules/test_refusals.py``), with the same rows. Here each
state is brought about as a client would do it: holdings are bought, open orders are sent, canceled, replaced, and left
to expire. Rows that need the same state share an exchange, and all of them one virtual network and clock.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx
import pytest
import trio
import trio.testing
from attrs import evolve, frozen

from engine.core.matching.fees import NO_FEES
from engine.core.matching.ledger import AccountTerms
from engine.core.matching.models import MODELS
from engine.exchange.assets import START_NS, build_assets
from engine.exchange.clock import instant_of
from engine.exchange.faults.script import build_fault
from engine.exchange.market import Row
from engine.exchange.serve import ExchangeOptions, Running, open_exchange
from engine.model.account import Asset
from engine.model.instant import NS_PER_S
from engine.model.market import Quote, Status, Trade
from engine.testing.network import Network

TABLE: Final = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text(encoding="utf-8"))
ROWS: Final = [*TABLE["refusals"], *(row for row in TABLE["elsewhere"] if row["rule"] != "open_orders")]
"""The last one is about ten thousand orders, which would take longer to post than all of the others together."""
PRICES: Final = {symbol: float(price) for symbol, price in TABLE["prices"].items()}
ASSETS: Final = build_assets(("AAPL", "MSFT", "BTC/USD"), start_ns=START_NS)
TEN_NS: Final = instant_of(datetime(2026, 3, 2, 15, 0, tzinfo=UTC))
"""10:00 in New York."""
SIZE: Final = 1_000_000.0
BEFORE_NS: Final = 2 * NS_PER_S
PART_AFTER_S: Final = 10
HALT: Final = "H"
PATH: Final = "/v2/orders"
SETTINGS: Final = "/v2/account/configurations"
KEYS: Final = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}
ORDER_ENDS_S: Final = 7 * 3600
"""From 10:00 to behind the close."""

Told: TypeAlias = Mapping[str, Any]


def title(row: Told) -> str:
    return str(row.get("name", row["rule"]))


@frozen
class Quoted:
    """A market that says its prices and falls silent; ``part`` trades so much at so little a moment later."""

    start_ns: int
    part: Mapping[str, float]
    halted: str = ""
    endless: bool = True
    symbols: tuple[str, ...] = tuple(sorted(PRICES))

    def rows(self) -> Iterator[Row]:
        ts_ns = self.start_ns
        for symbol, price in PRICES.items():
            ts_ns += 1
            yield ts_ns, Quote(symbol, ts_ns, price, SIZE, price, SIZE, "Q", "Q", ("R",), "C")
            yield ts_ns, Trade(symbol, ts_ns, price, SIZE, conditions=("@",), tape="C")
        if self.halted:
            yield ts_ns, Status(self.halted, ts_ns, HALT)
        if self.part:
            ts_ns += BEFORE_NS + PART_AFTER_S * NS_PER_S
            yield ts_ns, Trade("AAPL", ts_ns, self.part["price"], self.part["size"], conditions=("@",), tape="C")


@frozen
class Client:
    """Does by HTTP what a row says."""

    running: Running
    http: httpx.AsyncClient

    async def hold(self, symbol: str, qty: Decimal) -> None:
        """Buy or sell short at the market's price."""
        order = {"symbol": symbol, "qty": str(abs(qty)), "side": "buy" if qty > 0 else "sell", "type": "market"}
        await self.taken(order | {"time_in_force": "gtc" if "/" in symbol else "day"})
        position = self.running.brokerage.matching.position(symbol)
        assert position is not None
        assert position.qty == qty

    async def open(self, row: Told) -> str:
        """Send an order and bring it into its status; returns its id."""
        body = {key: value for key, value in row.items() if key not in ("status", "filled_qty")}
        order_id = await self.taken({**TABLE["bodies"]["stock"], **body})
        path, status = f"{PATH}/{order_id}", row.get("status", "new")
        if status == "pending_cancel":
            self.running.inject(build_fault(kind="cancel_loses", lag="1h", next=1))
        if status in ("canceled", "pending_cancel"):
            assert (await self.http.delete(path)).status_code == 204
        elif status == "replaced":
            assert (await self.http.patch(path, json={"limit_price": "199"})).status_code == 200
        elif status == "partially_filled":
            await trio.sleep(PART_AFTER_S + 1)
        elif status == "expired":
            await trio.sleep(ORDER_ENDS_S)
        shown = (await self.http.get(path)).json()
        assert (shown["status"], shown["filled_qty"]) == (status, row.get("filled_qty", "0"))
        return order_id

    async def taken(self, body: Told) -> str:
        reply = await self.http.post(PATH, json=body)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])

    async def refused(self, row: Told, opened: list[str]) -> httpx.Response:
        """The request that is to be refused."""
        if "replace" in row:
            return await self.http.patch(f"{PATH}/{opened[0]}", json=row["replace"])
        if "cancel" in row:
            return await self.http.delete(f"{PATH}/{opened[0]}")
        if "path" in row:
            replies = [
                await self.http.request(row["method"], row["path"], json=row.get("body"))
                for _ in range(row.get("times", 1))
            ]
            return replies[-1]
        body = {**TABLE["bodies"][row.get("of", "stock")], **row.get("order", {})}
        without = row.get("without", ())
        return await self.http.post(PATH, json={key: value for key, value in body.items() if key not in without})


def assets_of(given: Told) -> dict[str, Asset]:
    """The catalogue, with what is different about some of it."""
    return {**ASSETS, **{symbol: evolve(ASSETS[symbol], **what) for symbol, what in given.get("asset", {}).items()}}


def terms_of(given: Told) -> AccountTerms:
    return AccountTerms(
        cash=Decimal(given.get("cash", 100_000)),
        multiplier=Decimal(given.get("multiplier", 4)),
        shorting_enabled=given.get("shorting", True),
        options_level=given.get("options_level", 3),
    )


def part_of(given: Told) -> dict[str, float]:
    """The trade that an order needs which is to be filled in part."""
    parts = [row for row in given.get("open", ()) if row.get("status") == "partially_filled"]
    return {"price": float(parts[0]["limit_price"]), "size": float(parts[0]["filled_qty"])} if parts else {}


async def post_all(rows: Iterable[Told]) -> dict[str, httpx.Response]:
    """The replies to rows that need the same state, by their titles."""
    replies: dict[str, httpx.Response] = {}
    rows = list(rows)
    given = rows[0].get("given", {})
    at_ns = instant_of(given["at"]) if "at" in given else TEN_NS
    options = ExchangeOptions(
        fills=evolve(MODELS["touch"], fees=NO_FEES), terms=terms_of(given), assets=assets_of(given)
    )
    async with open_exchange(options, Quoted(at_ns - BEFORE_NS, part_of(given), given.get("halted", ""))) as running:
        await running.market.clock.sleep_until(at_ns)
        async with httpx.AsyncClient(base_url=running.trading_url, headers=KEYS, timeout=60) as http:
            client = Client(running, http)
            for symbol, qty in given.get("holding", {}).items():
                await client.hold(symbol, Decimal(qty))
            opened = [await client.open(row) for row in given.get("open", ())]
            if "settings" in given:
                assert (await http.patch(SETTINGS, json=given["settings"])).status_code == 200
            if "later" in given:
                await running.market.clock.sleep_until(instant_of(given["later"]))
            for row in rows:
                replies[title(row)] = await client.refused(row, opened)
        assert running.brokerage.ledger.imbalance() == 0
    return replies


async def post_table() -> dict[str, httpx.Response]:
    groups: dict[str, list[Told]] = {}
    for row in ROWS:
        groups.setdefault(json.dumps(row.get("given", {}), default=str), []).append(row)
    replies: dict[str, httpx.Response] = {}
    with Network().use():
        for rows in groups.values():
            replies |= await post_all(rows)
    return replies


@pytest.fixture(scope="module")
def replies() -> dict[str, httpx.Response]:
    """What the exchange answered to each row."""
    return trio.run(post_table, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize("row", ROWS, ids=title)
def test_a_posted_refusal_has_the_venues_status_code_and_words(replies: dict[str, httpx.Response], row: Told) -> None:
    reply = replies[title(row)]
    body = reply.json()
    assert [reply.status_code, body["code"], body["message"]] == row["says"]
    also = row.get("also", {})
    assert {key: body[key] for key in also} == also
    assert reply.headers["Content-Type"].startswith("application/json")
    assert reply.headers["X-Request-ID"]
