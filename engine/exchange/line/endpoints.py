"""The WebSocket endpoints of Alpaca's market data, and what may be subscribed on each.

One table, because everything that differs between the streams differs by path: the family of symbols, the channels an
acknowledgement lists (all of them, also when empty) and the few special rules of options.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from engine.codec.wire import Family
from engine.model.market import Kind, MarketEvent, News
from engine.model.stream import ANY

IMPLIED: Final = (Kind.CORRECTIONS, Kind.CANCELS)
"""Channels that come with trades and are never asked for."""

_CONTRACT: Final = re.compile(r"[A-Z0-9.]{1,6}\d{6}[CP]\d{8}")
"""An OCC symbol such as ``AAPL260320C00200000``."""


@frozen
class Endpoint:
    """One path. ``kinds`` are its channels in the order of the acknowledgement."""

    path: str
    family: Family
    kinds: tuple[Kind, ...]
    msgpack_only: bool = False
    no_wildcard: tuple[Kind, ...] = ()
    """Channels on which ``*`` is refused (413)."""

    def carries(self, event: MarketEvent) -> bool:
        """Whether an event of the market belongs to this endpoint's family at all."""
        return family_of(event) is self.family

    def takes(self, symbol: str) -> bool:
        """Whether a symbol looks like one of this family: pairs have a slash, option contracts are OCC symbols."""
        if self.family is Family.OPTIONS:
            return symbol == ANY or _CONTRACT.fullmatch(symbol) is not None
        if self.family is Family.CRYPTO:
            return "/" in symbol or symbol.endswith("-PERP")
        return "/" not in symbol or self.family is Family.NEWS


def family_of(event: MarketEvent) -> Family:
    """The family an event belongs to; crypto pairs are told by their slash, as in ``BTC/USD``."""
    if isinstance(event, News):
        return Family.NEWS
    return Family.CRYPTO if "/" in event.symbol else Family.STOCKS


_STOCKS: Final = (
    Kind.TRADES,
    Kind.QUOTES,
    Kind.BARS,
    Kind.UPDATED_BARS,
    Kind.DAILY_BARS,
    Kind.STATUSES,
    Kind.LULDS,
    Kind.IMBALANCES,
    *IMPLIED,
)
_CRYPTO: Final = (Kind.TRADES, Kind.QUOTES, Kind.BOOKS, Kind.BARS, Kind.UPDATED_BARS, Kind.DAILY_BARS)
_OPTIONS: Final = (Kind.TRADES, Kind.QUOTES)


def _table() -> Mapping[str, Endpoint]:
    stocks = ("/v2/iex", "/v2/sip", "/v2/delayed_sip", "/v2/test", "/v1beta1/boats", "/v1beta1/overnight")
    crypto = ("/v1beta3/crypto/us", "/v1beta3/crypto/us-1", "/v1beta3/crypto/eu-1")
    options = ("/v1beta1/indicative", "/v1beta1/opra")
    rows = [Endpoint(path, Family.STOCKS, _STOCKS) for path in stocks]
    rows += [Endpoint(path, Family.CRYPTO, _CRYPTO) for path in crypto]
    rows += [Endpoint("/v1beta1/crypto-perps/global", Family.CRYPTO, (*_CRYPTO, Kind.PRICING))]
    rows += [Endpoint(path, Family.OPTIONS, _OPTIONS, True, (Kind.QUOTES,)) for path in options]
    rows += [Endpoint("/v1beta1/news", Family.NEWS, (Kind.NEWS,))]
    return MappingProxyType({row.path: row for row in rows})


ENDPOINTS: Final = _table()


def endpoint_at(target: str) -> Endpoint | None:
    """The endpoint of a request target; a trailing slash and a query are ignored."""
    return ENDPOINTS.get(target.partition("?")[0].rstrip("/"))
