"""Bars by the venue's rules, and the ids of trades that have none: what a tape lacks and can be made."""

from engine.core.bars.making import DAY_NS as DAY_NS
from engine.core.bars.making import MINUTE_NS as MINUTE_NS
from engine.core.bars.making import UNCOUNTED as UNCOUNTED
from engine.core.bars.making import UPDATE_AFTER_NS as UPDATE_AFTER_NS
from engine.core.bars.making import BarMaker as BarMaker
from engine.core.bars.making import TimeFrame as TimeFrame
from engine.core.bars.making import day_start_ns as day_start_ns
from engine.core.bars.making import fold_bars as fold_bars
from engine.core.bars.making import is_crypto as is_crypto
from engine.core.bars.making import parse_timeframe as parse_timeframe
from engine.core.bars.trade_ids import TradeIds as TradeIds
from engine.core.bars.trade_ids import id_day_ns as id_day_ns
