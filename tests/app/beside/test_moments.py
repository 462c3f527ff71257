"""Every control event has a line of its own, with everything in it that a person asks for first."""

import pytest

from engine.app.beside.moments import moment_of
from engine.model.control import Alarm, Connected, ControlEvent, Gap, Halted, Lost, Resumed, Stale
from engine.model.market import Kind
from engine.model.stream import Stream

SPY = Stream(Kind.TRADES, "SPY")


@pytest.mark.parametrize(
    ("event", "what", "where", "words"),
    [
        (Connected("iex", 1), "connected", "iex", "open"),
        (Lost("iex", 1, "It broke.", 2.5), "lost", "iex", "It broke. Trying again in 2.5 s."),
        (Gap("iex", SPY, 0, 5, "history_refused", 6, recovered=3), "gap", "iex trades:SPY", "history_refused"),
        (Gap("iex", SPY, 0, 5, "dropped", 6, count=7), "gap", "iex trades:SPY", "7 events missing"),
        (Resumed("iex", 1, 120, 0, 3.25), "resumed", "iex", "after 3.2 s, 120 events recovered, nothing missing"),
        (Resumed("iex", 1, 120, 2, 3.25), "resumed", "iex", "2 gaps left"),
        (Stale("iex", 1, 30.0), "stale", "iex", "nothing for 30.0 s"),
        (Halted("mine", 1, "it broke"), "halted", "mine", "it broke"),
        (Alarm("iex", 1, "407 slow client"), "alarm", "iex", "407 slow client"),
    ],
)
def test_a_control_event_as_a_line(event: ControlEvent, what: str, where: str, words: str) -> None:
    moment = moment_of(event)
    assert (moment.what, moment.where, moment.at_ns) == (what, where, event.at_ns)
    assert words in moment.text
    assert moment.at.startswith("1970-01-01T00:00:00")
