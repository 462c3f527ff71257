"""Around the account: its stream, its kill switch, its heartbeat, what strategies save, and what things are worth."""

from engine.flow.account.stream import AccountListener as AccountListener
from engine.flow.account.stream import AccountStream as AccountStream
from engine.flow.account.stream import AccountTuning as AccountTuning
