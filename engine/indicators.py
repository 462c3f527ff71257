"""Indicators for strategies: ``from engine.indicators import RSI``.

Each takes one input after another with ``update`` and has a ``value``, which is NaN until it is ``ready``; some have
named parts beside it. An update costs the same however long the window (`CCI` alone costs its length), and ``reset``
forgets everything. All that TA-Lib has too equal it to nine digits::

    rsi = RSI(14)
    async for bar in bars:
        rsi.update(bar.close)
        if rsi.ready and rsi.value < 30: ...

Lengths count inputs, not minutes: a minute without trades has no bar, and a `Gap` none either. What that means to each
is in its docstring. An input that is no number (NaN, infinite) begins the warm-up anew; nothing is ever raised for it.
Bars are taken as told, also where high and low contradict each other; corrections (`UpdatedBar`) cannot be taken back,
so feed an indicator one kind of bars only.

| indicator | input | parts | ready after (defaults) | TA-Lib |
|---|---|---|---|---|
| ``SMA(length)`` | value | | length | SMA |
| ``EMA(length)`` | value | | length | EMA |
| ``WMA(length)`` | value | | length | WMA |
| ``DEMA(length)`` | value | | 2 length - 1 | DEMA |
| ``TEMA(length)`` | value | | 3 length - 2 | TEMA |
| ``MACD(fast=12, slow=26, signal=9)`` | value | signal_line, histogram | slow + signal - 1 (34) | MACD |
| ``RSI(length=14)`` | value | | length + 1 (15) | RSI |
| ``ROC(length=10)`` | value | | length + 1 (11) | ROC |
| ``StdDev(length)`` | value | | length | STDDEV |
| ``ZScore(length)`` | value | | length | none |
| ``Bollinger(length=20, width=2.0)`` | value | upper, middle, lower | length (20) | BBANDS |
| ``LinRegSlope(length=14)`` | value | | length (14) | LINEARREG_SLOPE |
| ``Highest(length)``, ``Lowest(length)`` | value | | length | MAX, MIN |
| ``Donchian(length=20)`` | bar | upper, middle, lower | length (20) | DONCHIAN |
| ``Stochastic(length=5, smooth=3, signal=3)`` | bar | k, d | length + smooth + signal - 2 (9) | STOCH |
| ``TrueRange()`` | bar | | 2 | TRANGE |
| ``ATR(length=14)`` | bar | | length + 1 (15) | ATR |
| ``Keltner(length=20, width=2.0, atr_length=10)`` | bar | upper, middle, lower | length (20) | KC |
| ``ADX(length=14)`` | bar | plus_di, minus_di | 2 length (28) | ADX, PLUS_DI, MINUS_DI |
| ``CCI(length=14)`` | bar | | length (14) | CCI |
| ``OBV()`` | bar | | 1 | OBV |
| ``VWAP(anchor="new_york")`` | bar | | 1 with volume, each session | VWAP, of one session |

``Keltner`` is ready after ``atr_length + 1`` bars where that is more than ``length``.
"""

from engine.core.indicators import (
    ADX,
    ATR,
    CCI,
    DEMA,
    EMA,
    MACD,
    OBV,
    ROC,
    RSI,
    SMA,
    TEMA,
    VWAP,
    WMA,
    Bollinger,
    Donchian,
    Highest,
    Indicator,
    Keltner,
    LinRegSlope,
    Lowest,
    StdDev,
    Stochastic,
    TrueRange,
    ZScore,
)

__all__ = [
    "ADX",
    "ATR",
    "CCI",
    "DEMA",
    "EMA",
    "MACD",
    "OBV",
    "ROC",
    "RSI",
    "SMA",
    "TEMA",
    "VWAP",
    "WMA",
    "Bollinger",
    "Donchian",
    "Highest",
    "Indicator",
    "Keltner",
    "LinRegSlope",
    "Lowest",
    "StdDev",
    "Stochastic",
    "TrueRange",
    "ZScore",
]
