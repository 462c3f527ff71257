"""Quotes and trades of option contracts, made around whatever price their underlying has just traded at.

Contracts are many and quiet. On each underlying there is a quote every second: every other one is for one of the few
contracts nearest to the money, so that somebody who watches one of those hears of it every dozen seconds, and between
them the rest of the chain is gone through in order, so that after about two minutes every listed contract has a quote.
Now and then somebody trades. Only in regular hours, as at the venue, and only contracts that have not expired.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import cycle
from random import Random
from typing import Final

from engine.core.calendar import Phase, new_york, next_open_ns, phase_at
from engine.exchange.contracts import Contract, list_contracts
from engine.exchange.made.pricing import expiry_ns, value_contract
from engine.exchange.market import Row
from engine.model.instant import NS_PER_S
from engine.model.market import MarketEvent, Quote, Trade

QUOTES_PER_S: Final = 1.0
"""On each underlying."""
NEAREST: Final = 6
"""Contracts nearest to the money: three strikes, call and put, of the first expiry."""
TRADE_SHARE: Final = 0.08
SPREAD_SHARE: Final = 0.02
"""Half the distance between bid and ask, of the value."""
TICK: Final = 0.01
SIZE_MAX: Final = 40
EXCHANGES: Final = "ABCEHIMNPQTXZ"
"""Exchange codes of OPRA."""


def option_rows(
    seed: int, start_ns: int, start: Mapping[str, float], spot: Mapping[str, float], pace: float = 1.0
) -> Iterator[Row]:
    """Option events of each underlying in ``start`` (its price at the market's start, dollars), in order.

    ``pace`` is their share of `QUOTES_PER_S`, above 0. ``spot`` is what the underlyings trade at now: whoever reads the
    rows keeps it up to date while reading.
    """
    first_day = new_york(start_ns).date()
    every_ns = round(NS_PER_S / QUOTES_PER_S / pace)
    chains = [
        place_rows(place, _chain_rows(f"{seed}/{symbol}/options", start_ns, symbol, price, first_day, spot, every_ns))
        for place, (symbol, price) in enumerate(sorted(start.items()))
    ]
    for due_ns, _, _, event in heapq.merge(*chains):
        yield due_ns, event


def place_rows(place: int, rows: Iterator[Row]) -> Iterator[tuple[int, int, int, MarketEvent]]:
    """Rows with what they are merged by: their instant, then ``place``; two events are never compared."""
    for number, (due_ns, event) in enumerate(rows):
        yield due_ns, place, number, event


def _chain_rows(
    dice: str, start_ns: int, symbol: str, price: float, first_day: date, spot: Mapping[str, float], every_ns: int
) -> Iterator[Row]:
    rng = Random(dice)
    contracts = sorted(
        list_contracts(symbol, price, first_day), key=lambda each: (each.expires, abs(float(each.strike) - price))
    )
    now_ns = start_ns + int(rng.random() * every_ns)
    while contracts:  # until the last of them has expired; each turn of this loop is one day
        if phase_at(now_ns) is not Phase.CORE:
            now_ns = next_open_ns(now_ns) + int(rng.random() * every_ns)
        contracts = [contract for contract in contracts if expiry_ns(contract.expires) > now_ns]
        for contract in _turns(contracts):
            if phase_at(now_ns) is not Phase.CORE:
                break
            quote = _quote(rng, contract, spot[symbol], now_ns)
            yield now_ns, quote
            if rng.random() < TRADE_SHARE:
                yield now_ns + 1, _trade(rng, quote)
            now_ns += every_ns


def _turns(contracts: Sequence[Contract]) -> Iterator[Contract]:
    """Whose turn it is: one of the nearest and one of the others, for ever."""
    for near, other in zip(cycle(contracts[:NEAREST]), cycle(contracts[NEAREST:] or contracts), strict=False):
        yield near
        yield other


def _quote(rng: Random, contract: Contract, spot: float, now_ns: int) -> Quote:
    value, _ = value_contract(contract, spot, now_ns)
    half = max(round(value * SPREAD_SHARE / TICK), 1)
    middle = round(value / TICK)
    bid, ask = max(middle - half, 0), middle + half
    size = float(1 + int(rng.random() * SIZE_MAX))
    return Quote(
        contract.symbol, now_ns, bid * TICK if not bid else round(bid * TICK, 2), size if bid else 0.0,
        round(ask * TICK, 2), float(1 + int(rng.random() * SIZE_MAX)), rng.choice(EXCHANGES), rng.choice(EXCHANGES),
        ("A",),
    )  # fmt: skip


def _trade(rng: Random, quote: Quote) -> Trade:
    """A trade at one side of a quote just told; of the ask where nobody bids."""
    buys = rng.random() < 0.5 or not quote.bid_size
    price, size, exchange = (
        (quote.ask_price, quote.ask_size, quote.ask_exchange)
        if buys
        else (quote.bid_price, quote.bid_size, quote.bid_exchange)
    )
    size = float(1 + int(rng.random() * size))
    return Trade(quote.symbol, quote.ts_ns + 1, price, size, None, exchange, ("I",))
