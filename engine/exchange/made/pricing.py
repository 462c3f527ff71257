"""What an option is worth by Black and Scholes, and how that moves: the textbook formula, without dividends.

The quotes of contracts and the greeks of a snapshot have to agree with each other and with the price of the underlying,
or a client that checks one against the other finds nonsense. One formula for both, with one made-up volatility and
rate, makes them agree; it claims nothing about what a real contract would cost. American exercise is left out.
"""

from datetime import date, datetime
from math import erf, exp, log, pi, sqrt
from typing import Final

from attrs import frozen

from engine.core.calendar import CLOSES, NEW_YORK, instant_of, trading_day
from engine.exchange.contracts import Contract
from engine.model.instant import NS_PER_S

VOLATILITY: Final = 0.35
"""Of every underlying, a year: between an index fund's and a lively stock's."""
RATE: Final = 0.04
YEAR_NS: Final = 365 * 86_400 * NS_PER_S
YEARS_MIN: Final = 1e-6
"""Half a minute: at expiry the formula divides by zero."""


@frozen
class Greeks:
    """How the value of an option on one share moves: theta per day, vega and rho per percentage point."""

    delta: float
    gamma: float
    theta: float
    vega: float
    rho: float


def expiry_ns(day: date) -> int:
    """When a contract that expires on that day ceases to trade: at the close, also where the day is no trading day."""
    trades = trading_day(day)
    return instant_of(datetime.combine(day, CLOSES, NEW_YORK)) if trades is None else trades.close_ns


def value_contract(contract: Contract, spot: float, now_ns: int) -> tuple[float, Greeks]:
    """The value in dollars per share of the underlying, which stands at ``spot``, and its greeks."""
    strike, sign = float(contract.strike), 1 if contract.call else -1
    years = max((expiry_ns(contract.expires) - now_ns) / YEAR_NS, YEARS_MIN)
    spread = VOLATILITY * sqrt(years)
    upper = (log(spot / strike) + (RATE + VOLATILITY**2 / 2) * years) / spread
    lower = upper - spread
    later = strike * exp(-RATE * years)
    value = sign * (spot * _normal(sign * upper) - later * _normal(sign * lower))
    density = exp(-upper * upper / 2) / sqrt(2 * pi)
    decay = -spot * density * VOLATILITY / (2 * sqrt(years)) - sign * RATE * later * _normal(sign * lower)
    return max(value, 0.0), Greeks(
        delta=round(sign * _normal(sign * upper), 6),
        gamma=round(density / (spot * spread), 6),
        theta=round(decay / 365, 6),
        vega=round(spot * density * sqrt(years) / 100, 6),
        rho=round(sign * years * later * _normal(sign * lower) / 100, 6),
    )


def _normal(x: float) -> float:
    """The cumulative normal distribution."""
    return (1 + erf(x / sqrt(2))) / 2
