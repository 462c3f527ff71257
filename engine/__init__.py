"""gapless: a live-trading engine that does not lose data silently. These are the names a strategy author uses.

A strategy is an async function; see ``strategies/sma_cross.py`` for a whole one::

    @strategy(params=Params)
    async def sma_cross(ctx: Context, p: Params) -> None:
        async with ctx.bars(p.symbol, warmup=p.slow) as bars:
            async for bar in bars:
                ...
"""

from attrs import frozen as frozen

from engine.core.calendar import TradingDay as TradingDay
from engine.core.calendar import session_at as session_at
from engine.core.indicators import EMA as EMA
from engine.core.indicators import SMA as SMA
from engine.core.restart import RestartPolicy as RestartPolicy
from engine.errors import ChannelOverflow as ChannelOverflow
from engine.errors import GaplessError as GaplessError
from engine.errors import KillSwitchTripped as KillSwitchTripped
from engine.errors import LimitReached as LimitReached
from engine.errors import Misconfigured as Misconfigured
from engine.errors import NotReady as NotReady
from engine.errors import OrderEnded as OrderEnded
from engine.errors import OrderRefused as OrderRefused
from engine.model.account import StrategyPosition as StrategyPosition
from engine.model.control import Alarm as Alarm
from engine.model.control import Connected as Connected
from engine.model.control import ControlEvent as ControlEvent
from engine.model.control import Gap as Gap
from engine.model.control import Halted as Halted
from engine.model.control import Lost as Lost
from engine.model.control import Resumed as Resumed
from engine.model.control import Stale as Stale
from engine.model.instant import parse_instant as parse_instant
from engine.model.instant import render_instant as render_instant
from engine.model.intent import Outcome as Outcome
from engine.model.intent import Ticket as Ticket
from engine.model.market import Bar as Bar
from engine.model.market import Book as Book
from engine.model.market import Cancel as Cancel
from engine.model.market import Correction as Correction
from engine.model.market import DailyBar as DailyBar
from engine.model.market import Imbalance as Imbalance
from engine.model.market import Kind as Kind
from engine.model.market import Luld as Luld
from engine.model.market import MarketEvent as MarketEvent
from engine.model.market import News as News
from engine.model.market import Pricing as Pricing
from engine.model.market import Quote as Quote
from engine.model.market import Status as Status
from engine.model.market import Trade as Trade
from engine.model.market import UpdatedBar as UpdatedBar
from engine.model.order import Fill as Fill
from engine.model.order import Order as Order
from engine.model.order import OrderClass as OrderClass
from engine.model.order import OrderStatus as OrderStatus
from engine.model.order import OrderType as OrderType
from engine.model.order import Side as Side
from engine.model.order import TimeInForce as TimeInForce
from engine.model.stream import ANY as ANY
from engine.model.stream import Stream as Stream
from engine.ports import CallbackStrategy as CallbackStrategy
from engine.ports import Context as Context
from engine.ports import LiveOrder as LiveOrder
from engine.ports import OnExit as OnExit
from engine.ports import OrderScope as OrderScope
from engine.ports import SavedState as SavedState
from engine.ports import Strategy as Strategy
from engine.ports import Subscription as Subscription
from engine.ports import plug as plug
from engine.ports import strategy as strategy

__all__ = [
    "ANY",
    "EMA",
    "SMA",
    "Alarm",
    "Bar",
    "Book",
    "CallbackStrategy",
    "Cancel",
    "ChannelOverflow",
    "Connected",
    "Context",
    "ControlEvent",
    "Correction",
    "DailyBar",
    "Fill",
    "Gap",
    "GaplessError",
    "Halted",
    "Imbalance",
    "KillSwitchTripped",
    "Kind",
    "LimitReached",
    "LiveOrder",
    "Lost",
    "Luld",
    "MarketEvent",
    "Misconfigured",
    "News",
    "NotReady",
    "OnExit",
    "Order",
    "OrderClass",
    "OrderEnded",
    "OrderRefused",
    "OrderScope",
    "OrderStatus",
    "OrderType",
    "Outcome",
    "Pricing",
    "Quote",
    "RestartPolicy",
    "Resumed",
    "SavedState",
    "Side",
    "Stale",
    "Status",
    "Strategy",
    "StrategyPosition",
    "Stream",
    "Subscription",
    "Ticket",
    "TimeInForce",
    "Trade",
    "TradingDay",
    "UpdatedBar",
    "frozen",
    "parse_instant",
    "plug",
    "render_instant",
    "session_at",
    "strategy",
]
