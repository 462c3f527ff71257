"""Law: the closing summary tells every figure that the report has, in columns that a pipe can read."""

from engine.app.report import AccountRow, FeedRow, GapRow, OrderRow, SessionReport, Spread, StrategyRow, StreamRow
from engine.app.screen.tables import gap_sheet, law, order_sheet, render_plain, render_report

REPORT = SessionReport(
    ended_by="error",
    error="iex: error 402 (auth failed): these keys are not known.",
    duration_s=12.34,
    streams=(StreamRow("audit", "iex", "trades", "SPY", received=12345, delivered=12345),),
    feeds=(FeedRow("iex", state="live", restarts=3, connects=4, messages=99, lag_ms=Spread(1.25, 9.0, 80.0)),),
    gaps=(GapRow("iex", "trades:SPY", "2026-03-02T14:31:00Z", "2026-03-02T14:32:00Z", 1, 2, "history_refused"),),
    strategies=(StrategyRow("audit", state="ended"),),
)


def test_the_summary_holds_the_figures() -> None:
    text = render_report(REPORT)
    for part in ("ended by error after 12.3 s", "12,345", "trades:SPY", "history_refused", "open", "1.2 / 9.0 / 80"):
        assert part in text
    assert text.endswith("12,345 received + 0 backfilled = 12,345 delivered + 0 conflated + 0 dropped + 0 queued")


def test_the_orders_of_a_strategy_stand_beside_what_it_made_today() -> None:
    account = AccountRow(orders=(OrderRow("trend", orders=3, filled=3, profit="-12.5"), OrderRow("other")))
    lines = render_plain(order_sheet(account)).splitlines()
    assert lines[1].endswith("fills  profit today")
    assert lines[3].endswith("-12.5")
    assert lines[4].endswith("0")


def test_columns_line_up() -> None:
    lines = render_plain(gap_sheet(REPORT.gaps * 3)).splitlines()
    assert len({line.index("history_refused") for line in lines[3:]}) == 1
    assert lines[1].startswith("stream")


def test_more_gaps_than_a_screen_are_counted() -> None:
    text = render_plain(gap_sheet(REPORT.gaps * 30, rows_max=5))
    assert text.endswith("... and 25 more")


def test_the_law_says_so_when_it_is_broken() -> None:
    broken = SessionReport(streams=(StreamRow("a", "f", "trades", "S", received=2, delivered=1),))
    assert law(broken.conservation).startswith("NOT BALANCED")
    assert law(REPORT.conservation).startswith("12,345 received")
