"""What came of telling the blotter something: what changed, what to write down, what to ask, what to say.

The blotter decides and does nothing; this is its whole answer. The desk writes ``entries``, wakes whoever waits for
``changed``, hands ``booked`` to strategies, compares books when there are ``doubts``, shows ``reports`` and raises
``alarms``.
"""

from attrs import frozen

from engine.model.entry import Entry
from engine.model.intent import Ticket
from engine.model.order import Fill


@frozen(kw_only=True)
class Taken:
    """What came of one telling. All of it is empty when nothing was news, so telling twice costs nothing."""

    changed: tuple[Ticket, ...] = ()
    """Tickets as they stand now, in the order in which they changed, each once."""
    entries: tuple[Entry, ...] = ()
    """To be written in one piece and in this order."""
    booked: tuple[tuple[str, Fill], ...] = ()
    """Executions and the strategy whose they are, each once ever: when both are known. Not those of nobody here."""
    doubts: tuple[str, ...] = ()
    """Sentences: what does not fit together. A reason to compare books with the broker. From a snapshot: the round
    has not converged, and another one is needed."""
    reports: tuple[str, ...] = ()
    """Sentences for a person, such as that a position was adopted."""
    alarms: tuple[str, ...] = ()
    """The same, where the person has to decide something: an order that was given up is at the venue."""
