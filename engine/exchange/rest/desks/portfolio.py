"""``/v2/account/portfolio/history``: what the account was worth, in parallel arrays.

It is drawn from one sample a minute, so it begins when the exchange began. Each element is the last worth in its window
and is labelled with the window's left edge, in seconds. Money is a JSON number here, unlike everywhere else.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from attrs import frozen

from engine.core.calendar import Phase, phase_at, trading_day
from engine.exchange.clock import NEW_YORK, instant_of, new_york
from engine.exchange.rest.data.asking import BadRequest, read_choice, read_date, read_flag
from engine.exchange.rest.desks.replies import Calls, read_instant, reply
from engine.exchange.rest.http import Request, Response
from engine.exchange.trading.brokerage import Brokerage
from engine.exchange.trading.equity import SAMPLE_NS, Sample
from engine.model.instant import NS_PER_S

DAY: Final = "1D"
FRAMES: Final[Mapping[str, int]] = {"1Min": 1, "5Min": 5, "15Min": 15, "1H": 60, DAY: 1440}
"""Minutes of each timeframe."""
INTRADAY_DAYS_MAX: Final = 30
"""Alpaca's OpenAPI: over longer periods there are only days."""
MINUTE_DAYS: Final = 7
"""Below so many days the default timeframe is a minute, then, up to thirty days, a quarter of an hour."""
PERIOD_UNITS: Final[Mapping[str, int]] = {"D": 1, "W": 7, "M": 30, "A": 365}
PERIOD_DEFAULT: Final = "1M"
REPORTING: Final[Mapping[str, frozenset[Phase]]] = {
    "market_hours": frozenset({Phase.CORE}),
    "extended_hours": frozenset({Phase.PRE, Phase.CORE, Phase.POST}),
    "continuous": frozenset(Phase),
}
RESETS: Final = frozenset({"per_day", "no_reset"})
PERIOD: Final = re.compile(r"(\d{1,4})([DWMA])", re.ASCII)
_DAY: Final = timedelta(days=1)


@frozen
class _Asked:
    """A checked request: windows of ``frame`` that begin from ``start_ns`` on and before ``end_ns``."""

    start_ns: int
    end_ns: int
    frame: str
    phases: frozenset[Phase]
    per_day: bool

    def window_ns(self, ts_ns: int) -> int | None:
        """The left edge of the window that an instant is in; ``None`` where nothing is reported."""
        if self.frame == DAY:
            day = new_york(ts_ns).date()
            traded = trading_day(day)
            if traded is None:
                return _midnight_ns(day) if Phase.CLOSED in self.phases else None
            return traded.open_ns
        step_ns = FRAMES[self.frame] * SAMPLE_NS
        return ts_ns - ts_ns % step_ns if phase_at(ts_ns) in self.phases else None


class PortfolioDesk:
    """Shows the history of the account's worth."""

    def __init__(self, brokerage: Brokerage) -> None:
        self._brokerage = brokerage

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path."""
        return {"GET": self._show} if steps == ["v2", "account", "portfolio", "history"] else None

    def _show(self, request: Request) -> Response:
        now_ns, history = self._brokerage.now_ns(), self._brokerage.equity
        asked = _read(request.query, now_ns)
        samples = list(history.between(asked.start_ns, asked.end_ns))
        if asked.start_ns <= now_ns <= asked.end_ns:
            samples.append(Sample(now_ns - now_ns % SAMPLE_NS, self._brokerage.books.account().equity))
        windows = _fold(asked, samples)
        before = history.before(asked.start_ns)
        base = self._brokerage.terms.cash if before is None else before.equity
        gains = _gains(asked, windows, base)
        return reply(
            {
                "timestamp": [start_ns // NS_PER_S for start_ns in windows],
                "equity": [float(equity) for equity in windows.values()],
                "profit_loss": [float(gain) for gain, _ in gains],
                "profit_loss_pct": [float(gain / whole) if whole else None for gain, whole in gains],
                "base_value": float(base),
                "base_value_asof": new_york(asked.start_ns).date().isoformat(),
                "timeframe": asked.frame,
                "cashflow": {},
            }
        )


def _fold(asked: _Asked, samples: Iterable[Sample]) -> dict[int, Decimal]:
    """The last worth in each window, by its left edge, in order."""
    windows: dict[int, Decimal] = {}
    for sample in samples:
        if (start_ns := asked.window_ns(sample.start_ns)) is not None:
            windows[start_ns] = sample.equity
    return windows


def _gains(asked: _Asked, windows: Mapping[int, Decimal], base: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Of each window what was gained, and since what: since the beginning, or since the end of the day before."""
    gains: list[tuple[Decimal, Decimal]] = []
    day: date | None = None
    last = base
    for start_ns, equity in windows.items():
        today = new_york(start_ns).date()
        if asked.per_day and asked.frame != DAY and day is not None and today != day:
            base = last
        gains.append((equity - base, base))
        day, last = today, equity
    return gains


def _read(asked: Mapping[str, str], now_ns: int) -> _Asked:
    start_ns, end_ns = read_instant(asked, "start"), read_instant(asked, "end")
    if asked.get("date_end"):
        end_ns = _midnight_ns(read_date(asked, "date_end", date.min) + _DAY)
    if asked.get("period") and start_ns is not None and end_ns is not None:
        raise BadRequest("at most two of start, end and period may be given")
    period_ns = _read_period(asked.get("period") or PERIOD_DEFAULT)
    if end_ns is None:
        ahead_ns = now_ns + 1
        end_ns = ahead_ns if start_ns is None or not asked.get("period") else min(start_ns + period_ns, ahead_ns)
    start_ns = end_ns - period_ns if start_ns is None else start_ns
    days = (end_ns - start_ns) / (FRAMES[DAY] * SAMPLE_NS)
    frame = read_choice(asked, "timeframe", frozenset(FRAMES), _default_frame(days))
    if frame != DAY and days > INTRADAY_DAYS_MAX + 1:
        raise BadRequest(f"timeframe must be {DAY} for more than {INTRADAY_DAYS_MAX} days")
    hours = "extended_hours" if read_flag(asked, "extended_hours") else "market_hours"
    reporting = read_choice(asked, "intraday_reporting", frozenset(REPORTING), hours)
    per_day = read_choice(asked, "pnl_reset", RESETS, "per_day") == "per_day"
    return _Asked(start_ns, end_ns, frame, REPORTING[reporting], per_day)


def _read_period(text: str) -> int:
    match = PERIOD.fullmatch(text)
    if match is None:
        raise BadRequest(f"invalid period: {text} is not a number and D, W, M or A")
    return int(match[1]) * PERIOD_UNITS[match[2]] * FRAMES[DAY] * SAMPLE_NS


def _default_frame(days: float) -> str:
    if days < MINUTE_DAYS:
        return "1Min"
    return "15Min" if days < INTRADAY_DAYS_MAX else DAY


def _midnight_ns(day: date) -> int:
    return instant_of(datetime.combine(day, time(), NEW_YORK))
