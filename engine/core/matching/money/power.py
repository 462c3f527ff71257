"""Buying power: how much more can be opened with what is there.

One formula serves every account: what is one's own and not bound, times the multiplier. Bound is the multiplier's
share of each position that margin lends on, the whole of what it does not lend on, what contracts could lose, and what
open orders hold. For the multipliers 1 and 2 this is what Alpaca documents (cash; twice equity less initial margin).
For 4 Alpaca starts from the equity of the evening before; this does not wait for evenings.
"""

from decimal import Decimal, localcontext
from typing import Final

from engine.core.matching.money.books import Books
from engine.core.matching.money.holding import ROUNDED
from engine.core.matching.money.holds import Hold
from engine.core.matching.money.margin import is_option, shares_short, worst_loss
from engine.model.account import Asset
from engine.model.order import ZERO

MARGIN_EQUITY_MIN: Final = Decimal(2000)
"""Dollars of equity below which there is no margin and no shorting (FINRA rule 4210; Alpaca's docs)."""


def equity_of(books: Books) -> Decimal:
    """What the account is worth."""
    return books.cash + sum((books.value(symbol) for symbol in books.holdings), ZERO)


def contracts_of(books: Books, underlying: str) -> list[tuple[Asset, Decimal]]:
    """The option contracts that are held on one underlying."""
    return [(holding.asset, holding.qty) for holding in books.chains.get(underlying, {}).values()]


def available_of(books: Books, held: Hold, symbol: str) -> Decimal:
    """What is held of a symbol and neither promised to orders nor behind calls that were sold; never negative."""
    qty = books.qty(symbol)
    covering = shares_short(contracts_of(books, symbol)) if qty > 0 else ZERO
    return max(abs(qty) - held.qtys.get(symbol, ZERO) - covering, ZERO)


def options_loss(books: Books) -> Decimal:
    """What all contracts could lose, each underlying by itself."""
    total = ZERO
    for underlying in books.chains:
        contracts = contracts_of(books, underlying)
        total += worst_loss(contracts, shares_short(contracts)) or ZERO
    return total


def free_equity(books: Books, held: Hold, multiplier: Decimal) -> Decimal:
    """What is one's own and not bound; below 0 when the market turned against what is held."""
    with localcontext(ROUNDED):
        free = books.cash - options_loss(books) - held.cash - held.power / multiplier
        for symbol, holding in books.holdings.items():
            value = books.value(symbol)
            if not is_option(holding.asset) and (holding.asset.marginable or value < 0):
                free += value - abs(value) / multiplier
        return free


def margin_power(books: Books, held: Hold, multiplier: Decimal) -> Decimal:
    """Dollars of marginable stock that can be opened."""
    with localcontext(ROUNDED):
        return max(free_equity(books, held, multiplier) * multiplier, ZERO)


def cash_power(books: Books, held: Hold, multiplier: Decimal) -> Decimal:
    """Dollars of what margin does not lend on: cash that is not held, less what was received for stock sold short."""
    with localcontext(ROUNDED):
        owed = sum((min(books.value(symbol), ZERO) for symbol in books.holdings), ZERO)
        cash = books.cash + owed - held.cash - held.power
        return max(min(free_equity(books, held, multiplier), cash), ZERO)
