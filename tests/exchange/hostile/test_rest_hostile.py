"""Whatever is asked by REST is answered: no request is the exchange's failure, and none unbalances its books."""

from random import Random
from typing import Any, Final
from urllib.parse import quote

import pytest
from attrs import define, field

SHARE: Final = 0.45

PATHS: Final = tuple(
    """
    /v2/account /v2/account/configurations /v2/account/activities /v2/account/activities/{}
    /v2/account/portfolio/history /v2/orders
    /v2/orders/{} /v2/orders:by_client_order_id /v2/positions /v2/positions/{} /v2/positions/{}/exercise
    /v2/assets /v2/assets/{} /v2/options/contracts /v2/options/contracts/{} /v2/corporate_actions/announcements
    /v2/corporate_actions/announcements/{} /v2/watchlists /v2/watchlists/{} /v2/watchlists/{}/{} /v2/watchlists:by_name
    /v2/clock /v2/calendar /v3/clock /v3/calendar/{} /v2/events/trades /v2beta1/events/activities
    /v2/stocks/trades /v2/stocks/quotes /v2/stocks/bars /v2/stocks/{}/trades /v2/stocks/{}/quotes /v2/stocks/{}/bars
    /v2/stocks/{}/{}/latest /v2/stocks/{}/latest /v2/stocks/snapshots /v2/stocks/{}/snapshot /v2/stocks/auctions
    /v2/stocks/{}/auctions /v2/stocks/meta/exchanges /v2/stocks/meta/conditions/{}
    /v1beta3/crypto/{}/trades /v1beta3/crypto/us/quotes /v1beta3/crypto/us/bars /v1beta3/crypto/us/latest/{}
    /v1beta3/crypto/us/snapshots /v1beta1/options/trades /v1beta1/options/bars /v1beta1/options/snapshots
    /v1beta1/options/snapshots/{} /v1beta1/options/{}/latest /v1beta1/options/meta/conditions/{} /v1beta1/news
    /v1/corporate-actions /v1beta1/screener/stocks/most-actives /v1beta1/screener/{}/movers /{} / /v2/{} /{}/{}/{}
    """.split()
)
METHODS: Final = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW")
NAMES: Final = tuple(
    """
    activity_types adjustment after after_order_id asof asset_class attributes before_order_id by cancel_orders category
    client_order_id currency date date_end date_type direction end exchange exclude_contentless expiration_date
    expiration_date_gte extended_hours feed include_content intraday_reporting limit loc markets name nested order_id
    page_size page_token percentage period pnl_reset qty root_symbol side since since_id sort start status
    strike_price_gte strike_price_lte style symbols symbol tape time timeframe timezone top type types
    underlying_symbols until until_id updated_since ids
    """.split()
)
ORDER: Final[dict[str, Any]] = {
    "symbol": "SPY",
    "qty": "1",
    "side": "buy",
    "type": "market",
    "time_in_force": "day",
}
WORDS: Final[dict[str, tuple[Any, ...]]] = {
    "symbol": ("SPY", "BTC/USD", "BTCUSD", "AAPL", "HTBR", "NSHT", "GONE", "SPY260320C00600000"),
    "qty": ("1", 1, 2.5, "0.3", 1e-9, "100000", "-1", None),
    "notional": (10, "25.50", 1e12, None),
    "side": ("buy", "sell"),
    "type": ("market", "limit", "stop", "stop_limit", "trailing_stop"),
    "time_in_force": ("day", "gtc", "opg", "cls", "ioc", "fok"),
    "order_class": ("", "simple", "bracket", "oco", "oto", "mleg"),
    "limit_price": ("1", 600, "650.01", "0.0001", 64000, None),
    "stop_price": ("1", 600, "650.01", None),
    "trail_percent": (1, "0.1", 99, 100, 1000, None),
    "trail_price": (1, "5000", None),
    "extended_hours": (True, False),
    "take_profit": ({"limit_price": "700"}, {"limit_price": 1}, {}, None),
    "stop_loss": ({"stop_price": "1"}, {"stop_price": 500, "limit_price": "499"}, {}, None),
    "position_intent": ("buy_to_open", "sell_to_close", None),
    "legs": (
        [
            {"symbol": "SPY260320C00600000", "ratio_qty": "1", "side": "buy"},
            {"symbol": "SPY260320C00610000", "ratio_qty": "1", "side": "sell"},
        ],
        [],
        None,
    ),
    "client_order_id": ("twice", "x" * 128, None),
}
COIN: Final[dict[str, Any]] = ORDER | {"symbol": "BTC/USD", "qty": "0.01", "time_in_force": "gtc"}
EXITS: Final[dict[str, Any]] = {"take_profit": {"limit_price": "990"}, "stop_loss": {"stop_price": "100"}}
TAKEN: Final[tuple[dict[str, Any], ...]] = (
    ORDER,
    ORDER | {"side": "sell", "qty": "3"},
    ORDER | {"type": "limit", "limit_price": "300", "time_in_force": "gtc"},
    ORDER | {"type": "limit", "limit_price": "900", "time_in_force": "ioc", "qty": "5"},
    ORDER | {"type": "stop", "stop_price": "990", "side": "buy"},
    ORDER | {"type": "trailing_stop", "trail_percent": "0.1", "side": "sell", "qty": "1"},
    ORDER | {"order_class": "bracket", **EXITS},
    ORDER | {"order_class": "oto", "stop_loss": EXITS["stop_loss"]},
    {name: value for name, value in ORDER.items() if name != "qty"} | {"notional": "99.5"},
    COIN,
    COIN | {"side": "sell", "qty": "0.005"},
    COIN | {"type": "limit", "limit_price": "30000"},
    COIN | {"type": "stop_limit", "stop_price": "99000", "limit_price": "99100"},
)
"""Orders that are taken when nothing speaks against them."""
SETTINGS: Final[dict[str, Any]] = {"suspend_trade": True, "no_shorting": True, "max_margin_multiplier": "1"}
WATCHLIST: Final[dict[str, Any]] = {"name": "mine", "symbols": ["SPY", "AAPL"], "symbol": "AAPL"}


