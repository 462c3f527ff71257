"""Indicators, updated value by value. `engine.indicators` is the door for strategies, and its page lists them all.

Charts recompute a whole column at each bar; a strategy that does so gets slower all day. These remember just what the
next value needs. They hold floats: an indicator is an estimate, and money does not pass through here. Seeding follows
TA-Lib, so that a chart elsewhere shows the same line.
"""

from engine.core.indicators.averages import EMA as EMA
from engine.core.indicators.averages import SMA as SMA
from engine.core.indicators.averages import WMA as WMA
from engine.core.indicators.extremes import Donchian as Donchian
from engine.core.indicators.extremes import Highest as Highest
from engine.core.indicators.extremes import Lowest as Lowest
from engine.core.indicators.extremes import Stochastic as Stochastic
from engine.core.indicators.indicator import Indicator as Indicator
from engine.core.indicators.layered import DEMA as DEMA
from engine.core.indicators.layered import MACD as MACD
from engine.core.indicators.layered import TEMA as TEMA
from engine.core.indicators.momentum import CCI as CCI
from engine.core.indicators.momentum import ROC as ROC
from engine.core.indicators.momentum import RSI as RSI
from engine.core.indicators.ranges import ATR as ATR
from engine.core.indicators.ranges import Keltner as Keltner
from engine.core.indicators.ranges import TrueRange as TrueRange
from engine.core.indicators.spread import Bollinger as Bollinger
from engine.core.indicators.spread import StdDev as StdDev
from engine.core.indicators.spread import ZScore as ZScore
from engine.core.indicators.trend import ADX as ADX
from engine.core.indicators.trend import LinRegSlope as LinRegSlope
from engine.core.indicators.volume import OBV as OBV
from engine.core.indicators.volume import VWAP as VWAP
