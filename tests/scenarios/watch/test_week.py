"""A week in some seconds: a weekend, a holiday, a half day, halts, a quiet stock, crypto on Sunday at three,
and ten real silences. Ten alarms, each within its declared time, and no other."""

from collections.abc import Callable
from typing import Any

from engine.core.watch.hours import Market, Part
from engine.core.watch.tuning import WatchTuning
from engine.model.instant import render_instant
from engine.model.market import Kind, Status
from engine.model.stream import ANY, Stream

SPY_Q, SPY_T = Stream(Kind.QUOTES, "SPY"), Stream(Kind.TRADES, "SPY")
AAPL_T, AAPL_B = Stream(Kind.TRADES, "AAPL"), Stream(Kind.BARS, "AAPL")
XYZ_Q, XYZ_T = Stream(Kind.QUOTES, "XYZ"), Stream(Kind.TRADES, "XYZ")
QUIET, LATE = Stream(Kind.TRADES, "QUIET"), Stream(Kind.TRADES, "LATE")
BTC_Q, BTC_T, ETH_Q = Stream(Kind.QUOTES, "BTC/USD"), Stream(Kind.TRADES, "BTC/USD"), Stream(Kind.QUOTES, "ETH/USD")
NEWS = Stream(Kind.NEWS, ANY)
START, END = "2026-11-21T00:00", "2026-11-28T06:00"
"""Saturday to Saturday: Thanksgiving is on the 26th, and the 27th ends at one o'clock."""


def status(at_ns: int, code: str) -> Status:
    return Status(symbol="XYZ", ts_ns=at_ns, status_code=code)


def check(stage: Any, keys: list[str]) -> None:
    """One alarm for each silence, in time, in order, and no other."""
    raised = [(one.key, render_instant(one.at_ns)) for one in stage.raised]
    assert [key for key, _ in raised] == keys, raised
    for place, (mute, alarm) in enumerate(zip(stage.mutes, stage.raised, strict=True)):
        by_ns = stage.by_ns[place]
        assert mute.start_ns < alarm.at_ns <= by_ns, (
            f"{alarm.key}: {render_instant(mute.start_ns)}, {render_instant(alarm.at_ns)}, by {render_instant(by_ns)}"
        )


def test_a_week_with_ten_silences_has_ten_alarms_and_not_one_more(
    stage: Callable[..., Any], ny: Callable[[str], int], voice: Any, mute: Any
) -> None:
    stocks = stage(
        "iex",
        Market.STOCKS,
        [
            voice(SPY_Q, 3.0, 0.2),
            voice(SPY_T, 0.5, 0.03),
            voice(AAPL_T, 0.3, 0.05),
            voice(AAPL_B, 1 / 60),
            voice(XYZ_Q, 0.2),
            voice(XYZ_T, 0.1),
            voice(QUIET, 1 / 2400),
            voice(LATE, 0.5, since_ns=ny("2026-11-25T10:30")),
            voice(Stream(Kind.STATUSES, ANY), 0.0),
        ],
        mutes=[
            mute(ny("2026-11-23T10:00")),
            mute(ny("2026-11-23T14:00"), AAPL_T),
            mute(ny("2026-11-24T09:29:50"), due_ns=ny("2026-11-24T09:30:30")),  # nothing comes of the open
            mute(ny("2026-11-24T12:10"), XYZ_T, due_ns=ny("2026-11-24T12:30:10")),  # nothing after its halt
            mute(ny("2026-11-25T10:30"), LATE),  # never a first message
            mute(ny("2026-11-25T15:55"), SPY_T),
            mute(ny("2026-11-27T06:00"), AAPL_T),  # before regular hours, where it was learnt to speak
            mute(ny("2026-11-27T12:30")),
        ],
        statuses=[
            status(ny("2026-11-23T11:00"), "H"),
            status(ny("2026-11-23T12:30"), "T"),
            status(ny("2026-11-24T12:00"), "P"),
            status(ny("2026-11-24T12:30"), "T"),
            status(ny("2026-11-25T15:00"), "H"),  # into the night
        ],
    )
    # While it is halted nothing of it is published.
    for one in stocks.voices:
        if one.stream in (XYZ_Q, XYZ_T):
            one.lulls = [
                (ny("2026-11-23T11:00"), ny("2026-11-23T12:30")),
                (ny("2026-11-24T12:00"), ny("2026-11-24T12:30")),
                (ny("2026-11-25T15:00"), ny("2026-11-27T10:00")),
            ]
    crypto = stage(
        "crypto",
        Market.CRYPTO,
        [voice(BTC_Q, 1.0, always=True), voice(BTC_T, 0.05, always=True), voice(ETH_Q, 0.5, always=True)],
        mutes=[mute(ny("2026-11-21T15:00")), mute(ny("2026-11-26T20:00"), ETH_Q)],
    )
    for one in crypto.voices:
        one.lulls = [(ny("2026-11-22T03:00"), ny("2026-11-22T03:40"))]
    news = stage("news", Market.NEWS, [voice(NEWS, 1 / 7200, always=True)])
    for each in (stocks, crypto, news):
        each.run(ny(START), ny(END))
        print(f"\n{each.feed.feed}: {each.questions} questions, {each.recycled} lines opened again\n{each.cadences()}")

    check(
        stocks,
        [
            "silent/iex",
            "silent/iex/trades/AAPL",
            "silent/iex",
            "silent/iex/trades/XYZ",
            "silent/iex/trades/LATE",
            "silent/iex/trades/SPY",
            "silent/iex/trades/AAPL",
            "silent/iex",
        ],
    )
    check(crypto, ["silent/crypto", "silent/crypto/quotes/ETH/USD"])
    assert len(stocks.raised) + len(crypto.raised) + len(news.raised) == 10
    assert stocks.recycled + crypto.recycled == 10

    # What each stream was seen to be, where that tells something.
    assert ("11-23 11", str(XYZ_T), "halted") in stocks.states
    assert {state for hour, name, state in stocks.states if hour < "11-24" and name == str(QUIET)} >= {"quiet", "live"}
    assert {name for _, name, _ in stocks.states} == {str(one.stream) for one in stocks.voices}
    for hour, name, state in stocks.states:
        if hour[:5] in ("11-21", "11-26", "11-28") and hour[6:] < "20":  # a night belongs to the day it leads to
            assert state == "closed", (hour, name)
    assert ("11-22 03", str(BTC_Q), "quiet") in crypto.states
    assert ("11-27 14", str(SPY_T), "live") in stocks.states, "it was learnt to speak after the close"
    assert ("11-27 14", str(XYZ_T), "closed") in stocks.states
    learnt = stocks.feed.ears[SPY_Q].cadences
    assert set(learnt) >= {Part.PRE, Part.CORE, Part.POST}
    assert 5 <= (learnt[Part.CORE].learnt_s or 0) < (learnt[Part.PRE].learnt_s or 0) < 60
    assert stocks.questions < 300, "a week of a quiet stock costs few requests"