@define
class Rest:
    """Makes and makes use of one request after another; some name orders that there are."""

    storm: Any
    oddities: Any
    met: dict[int, int] = field(factory=dict)
    taken: int = 0
    """Orders."""

    async def case(self, dice: Random) -> None:
        """One request."""
        odd = self.oddities(dice)
        method, path, body = self.order(dice, odd) if dice.random() < 0.4 else self.anything(dice, odd)
        target = path + (self.query(dice, odd) if dice.random() < 0.6 else b"")
        reply = await self.storm.caller.call(method, target, body, self.headers(dice, odd))
        self.taken += (method, path, reply.status) == ("POST", b"/v2/orders", 200)
        self.met[reply.status] = self.met.get(reply.status, 0) + 1
        if method == "HEAD":
            assert (reply.body, reply.status < 500) == (b"", True)
        else:
            reply.check()

    def order(self, dice: Random, odd: Any) -> tuple[str, bytes, bytes]:
        """An order that might even be taken, or something about one that was."""
        known = [order.id for order in self.storm.exchange.running.brokerage.matching.orders][-30:]
        if known and dice.random() < 0.4:
            path = b"/v2/orders/" + dice.choice(known).encode()
            change = {"qty": dice.choice((2, "3", 1.5)), "limit_price": dice.choice((2, "620.55")), "trail": 2}
            return dice.choice(("PATCH", "DELETE", "GET")), path, odd.json(odd.spoiled(change))
        asked = dict(dice.choice(TAKEN))
        if dice.random() < 0.5:
            asked |= {name: dice.choice(words) for name, words in WORDS.items() if dice.random() < 0.2}
        return "POST", b"/v2/orders", odd.json(asked if dice.random() < 0.6 else odd.spoiled(asked))

    def anything(self, dice: Random, odd: Any) -> tuple[str, bytes, bytes]:
        """Any path, any verb, any body."""
        path = dice.choice(PATHS)
        while "{}" in path:
            path = path.replace("{}", self.quoted(dice, odd.text()), 1)
        good = dice.choice((ORDER, SETTINGS, WATCHLIST, {}))
        bodies = (b"", odd.json(odd.spoiled(good)), odd.json(odd.value()), odd.noise(), b"[" * 100_000, b'{"a":' * 5000)
        method = "GET" if dice.random() < 0.5 else dice.choice(METHODS)
        return method, path.encode(), dice.choice(bodies[: 4 if dice.random() < 0.9 else 6])

    def query(self, dice: Random, odd: Any) -> bytes:
        """Some names with some values, at times the same name twice, at times no query at all."""
        if dice.random() < 0.05:
            return b"?" + quote(odd.noise(), safe="&=?/").encode()
        names = [dice.choice((*NAMES, "symbols", "start", "limit")) for _ in range(dice.choice((1, 2, 3, 6, 120)))]
        likely = {"symbols": "SPY,BTC/USD", "timeframe": "1Min", "start": "2026-03-02", "limit": "5"}
        told = {**likely, **dict.fromkeys(names)} if dice.random() < 0.5 else dict.fromkeys(names)
        pairs = [f"{name}={self.quoted(dice, value or odd.text())}" for name, value in told.items()]
        return ("?" + "&".join(pairs + pairs[: dice.choice((0, 0, 1))])).encode()

    def quoted(self, dice: Random, text: str) -> str:
        """As percent-encoding wants it, or nearly."""
        safe = dice.choice(("", "/", "/%,:+"))
        return quote(text.encode("utf-8", "surrogatepass")[:2000], safe=safe) or dice.choice(("", "%", "%zz", "%ff"))

    def headers(self, dice: Random, odd: Any) -> dict[str, str]:
        """Keys that are wrong in a few ways, and headers that nobody reads."""
        if dice.random() < 0.9:
            return {}
        name = dice.choice(("APCA-API-KEY-ID", "Authorization", "Origin", "Accept", "Content-Type", "Cookie", "X"))
        plain = odd.text().encode("ascii", "ignore").decode().replace("\x00", "").replace("\r\n", "").strip()
        return {name: dice.choice((plain, "Basic !!!", "Basic w6k6w6k=", "Bearer", "Bearer x", "Basic Og=="))}


@pytest.mark.slow
async def test_any_request_is_answered_and_none_unbalances_the_books(storm: Any, oddities: Any) -> None:
    rest = Rest(storm, oddities)
    count = await storm.rage("rest", SHARE, rest.case)
    assert sum(rest.met.values()) == count
    assert {200, 400, 403, 404, 405, 422} <= set(rest.met)  # it was not all refused for one and the same reason
    assert rest.taken > count / 30  # and some of it was traded
