"""Option contracts: what an OCC symbol says, and which contracts are listed on a stock.

``AAPL260320C00200000`` is the root, the day of expiry as YYMMDD, ``C`` or ``P``, and the strike in thousandths of a
dollar in eight digits. A real chain has hundreds of contracts that nobody trades; here a stock gets the strikes around
its price and the next few expiries, which is enough for every rule about options to have something to bite on. The list
follows from the symbol's price and the first day alone, so it is the same in every run.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from attrs import frozen

from engine.core.bars import is_crypto
from engine.core.calendar import FRIDAY, previous_trading_day, trading_day

MULTIPLIER: Final = Decimal(100)
"""Units of the underlying that a contract stands for."""
UNDERLYINGS_MAX: Final = 8
"""Stocks of one market with options: the default market has four, and each costs a quote a second."""
EXPIRIES: Final = 3
STRIKES_A_SIDE: Final = 5
"""Strikes below and above the one nearest to the price: 3 * 11 * 2 = 66 contracts a stock."""
STRIKE_STEPS: Final = ((25.0, Decimal("0.5")), (100.0, Decimal(1)), (200.0, Decimal("2.5")), (500.0, Decimal(5)))
"""Up to which price the strikes are how far apart, about as the exchanges list them; dearer stocks: 10 dollars."""
STRIKE_STEP_MAX: Final = Decimal(10)
CHARS_MIN: Final = 16
"""A root of one letter and fifteen characters. No stock symbol is so long, so telling them apart is cheap."""

_OCC: Final = re.compile(r"([A-Z][A-Z0-9.]{0,5})(\d{6})([CP])(\d{8})", re.ASCII)
_THOUSANDTHS: Final = Decimal(1000)


@frozen(order=True)
class Contract:
    """One option contract."""

    root: str
    expires: date
    call: bool
    strike: Decimal

    @property
    def symbol(self) -> str:
        """The OCC symbol."""
        return render_contract(self)


def parse_contract(symbol: str) -> Contract | None:
    """What an OCC symbol says; ``None`` when it is none.

    >>> parse_contract("AAPL260320C00200000").strike
    Decimal('200')
    """
    match = _OCC.fullmatch(symbol)
    if match is None:
        return None
    year, month, day = (int(match[2][at : at + 2]) for at in (0, 2, 4))
    try:
        expires = date(2000 + year, month, day)
    except ValueError:
        return None
    return Contract(match[1], expires, match[3] == "C", int(match[4]) / _THOUSANDTHS)


def render_contract(contract: Contract) -> str:
    """The OCC symbol of a contract."""
    thousandths = int(contract.strike * _THOUSANDTHS)
    return f"{contract.root}{contract.expires:%y%m%d}{'C' if contract.call else 'P'}{thousandths:08d}"


def is_contract(symbol: str) -> bool:
    """Whether a symbol names an option contract."""
    return len(symbol) >= CHARS_MIN and parse_contract(symbol) is not None


def choose_underlyings(symbols: Iterable[str], prices: Mapping[str, float]) -> dict[str, float]:
    """The stocks of a market that have options, with the price in dollars around which they are listed.

    The first few of those that have a price: without one nobody knows which strikes to list.
    """
    stocks = sorted(symbol for symbol in set(symbols) if symbol in prices and not is_crypto(symbol))
    return {symbol: prices[symbol] for symbol in stocks[:UNDERLYINGS_MAX]}


def list_contracts(root: str, price: float, first_day: date) -> Iterator[Contract]:
    """The contracts on a stock that stands at ``price``: by expiry, then strike, the call before the put."""
    step = next((step for price_max, step in STRIKE_STEPS if price < price_max), STRIKE_STEP_MAX)
    middle = round(Decimal(repr(price)) / step)
    strikes = [step * place for place in range(middle - STRIKES_A_SIDE, middle + STRIKES_A_SIDE + 1) if place > 0]
    friday = first_day + timedelta(days=(FRIDAY - first_day.weekday()) % 7 or 7)
    for week in range(EXPIRIES):
        expires = friday + timedelta(weeks=week)
        if trading_day(expires) is None:  # Good Friday and the like: the day before
            expires = previous_trading_day(expires).date
        for strike in strikes:
            for call in (True, False):
                yield Contract(root, expires, call, strike)
