"""Columns of a tape, and the events that they are."""

from engine.codec.columns.arrow import TEXTUAL as TEXTUAL
from engine.codec.columns.arrow import WIDTHS as WIDTHS
from engine.codec.columns.arrow import list_of as list_of
from engine.codec.columns.arrow import lists_of as lists_of
from engine.codec.columns.arrow import numbers as numbers
from engine.codec.columns.events import BAR_TOLD_AFTER_NS as BAR_TOLD_AFTER_NS
from engine.codec.columns.events import NEEDED as NEEDED
from engine.codec.columns.events import OPTIONAL as OPTIONAL
from engine.codec.columns.events import Columns as Columns
from engine.codec.columns.events import bars as bars
from engine.codec.columns.events import kind_of as kind_of
from engine.codec.columns.events import quotes as quotes
from engine.codec.columns.events import texts as texts
from engine.codec.columns.events import trades as trades
from engine.codec.columns.events import wanted_columns as wanted_columns
from engine.codec.columns.events import what_tapes_have as what_tapes_have
