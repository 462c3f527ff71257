"""Which of all that is found is told to a person, when, and in how many words: values only, no clock and no channel.

`Book` keeps the alarms and decides; `engine.app.alerts` has the clock, the log and the channels.
"""

from engine.core.alerts.book import Book, Due
from engine.core.alerts.notice import Notice, Why
from engine.core.alerts.policy import AlertPolicy, QuietHours, parse_moment, parse_quiet

__all__ = ["AlertPolicy", "Book", "Due", "Notice", "QuietHours", "Why", "parse_moment", "parse_quiet"]
