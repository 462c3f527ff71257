"""The catalogue of what can be traded: stocks, crypto pairs and option contracts, each with the venue's rules for it.

It holds what the market tells of, a few names that everybody tries first, and six stocks whose only purpose is to be
refused, so that a client can be tested against every rule of the venue on any market (see `SPECIAL`). Ids are derived
from the symbol, so a script that remembers one finds it again in the next run. Nothing here knows a price of now: the
prices that options are listed around are those at which a made market begins.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid5

from engine.core.bars import is_crypto
from engine.exchange.clock import new_york
from engine.exchange.contracts import MULTIPLIER, Contract, choose_underlyings, list_contracts
from engine.exchange.symbol_market import PRICES
from engine.model.account import Asset
from engine.model.order import AssetClass

ID_SPACE: Final = UUID("5e0a4a3c-6f1d-5b7e-9c0d-0a6b1c2d3e4f")
"""The namespace of asset ids. Changing it changes every id."""
START_NS: Final = 1_772_461_800_000_000_000
"""2026-03-02T14:30:00Z, where a made market begins unless told otherwise."""

STOCKS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "AAPL": ("NASDAQ", "Apple Inc. Common Stock"),
        "AMD": ("NASDAQ", "Advanced Micro Devices, Inc. Common Stock"),
        "AMZN": ("NASDAQ", "Amazon.com, Inc. Common Stock"),
        "BAC": ("NYSE", "Bank of America Corporation"),
        "DIA": ("ARCA", "SPDR Dow Jones Industrial Average ETF Trust"),
        "F": ("NYSE", "Ford Motor Company"),
        "GOOG": ("NASDAQ", "Alphabet Inc. Class C Capital Stock"),
        "GOOGL": ("NASDAQ", "Alphabet Inc. Class A Common Stock"),
        "IWM": ("ARCA", "iShares Russell 2000 ETF"),
        "JPM": ("NYSE", "JPMorgan Chase & Co."),
        "META": ("NASDAQ", "Meta Platforms, Inc. Class A Common Stock"),
        "MSFT": ("NASDAQ", "Microsoft Corporation Common Stock"),
        "NVDA": ("NASDAQ", "NVIDIA Corporation Common Stock"),
        "QQQ": ("NASDAQ", "Invesco QQQ Trust, Series 1"),
        "SPY": ("ARCA", "SPDR S&P 500 ETF Trust"),
        "TSLA": ("NASDAQ", "Tesla, Inc. Common Stock"),
    }
)
"""Exchange and name of the stocks that examples and quick-starts use."""

SPECIAL: Final[Mapping[str, tuple[str, frozenset[str]]]] = MappingProxyType(
    {
        "WHOL": ("Wholestone Holdings: sold in whole shares only", frozenset({"fractionable"})),
        "NSHT": ("Northshott Trust: cannot be sold short", frozenset({"shortable", "easy_to_borrow"})),
        "HTBR": ("Hightower Biotech: hard to borrow", frozenset({"easy_to_borrow"})),
        "GONE": ("Goneril Industries: delisted, no longer active", frozenset({"active", "tradable"})),
        "NOTR": ("Notredam Mining: active, but not to be traded here", frozenset({"tradable"})),
        "PNNY": ("Pennywhistle Corp: trades under a dollar", frozenset({"marginable"})),
    }
)
"""Stocks that exist to be refused: the name, and what an ordinary stock is and this one is not. No company is meant."""

CRYPTO: Final[Mapping[str, tuple[str, str, str, str]]] = MappingProxyType(
    {
        "AVAX/USD": ("Avalanche", "0.01", "0.000000001", "0.001"),
        "BTC/USD": ("Bitcoin", "0.00001", "0.000000001", "0.01"),
        "DOGE/USD": ("Dogecoin", "1", "0.000000001", "0.000001"),
        "ETH/USD": ("Ethereum", "0.0001", "0.000000001", "0.01"),
        "LINK/USD": ("Chainlink", "0.01", "0.000000001", "0.0001"),
        "LTC/USD": ("Litecoin", "0.01", "0.000000001", "0.001"),
        "SOL/USD": ("Solana", "0.001", "0.000000001", "0.001"),
    }
)
"""Name, smallest order, smallest step of a quantity, smallest step of a price; Bitcoin's are Alpaca's (its OpenAPI)."""
CRYPTO_RULES: Final = ("0.0001", "0.000000001", "0.0001")
"""The same for a pair that is not in the table."""


class Assets(Mapping[str, Asset]):
    """Assets by symbol, in the order of their symbols.

    `__getitem__` also takes an id, and a crypto pair without its slash; neither is counted or iterated over.
    """

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._by_symbol = {asset.symbol: asset for asset in sorted(assets, key=lambda asset: asset.symbol)}
        self._aliases = {asset.id: asset for asset in self._by_symbol.values()}
        for asset in self._by_symbol.values():
            if asset.asset_class is AssetClass.CRYPTO:
                self._aliases[asset.symbol.replace("/", "")] = asset

    def __getitem__(self, name: str) -> Asset:
        found = self._by_symbol.get(name)
        return self._aliases[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_symbol)

    def __len__(self) -> int:
        return len(self._by_symbol)


def build_assets(
    symbols: Iterable[str], *, start_ns: int = START_NS, prices: Mapping[str, float] = PRICES
) -> Mapping[str, Asset]:
    """The catalogue of a market that tells of ``symbols`` and begins at ``start_ns``.

    ``prices`` are the dollars at which its stocks begin; `choose_underlyings` says which of them have options.
    """
    told = {symbol for symbol in symbols if symbol}
    first_day = new_york(start_ns).date()
    assets = [
        _build_pair(symbol) if is_crypto(symbol) else _build_stock(symbol)
        for symbol in sorted(told | STOCKS.keys() | SPECIAL.keys() | CRYPTO.keys())
    ]
    for symbol, price in choose_underlyings(told, prices).items():
        assets += [_build_option(contract) for contract in list_contracts(symbol, price, first_day)]
    return Assets(assets)


def id_of(symbol: str) -> str:
    """The id of the asset of that symbol.

    >>> id_of("AAPL") == id_of("AAPL") != id_of("MSFT")
    True
    """
    return str(uuid5(ID_SPACE, symbol))


def _build_stock(symbol: str) -> Asset:
    exchange, name = STOCKS.get(symbol, ("NYSE", f"{symbol} Common Stock"))
    name, is_not = SPECIAL.get(symbol, (name, frozenset[str]()))
    return Asset(
        id=id_of(symbol),
        symbol=symbol,
        name=name,
        asset_class=AssetClass.US_EQUITY,
        exchange=exchange,
        tradable="tradable" not in is_not,
        active="active" not in is_not,
        marginable="marginable" not in is_not,
        shortable="shortable" not in is_not,
        easy_to_borrow="easy_to_borrow" not in is_not,
        fractionable="fractionable" not in is_not,
    )


def _build_pair(symbol: str) -> Asset:
    base, _, quote = symbol.partition("/")
    name, *told = CRYPTO.get(symbol, (base, *CRYPTO_RULES))
    order_min, step, price_step = (Decimal(each) for each in told)
    return Asset(
        id=id_of(symbol),
        symbol=symbol,
        name=f"{name} / {'US Dollar' if quote == 'USD' else quote}",
        asset_class=AssetClass.CRYPTO,
        exchange="CRYPTO",
        marginable=False,
        shortable=False,
        easy_to_borrow=False,
        min_order_size=order_min,
        min_trade_increment=step,
        price_increment=price_step,
    )


def _build_option(contract: Contract) -> Asset:
    sort = "Call" if contract.call else "Put"
    return Asset.contract(
        id=id_of(contract.symbol),
        symbol=contract.symbol,
        name=f"{contract.root} {contract.expires:%b %d %Y} {contract.strike.normalize():f} {sort}",
        multiplier=MULTIPLIER,
        underlying=contract.root,
        strike=contract.strike,
        expires=contract.expires.isoformat(),
        call=contract.call,
    )
