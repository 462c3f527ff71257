"""The WebSocket endpoints of Alpaca's market data, and what may be subscribed on each.

One table, because everything that differs between the streams differs by path: the family of symbols, the channels an
acknowledgement lists (all of them, also when empty), the few special rules of options, and who is told what.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from attrs import frozen

from engine.codec.wire import Family
from engine.core.bars import is_crypto
from engine.exchange.contracts import is_contract
from engine.model.market import Kind, MarketEvent, News
from engine.model.stream import ANY, Stream

IMPLIED: Final = (Kind.CORRECTIONS, Kind.CANCELS)
"""Channels that come with trades and are never asked for."""

TEST_SYMBOL: Final = "FAKEPACA"
"""The one symbol of the test stream. No other stream tells of it, and the test stream tells of no other."""
TEST_PATH: Final = "/v2/test"


@frozen
class Endpoint:
    """One path. ``kinds`` are its channels in the order of the acknowledgement."""

    path: str
    family: Family
    kinds: tuple[Kind, ...]
    msgpack_only: bool = False
    no_wildcard: tuple[Kind, ...] = ()
    """Channels on which ``*`` is refused (413)."""

    def takes(self, symbol: str) -> bool:
        """Whether a symbol looks like one of this family: pairs have a slash, option contracts are OCC symbols."""
        if self.family is Family.OPTIONS:
            return is_contract(symbol)
        if self.family is Family.CRYPTO:
            return is_crypto(symbol) or symbol.endswith("-PERP")
        return self.family is Family.NEWS or not (is_crypto(symbol) or is_contract(symbol))

    def knows(self, symbol: str) -> bool:
        """Whether there can be events of a symbol that this endpoint takes: the test stream has one, and it alone."""
        return (symbol == TEST_SYMBOL) == (self.path == TEST_PATH) or self.family is Family.NEWS

    def carries(self, event: MarketEvent) -> bool:
        """Whether a subscription to all symbols means this event."""
        return family_of(event) is self.family and self.knows(event.symbol)

    def group(self, streams: Iterable[Stream]) -> dict[Kind, frozenset[str]]:
        """The symbols by kind, without those of which this endpoint never tells."""
        wanted: dict[Kind, set[str]] = {}
        for kind, symbol in streams:
            symbols = wanted.setdefault(kind, set())
            if symbol == ANY or self.knows(symbol):
                symbols.add(symbol)
        return {kind: frozenset(wanted[kind]) for kind in sorted(wanted)}

    def select(self, events: Sequence[MarketEvent], wanted: Mapping[Kind, frozenset[str]]) -> list[MarketEvent]:
        """The events for a session that wants these channels and symbols (see `group`), in order."""
        if self.family is Family.NEWS:
            names = {name.replace("/", "") for name in wanted.get(Kind.NEWS, ())}
            return [
                event for event in events if isinstance(event, News) and (ANY in names or names & set(event.symbols))
            ]
        return [
            event
            for event in events
            if (symbols := wanted.get(event.kind)) is not None
            and (event.symbol in symbols or (ANY in symbols and self.carries(event)))
        ]


def family_of(event: MarketEvent) -> Family:
    """The family an event belongs to: pairs have a slash, as in ``BTC/USD``, and contracts are OCC symbols."""
    if isinstance(event, News):
        return Family.NEWS
    if is_contract(event.symbol):
        return Family.OPTIONS
    return Family.CRYPTO if is_crypto(event.symbol) else Family.STOCKS


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
    stocks = ("/v2/iex", "/v2/sip", "/v2/delayed_sip", TEST_PATH, "/v1beta1/boats", "/v1beta1/overnight")
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
