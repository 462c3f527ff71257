"""Who answers which path of the market-data API.

Told apart by path alone, as the venue does: stocks under ``/v2``, crypto under ``/v1beta3`` by location, options, news
and the screener under ``/v1beta1``, corporate actions under ``/v1``. Not served, because no market here has them:
forex, indices, fixed income, logos, perpetuals; and history of option quotes, which Alpaca does not have either.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from engine.codec.wire import KINDS_BY_NAME, Family
from engine.exchange.clock import new_york
from engine.exchange.made.prehistory import PreHistory
from engine.exchange.market import Market
from engine.exchange.rest.data import meta
from engine.exchange.rest.data.actions import render_actions
from engine.exchange.rest.data.asking import LOCATIONS, BadRequest, check_extras
from engine.exchange.rest.data.chain import ChainDesk
from engine.exchange.rest.data.latest import LatestDesk
from engine.exchange.rest.data.news import render_news
from engine.exchange.rest.data.screener import render_most_actives, render_movers
from engine.exchange.rest.history import HistoryDesk, HistoryFaults
from engine.exchange.rest.http import Request
from engine.exchange.tiers import PLUS, Tier
from engine.model.market import Kind

PAGED: Final = frozenset({Kind.TRADES, Kind.QUOTES, Kind.BARS})
OPTION_PAGED: Final = frozenset({Kind.TRADES, Kind.BARS})
OPTION_LATEST: Final = frozenset({Kind.TRADES, Kind.QUOTES})
CURRENCY: Final = b',"currency":"USD"}'
"""Put in place of the last brace: who asks for a currency is told which one it is."""


class MarketRoutes:
    """Answers market-data requests from a market's past, and from ``before`` it where there is such a year."""

    def __init__(
        self, market: Market, faults: HistoryFaults, *, tier: Tier = PLUS, before: PreHistory | None = None
    ) -> None:
        self._market = market
        self._before = before or PreHistory({}, market.source.start_ns)
        self._history = HistoryDesk(market, faults, tier=tier, before=self._before)
        self._latest = LatestDesk(market, self._history, tier)
        self._chain = ChainDesk(self._latest)

    def answer(self, steps: list[str], request: Request) -> bytes | None:
        """The body of the reply to a path in its steps; ``None`` where there is nothing.

        Raises `BadRequest` (400) and `NotForPlan` (403).
        """
        asked = request.query
        match steps:
            case ["v2", "stocks", *rest]:
                check_extras(asked)
                return self._stocks(rest, request)
            case ["v1beta3", "crypto", location, *rest]:
                if location not in LOCATIONS:
                    raise BadRequest(f"invalid location: {location}")
                return self._crypto(rest, request)
            case ["v1beta1", "options", *rest]:
                return self._options(rest, request)
            case ["v1beta1", "news"]:
                return render_news(self._market, asked)
            case ["v1" | "v1beta1", "corporate-actions"]:
                today = new_york(self._market.clock.now_ns()).date()
                return render_actions(self._before.actions, asked, today)
            case ["v1beta1", "screener", "stocks", "most-actives"]:
                return render_most_actives(self._market, self._history.spans, asked)
            case ["v1beta1", "screener", sort, "movers"]:
                return render_movers(self._market, self._history.spans, sort, asked)
        return None

    def _stocks(self, rest: list[str], request: Request) -> bytes | None:
        family, asked = Family.STOCKS, request.query
        match rest:
            case ["meta", "exchanges"]:
                return msgspec.json.encode(meta.STOCK_EXCHANGES)
            case ["meta", "conditions", sort]:
                return meta.render_stock_conditions(sort, asked.get("tape"))
            case ["snapshots"]:
                return self._latest.snapshots(family, asked)
            case [symbol, "snapshot"]:
                return self._latest.snapshots(family, asked, symbol)
            case ["auctions"]:
                return self._history.page(family, Kind.TRADES, request, auctions=True)
            case [symbol, "auctions"]:
                return self._history.page(family, Kind.TRADES, request, symbol, auctions=True)
            case [name, "latest"] if (kind := _kind(name)) in PAGED:
                return _echo(self._latest.latest(family, kind, asked), asked)
            case [symbol, name, "latest"] if (kind := _kind(name)) in PAGED:
                return _echo(self._latest.latest(family, kind, asked, symbol), asked)
            case [name] if (kind := _kind(name)) in PAGED:
                return _echo(self._history.page(family, kind, request), asked)
            case [symbol, name] if (kind := _kind(name)) in PAGED:
                return _echo(self._history.page(family, kind, request, symbol), asked)
        return None

    def _crypto(self, rest: list[str], request: Request) -> bytes | None:
        match rest:
            case ["snapshots"]:
                return self._latest.snapshots(Family.CRYPTO, request.query)
            case ["latest", name] if (kind := _kind(name)) in PAGED | {Kind.BOOKS}:
                return self._latest.latest(Family.CRYPTO, kind, request.query)
            case [name] if (kind := _kind(name)) in PAGED:
                return self._history.page(Family.CRYPTO, kind, request)
        return None

    def _options(self, rest: list[str], request: Request) -> bytes | None:
        match rest:
            case ["meta", "exchanges"]:
                return msgspec.json.encode(meta.OPTION_EXCHANGES)
            case ["meta", "conditions", sort]:
                return meta.render_option_conditions(sort)
            case ["snapshots"]:
                return self._chain.named(request.query)
            case ["snapshots", underlying]:
                return self._chain.chain(underlying, request.query)
            case [name, "latest"] if (kind := _kind(name)) in OPTION_LATEST:
                return self._latest.latest(Family.OPTIONS, kind, request.query)
            case [name] if (kind := _kind(name)) in OPTION_PAGED:
                return self._history.page(Family.OPTIONS, kind, request)
        return None


def _kind(name: str) -> Kind:
    """The kind that a step of a path names; news, which no path here names like that, where it names none."""
    return KINDS_BY_NAME.get(name, Kind.NEWS)


def _echo(body: bytes, asked: Mapping[str, str]) -> bytes:
    return body[:-1] + CURRENCY if asked.get("currency") else body
