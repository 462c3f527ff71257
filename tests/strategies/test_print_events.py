"""Law: a printed line says when, what and its origin where that is not the live line, and nothing empty."""

from engine import Gap, Kind, Stream, Trade
from strategies.print_events import render_line


def test_a_line_has_the_fields_that_say_something() -> None:
    trade = Trade("SPY", 1_772_461_867_500_000_000, 101.5, 3.0, id=4, exchange="V")
    assert render_line(trade) == "2026-03-02T14:31:07.5Z trades SPY price=101.5 size=3.0 id=4 exchange=V"


def test_what_did_not_come_live_says_so() -> None:
    assert render_line(Trade("SPY", 0, 1.0, 1.0, origin="backfill")).endswith("(backfill)")


def test_a_gap_is_told_with_its_span() -> None:
    told = render_line(Gap("iex", Stream(Kind.TRADES, "SPY"), 0, 10**9, "dropped", 2 * 10**9))
    assert "gap trades:SPY 1970-01-01T00:00:00Z .. 1970-01-01T00:00:01Z cause=dropped" in told
