"""A strategy run again from the journal of its session: given what it was given, held against what it asked."""

from engine.flow.journal.again.difference import Difference as Difference
from engine.flow.journal.again.difference import Verified as Verified
from engine.flow.journal.again.verifier import verify_strategy as verify_strategy
