"""The beat of the dashboard: one look at the engine a few times a second, shared by all who watch."""

from engine.web.pulse.board import Board
from engine.web.pulse.pulse import Full, Pulse

__all__ = ["Board", "Full", "Pulse"]
