"""Announcements are the splits and dividends of the year before a market, and are found by what they are."""

from datetime import date
from typing import Any

import msgspec
import pytest

from engine.exchange.made.prehistory import Action
from engine.exchange.rest.data.asking import BadRequest
from engine.exchange.rest.desks.announcements import AnnouncementDesk
from engine.exchange.rest.http import Request

SPLIT = Action("AAPL", True, 2, date(2025, 10, 3), date(2025, 10, 3))
DIVIDEND = Action("AAPL", False, 0.46, date(2026, 1, 21), date(2026, 2, 4))
DESK = AnnouncementDesk((SPLIT, DIVIDEND))
PATH = ["v2", "corporate_actions", "announcements"]


def ask(**asked: str) -> Any:
    calls = DESK.calls(PATH)
    assert calls is not None
    return msgspec.json.decode(calls["GET"](Request("GET", "/".join(PATH), asked, {})).body)


@pytest.mark.parametrize(
    ("asked", "types"),
    [
        ({}, ["split", "dividend"]),
        ({"ca_types": "Dividend,merger"}, ["dividend"]),
        ({"since": "2025-10-03", "until": "2025-10-03"}, ["split"]),
        ({"since": "2026-02-04", "date_type": "payable_date"}, ["dividend"]),
        ({"since": "2026-02-04"}, []),
        ({"symbol": "AAPL"}, ["split", "dividend"]),
        ({"symbol": "MSFT"}, []),
        ({"cusip": "nobody's"}, []),
    ],
)
def test_they_are_found_by_what_they_are(asked: dict[str, str], types: list[str]) -> None:
    assert [row["ca_type"] for row in ask(**asked)] == types


def test_amounts_are_strings_and_only_a_dividend_has_cash() -> None:
    amounts = [(row["cash"], row["old_rate"], row["new_rate"]) for row in ask()]
    assert amounts == [("0", "1", "2"), ("0.46", "1", "1")]


@pytest.mark.parametrize("asked", [{"ca_types": "party"}, {"since": "soon"}, {"date_type": "birthday"}])
def test_a_wrong_question_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        ask(**asked)
