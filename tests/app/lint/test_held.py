"""Laws of a tape in memory: those of every `Tape`, and that a seed is a market."""

import pytest

from engine.app.lint.held import HeldTape, hold, make_market
from engine.errors import Misconfigured
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Kind, News, Trade
from engine.model.stream import ANY, Stream
from tests.app.lint.conftest import T0, read_all, trades

SPY = Stream(Kind.TRADES, "SPY")


def made(seed: int = 1) -> HeldTape:
    return HeldTape(make_market(seed=seed, symbols=("SPY",), start_ns=T0, minutes=3, events_per_s=2))


def test_a_seed_is_a_market() -> None:
    assert read_all(made()) == read_all(made())
    assert made(2).digest != made().digest
    assert read_all(made(2)) != read_all(made())


def test_it_tells_what_is_wanted_and_nothing_else() -> None:
    tape = made()
    assert tape.window() is None
    tape.want({Stream(Kind.TRADES, ANY)})
    window = tape.window()
    assert window is not None and window.streams == {SPY}
    assert all(type(event) is Trade and event.origin == "replay" for event in window.events)
    assert window is tape.window()


def test_a_bar_is_told_when_its_minute_is_over() -> None:
    rows = hold([Bar("SPY", T0, 1.0, 1.0, 1.0, 1.0, 5.0), Trade("SPY", T0 + 59 * NS_PER_S, 1.0, 1.0)])
    assert [event.kind for event in rows.events] == [Kind.TRADES, Kind.BARS]
    bar = HeldTape(rows).history(Kind.BARS, "SPY", 0, T0, before_ns=T0 + 59 * NS_PER_S)
    assert bar == []


def test_history_knows_what_is_due_and_no_more() -> None:
    tape = HeldTape(hold(trades(10)))
    known = tape.history(Kind.TRADES, "SPY", T0, T0 + 100 * NS_PER_S, before_ns=T0 + 40 * NS_PER_S)
    assert [(event.ts_ns - T0) // NS_PER_S for event in known] == [0, 10, 20, 30, 40]
    assert {event.origin for event in known} == {"backfill"}


def test_news_of_any_symbol_is_one_sequence() -> None:
    tape = HeldTape(hold([News("", T0, id=1, headline="up", symbols=("SPY",)), *trades(2)]))
    tape.want({Stream(Kind.NEWS, "SPY")})
    window = tape.window()
    assert window is not None and [event.kind for event in window.events] == [Kind.NEWS]


def test_an_empty_tape_is_refused() -> None:
    with pytest.raises(Misconfigured, match="at least one event"):
        hold([])
