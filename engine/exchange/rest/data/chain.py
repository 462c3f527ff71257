"""Snapshots of option contracts: of those named, or of all on an underlying, with filters, greeks and pages.

A contract of which nothing was told is left out, as at the venue. Greeks and implied volatility are those of the
formula that the quotes are made with (`engine.exchange.made.pricing`), at the price of the underlying now.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import attrs
import msgspec
from attrs import frozen

from engine.codec.wire import Family
from engine.exchange.contracts import Contract, parse_contract
from engine.exchange.made.pricing import VOLATILITY, value_contract
from engine.exchange.rest.data.asking import (
    read_choice,
    read_contract_token,
    read_date,
    read_limit,
    read_moment,
    read_price,
    read_symbols,
)
from engine.exchange.rest.data.latest import LatestDesk
from engine.exchange.rest.tokens import encode_token
from engine.model.market import Kind, Trade
from engine.model.order import ZERO

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1000
ENDLESS: Final = Decimal("Infinity")
SORTS: Final = frozenset({"call", "put", "any"})


@frozen
class ChainDesk:
    """Answers requests for snapshots of contracts."""

    latest: LatestDesk

    def named(self, asked: Mapping[str, str]) -> bytes:
        """Snapshots of the contracts in ``symbols``."""
        return self._page(read_symbols(asked, Family.OPTIONS), asked)

    def chain(self, underlying: str, asked: Mapping[str, str]) -> bytes:
        """Snapshots of the contracts on a stock that pass the filters."""
        past = self.latest.market.past
        told = sorted({*past.symbols(Kind.QUOTES), *past.symbols(Kind.TRADES)})
        root = asked.get("root_symbol") or underlying
        accepts = _Filter.read(asked)
        contracts = (contract for symbol in told if (contract := parse_contract(symbol)) is not None)
        return self._page((each.symbol for each in contracts if each.root == root and accepts(each)), asked)

    def _page(self, symbols: Iterable[str], asked: Mapping[str, str]) -> bytes:
        limit = read_limit(asked, LIMIT_DEFAULT, LIMIT_MAX)
        until_ns = self.latest.until_ns(Family.OPTIONS, asked)
        since_ns = read_moment(asked, "updated_since", 0)
        behind = read_contract_token(asked)
        found: dict[str, dict[str, Any]] = {}
        for symbol in sorted(symbols):
            if symbol <= behind:
                continue
            if len(found) == limit:
                token = encode_token(next(reversed(found)))
                return msgspec.json.encode({"snapshots": found, "next_page_token": token})
            if self._updated(symbol, since_ns, until_ns) and (parts := self._snapshot(symbol, until_ns)) is not None:
                found[symbol] = parts
        return msgspec.json.encode({"snapshots": found, "next_page_token": None})

    def _updated(self, symbol: str, since_ns: int, until_ns: int) -> bool:
        newest = (self.latest.newest(kind, symbol, until_ns) for kind in (Kind.QUOTES, Kind.TRADES))
        return since_ns == 0 or any(row is not None and row.ts_ns >= since_ns for row in newest)

    def _snapshot(self, symbol: str, until_ns: int) -> dict[str, Any] | None:
        parts = self.latest.snapshot(Family.OPTIONS, symbol, until_ns)
        contract = parse_contract(symbol)
        if parts is None or contract is None:
            return None
        spot = self.latest.newest(Kind.TRADES, contract.root, until_ns)
        if isinstance(spot, Trade):
            _, greeks = value_contract(contract, spot.price, until_ns)
            parts |= {"greeks": attrs.asdict(greeks), "impliedVolatility": VOLATILITY}
        return {name: part for name, part in parts.items() if part is not None}


@frozen
class _Filter:
    """Which contracts of a chain are asked for."""

    sort: str
    strikes: tuple[Decimal, Decimal]
    expiries: tuple[date, date]

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> "_Filter":
        first = read_date(asked, "expiration_date_gte", date.min)
        last = read_date(asked, "expiration_date_lte", date.max)
        if asked.get("expiration_date"):
            first = last = read_date(asked, "expiration_date", first)
        strikes = read_price(asked, "strike_price_gte", ZERO), read_price(asked, "strike_price_lte", ENDLESS)
        return cls(read_choice(asked, "type", SORTS, "any"), strikes, (first, last))

    def __call__(self, contract: Contract) -> bool:
        sort = "call" if contract.call else "put"
        low, high = self.strikes
        first, last = self.expiries
        return self.sort in (sort, "any") and low <= contract.strike <= high and first <= contract.expires <= last
