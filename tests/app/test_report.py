"""Law: the report says whether every single stream balances, and its JSON holds plain values only."""

import json

from attrs import evolve

from engine.app.report import Conservation, SessionReport, StreamRow

ROW = StreamRow(
    "audit", "iex", "trades", "SPY", received=90, backfilled=10, delivered=80, conflated=5, dropped=10, queued=5
)


def test_a_row_balances_only_if_nothing_is_missing() -> None:
    assert ROW.balanced
    assert not evolve(ROW, delivered=79).balanced
    assert evolve(ROW, duplicates=7, late=3).balanced


def test_two_wrongs_do_not_make_the_law_hold() -> None:
    rows = [evolve(ROW, delivered=79), evolve(ROW, delivered=81)]
    totals = Conservation.over(rows)
    assert totals.received + totals.backfilled == totals.delivered + totals.conflated + totals.dropped + totals.queued
    assert not totals.holds


def test_the_json_object_is_plain_and_whole() -> None:
    told = json.loads(json.dumps(SessionReport(ended_by="for", duration_s=1.5, streams=(ROW,)).to_json()))
    assert told["streams"][0]["delivered"] == 80
    assert told["conservation"]["holds"] is True
    assert {"ended_by", "error", "duration_s", "feeds", "gaps", "strategies"} <= told.keys()
