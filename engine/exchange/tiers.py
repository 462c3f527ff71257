"""What an account pays for: which feeds, how many symbols, how fresh a history and how many requests.

Alpaca calls them Basic and Algo Trader Plus. Most bots meet the limits of the free one first, in production: a 409 at
the login, a 405 for the 31st symbol, a 403 for the last quarter of an hour. So a test can ask for them. The figures are
those of Alpaca's "About Market Data API" page, that of order books its older documentation's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from engine.codec.wire import Family
from engine.model.instant import NS_PER_S
from engine.model.market import Kind

RECENT_NS: Final = 900 * NS_PER_S
"""Without real-time data, history of all exchanges is told a quarter of an hour late."""


@frozen(kw_only=True)
class Tier:
    """One plan. Of the limits ``None`` is no limit."""

    name: str
    rate_per_minute: int
    """Requests for data."""
    trading_per_minute: int
    """Requests of the trading API. Alpaca's support article: 200, and 1,000 for those it calls Elite."""
    recent: bool
    """Whether history and latest values of all US exchanges (``sip``) may be younger than a quarter of an hour."""
    refused: frozenset[str] = frozenset()
    """Paths of streams that are not part of it (409 at the login)."""
    stocks_max: int | None = None
    """Different symbols on one stock stream. Alpaca's texts differ on which channels count; here all of them do."""
    option_quotes_max: int | None = None
    books_max: int | None = None

    def allows(self, family: Family, wanted: Mapping[Kind, frozenset[str]]) -> bool:
        """Whether one connection may follow these channels and symbols; ``*`` counts as one."""
        stocks = frozenset[str]().union(*wanted.values()) if family is Family.STOCKS else ()
        quotes = wanted.get(Kind.QUOTES, ()) if family is Family.OPTIONS else ()
        counted = (
            (stocks, self.stocks_max), (quotes, self.option_quotes_max), (wanted.get(Kind.BOOKS, ()), self.books_max),
        )  # fmt: skip
        return all(most is None or len(symbols) <= most for symbols, most in counted)


FREE: Final = Tier(
    name="free",
    rate_per_minute=200,
    trading_per_minute=200,
    recent=False,
    refused=frozenset({"/v2/sip", "/v1beta1/opra"}),
    stocks_max=30,
    option_quotes_max=200,
    books_max=10,
)
PLUS: Final = Tier(name="plus", rate_per_minute=10_000, trading_per_minute=1000, recent=True, option_quotes_max=1000)
TIERS: Final[Mapping[str, Tier]] = MappingProxyType({tier.name: tier for tier in (FREE, PLUS)})
