"""The named instants at which an order's way can be cut off by the death of the process.

Each write and each send has one step before it and one behind it. Nothing depends on them: whoever is interested
(``--log-level debug``, a benchmark, the test that kills the process at each of them) hands a `Probe` in.
"""

from collections.abc import Callable
from enum import StrEnum, unique
from typing import TypeAlias


@unique
class Step(StrEnum):
    """Before and behind every write and every send."""

    STORE_OPENING = "store.opening"
    STORE_OPENED = "store.opened"
    SESSION_WRITING = "session.writing"
    SESSION_WRITTEN = "session.written"
    INTENT_WRITING = "intent.writing"
    INTENT_WRITTEN = "intent.written"
    SUBMIT_SENDING = "submit.sending"
    SUBMIT_ANSWERED = "submit.answered"
    SUBMIT_NOT_ANSWERED = "submit.not_answered"
    OUTCOME_WRITING = "outcome.writing"
    OUTCOME_WRITTEN = "outcome.written"
    UNKNOWN_ASKING = "unknown.asking"
    UNKNOWN_ANSWERED = "unknown.answered"
    RESUBMIT_SENDING = "resubmit.sending"
    RESUBMIT_ANSWERED = "resubmit.answered"
    REPLACE_WRITING = "replace.writing"
    REPLACE_WRITTEN = "replace.written"
    REPLACE_SENDING = "replace.sending"
    REPLACE_ANSWERED = "replace.answered"
    CANCEL_SENDING = "cancel.sending"
    CANCEL_ANSWERED = "cancel.answered"
    UPDATE_TAKEN = "update.taken"
    UPDATE_WRITING = "update.writing"
    UPDATE_WRITTEN = "update.written"
    RECONCILE_ASKING = "reconcile.asking"
    RECONCILE_ANSWERED = "reconcile.answered"
    RECONCILE_WRITING = "reconcile.writing"
    RECONCILE_WRITTEN = "reconcile.written"
    MARK_WRITING = "mark.writing"
    MARK_WRITTEN = "mark.written"
    STATE_WRITING = "state.writing"
    STATE_WRITTEN = "state.written"
    LATCH_WRITING = "latch.writing"
    LATCH_WRITTEN = "latch.written"
    FLATTEN_CANCELING = "flatten.canceling"
    FLATTEN_CANCELED = "flatten.canceled"
    FLATTEN_CLOSING = "flatten.closing"
    FLATTEN_CLOSED = "flatten.closed"
    STORE_CLOSING = "store.closing"
    STORE_CLOSED = "store.closed"


Probe: TypeAlias = Callable[[Step], None]


def ignore(_: Step) -> None:
    """The probe of everyday: nobody is interested."""
