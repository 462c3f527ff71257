"""Which trade prints are the market's price now: a tape also carries averages, late reports and official prices.

Two questions. Does a print set the last price (and so trigger stops)? An odd lot does not (Alpaca's FAQ: "latest trade"
leaves out conditions that do not update the last price, such as ``I``). And was it liquidity, would it have filled an
order that rested at its price? An odd lot was: it traded on a venue's book against the best price there. A print whose
price was made elsewhere or earlier was not: averages, contingent and derivatively priced trades, other settlement,
reports out of sequence, official opens and closes (which are not trades at all). Stocks as in the CTA and UTP plans'
tables of sale conditions, where only extended hours (``T``) differ: Alpaca trades then, so they count. Options as in
OPRA's. Crypto has none.
"""

from typing import Final

from engine.model.order import AssetClass

ODD_LOT: Final = frozenset("I")
STOCK_ELSEWHERE: Final = frozenset("BCGHMNPQRUVWZ479")
"""Average price or bunched, cash, bunched sold, price variation, official close, next day, prior reference price,
official open, seller's option, extended hours out of sequence, contingent, average price, out of sequence,
derivatively priced, qualified contingent, corrected consolidated close."""
OPTION_ELSEWHERE: Final = frozenset("ABCDEFGH")
"""Canceled trades, and those reported late or out of sequence. (``I`` is an electronic trade here, not an odd lot.)"""
NONE: Final[frozenset[str]] = frozenset()

ELSEWHERE: Final = {
    AssetClass.US_EQUITY: STOCK_ELSEWHERE,
    AssetClass.US_OPTION: OPTION_ELSEWHERE,
    AssetClass.CRYPTO: NONE,
}
"""By asset class: the conditions of prints that neither set the last price nor fill anybody."""
UNPRICED: Final = {
    AssetClass.US_EQUITY: ODD_LOT,
    AssetClass.US_OPTION: NONE,
    AssetClass.CRYPTO: NONE,
}
"""By asset class: the conditions of prints that are liquidity, but do not set the last price."""
