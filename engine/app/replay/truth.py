"""The account of a replay, made up: a fresh one with some cash, at which everything on the tape can be traded.

What an asset is follows from its symbol: a slash means a crypto pair, an OCC symbol an option contract, and everything
else is a stock as stocks usually are. It is the embedded exchange's own catalogue, so that a strategy meets the same
rules there and here.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import trio
from attrs import define, field

from engine.core.matching.ledger import AccountTerms, Ledger
from engine.exchange.assets import build_assets, id_of
from engine.exchange.contracts import MULTIPLIER, is_contract, parse_contract
from engine.model.account import Account, Asset

SYMBOLS_MAX = 10_000
"""Symbols beyond the tape's that are remembered: more than a strategy asks about."""


@define(eq=False)
class MadeUpTruth:
    """`engine.venues.shadow.Truth` of nothing. ``cash``: dollars; ``start_ns``: market time at which it is opened."""

    cash: int
    symbols: Iterable[str]
    start_ns: int
    _catalogue: Mapping[str, Asset] = field(init=False)
    _others: dict[str, Asset] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        told = [symbol for symbol in self.symbols if not is_contract(symbol)]
        self._catalogue = build_assets(told, start_ns=self.start_ns)

    async def account(self) -> Account:
        """As a fresh paper account of Alpaca's with this cash."""
        await trio.lowlevel.checkpoint()
        return Ledger(AccountTerms(cash=Decimal(self.cash))).account()

    async def asset(self, symbol: str) -> Asset | None:
        """What a symbol means; ``None`` for no symbol at all."""
        await trio.lowlevel.checkpoint()
        if not symbol:
            return None
        known = self._catalogue.get(symbol) or self._others.get(symbol)
        if known is None:
            if len(self._others) >= SYMBOLS_MAX:
                self._others.clear()
            known = self._others[symbol] = _make_up(symbol, self.start_ns)
        return known


def _make_up(symbol: str, start_ns: int) -> Asset:
    contract = parse_contract(symbol)
    if contract is None:
        return build_assets((symbol,), start_ns=start_ns)[symbol]
    return Asset.contract(
        id=id_of(symbol),
        symbol=symbol,
        name=symbol,
        multiplier=MULTIPLIER,
        underlying=contract.root,
        strike=contract.strike,
        expires=contract.expires.isoformat(),
        call=contract.call,
    )
