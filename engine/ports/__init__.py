"""The seams of the engine. Trio starts here: below this floor nothing waits."""

from engine.core.overflow import Full as Full
from engine.ports.callbacks import CallbackStrategy as CallbackStrategy
from engine.ports.callbacks import plug as plug
from engine.ports.context import Context as Context
from engine.ports.context import Event as Event
from engine.ports.context import Opening as Opening
from engine.ports.context import Subscription as Subscription
from engine.ports.strategy import Strategy as Strategy
from engine.ports.strategy import strategy as strategy
from engine.ports.venue import QUERY_SYMBOLS_MAX as QUERY_SYMBOLS_MAX
from engine.ports.venue import Arrival as Arrival
from engine.ports.venue import Clock as Clock
from engine.ports.venue import Feed as Feed
from engine.ports.venue import History as History
from engine.ports.venue import HistoryPage as HistoryPage
from engine.ports.venue import HistoryQuery as HistoryQuery
from engine.ports.venue import Line as Line