def test_the_night_the_clocks_change_costs_no_alarm_and_hides_none(
    stage: Callable[..., Any], ny: Callable[[str], int], voice: Any, mute: Any
) -> None:
    """Regular hours begin at 13:30 UTC on Friday and at 14:30 UTC on Monday, and the other way round in March."""
    for friday, monday in (("2026-10-30", "2026-11-02"), ("2026-03-06", "2026-03-09")):
        stocks = stage(
            "iex",
            Market.STOCKS,
            [voice(SPY_Q, 3.0, 0.2), voice(SPY_T, 0.5)],
            mutes=[
                mute(ny(f"{friday}T15:58")),
                mute(ny(f"{monday}T09:29:50"), due_ns=ny(f"{monday}T09:30:30")),
                mute(ny(f"{monday}T15:58")),
            ],
        )
        stocks.run(ny(f"{friday}T14:30"), ny(f"{monday}T17:00"))
        check(stocks, ["silent/iex"] * 3)
        crypto = stage("crypto", Market.CRYPTO, [voice(BTC_Q, 1.0, always=True)])
        crypto.run(ny(f"{friday}T20:00"), ny(f"{monday}T00:00"))
        assert not crypto.raised


def test_all_that_is_silent_is_silent_only_once_about_the_line(
    stage: Callable[..., Any], ny: Callable[[str], int], voice: Any, mute: Any
) -> None:
    voices = [voice(Stream(Kind.TRADES, f"S{n}"), 0.5) for n in range(50)]
    stocks = stage("iex", Market.STOCKS, voices, mutes=[mute(ny("2026-11-24T14:00"))])
    stocks.run(ny("2026-11-24T13:00"), ny("2026-11-24T15:00"))
    check(stocks, ["silent/iex"])


def test_half_a_subscription_that_the_venue_forgot_is_eleven_alarms(
    stage: Callable[..., Any], ny: Callable[[str], int], voice: Any, mute: Any
) -> None:
    names = [Stream(Kind.TRADES, f"S{n:02}") for n in range(40)]
    stocks = stage(
        "iex",
        Market.STOCKS,
        [voice(name, 0.5) for name in names],
        mutes=[mute(ny("2026-11-24T14:00"), name) for name in names[::2]],
        tuning=WatchTuning(recycle=False),
    )
    stocks.run(ny("2026-11-24T13:00"), ny("2026-11-24T14:20"))
    keys = [one.key for one in stocks.raised]
    assert len(set(keys)) == len(keys) == 11
    assert set(keys) - {f"silent/iex/{name.kind}/{name.symbol}" for name in names[::2]} == {"silent/iex/several"}
    assert len(stocks.feed.silent) == 20
    assert not stocks.recycled
