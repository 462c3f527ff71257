"""What crosses between a session and its strategies, written down while it runs (`engine.model.journal`).

A strategy is a function of what it is told, so whatever it is told is noted: what its calls answered, what it took from
which subscription, what it looked at, and where a wait of its own was over. `engine.flow.journal.again` gives it all of
that once more, and holds what it asks against what it asked.
"""

from engine.flow.journal.context import JournaledContext as JournaledContext
from engine.flow.journal.line import Line as Line
from engine.flow.journal.line import open_line as open_line
from engine.flow.journal.watch import Watch as Watch
