"""What stands beside a session is what its settings ask for, and what could not run is said before anything starts."""

import pytest

from engine.app.beside.board import KEPT_MAX, Board
from engine.app.beside.together import parts_of
from engine.app.config.settings import Settings
from engine.app.config.web import WebSettings
from engine.errors import Misconfigured
from engine.model.alert import Finding, Severity


def finding(key: str, title: str = "x") -> Finding:
    return Finding(key=key, severity=Severity.WARNING, title=title)


def test_a_dashboard_is_there_where_it_is_asked_for() -> None:
    assert parts_of(Settings()) is None
    assert parts_of(Settings(web=WebSettings(port=0))) is not None
    with pytest.raises(Misconfigured, match="where other machines can reach it"):
        parts_of(Settings(web=WebSettings(port=0, host="0.0.0.0")))


def test_an_alarm_is_one_for_each_key_and_over_when_its_source_no_longer_finds_it() -> None:
    board = Board(now_s=lambda: 5.0)
    board.hold("watch", [finding("a"), finding("b")])
    board.hold("watch", [finding("a"), finding("b")])
    board.hold("other", [finding("c")])
    assert {alarm.finding.key: alarm.count for alarm in board.standing()} == {"a": 1, "b": 1, "c": 1}
    assert board.acknowledge("a", "me")
    board.hold("watch", [finding("b", "worse")])
    by_key = {alarm.finding.key: alarm for alarm in board.standing()}
    assert (by_key["a"].over, by_key["b"].count, by_key["b"].finding.title) == (True, 2, "worse")
    assert not board.acknowledge("a", "me")
    assert not by_key["c"].over
    for number in range(KEPT_MAX + 10):
        board.tell(finding(str(number)))
    assert len(board.standing()) == KEPT_MAX
    assert board.standing()[0].finding.key == str(KEPT_MAX + 9)
