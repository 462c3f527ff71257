"""Laws of an altered tape: before its instant it is the other one, event for event, and after it nothing is."""

from engine.app.lint.altered import AlteredTape, spoil
from engine.app.lint.held import HeldTape, hold
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Kind, News, Trade
from engine.model.stream import Stream
from tests.app.lint.conftest import T0, read_all, trades

ROWS = hold(trades())
AT_NS = T0 + 300 * NS_PER_S


def test_unaltered_it_is_the_other() -> None:
    assert read_all(AlteredTape(HeldTape(ROWS))) == read_all(HeldTape(ROWS)) == ROWS.events


def test_it_ends_with_the_first_event_behind_its_instant() -> None:
    told = read_all(AlteredTape(HeldTape(ROWS), until_ns=AT_NS))
    assert told == ROWS.events[:32]
    assert told[-1].ts_ns == AT_NS + 10 * NS_PER_S


def test_it_begins_later_and_history_is_as_long() -> None:
    tape = AlteredTape(HeldTape(ROWS), start_ns=AT_NS)
    assert tape.start_ns == AT_NS
    assert read_all(tape) == ROWS.events[30:]
    before = tape.history(Kind.TRADES, "SPY", 0, AT_NS - 1, before_ns=AT_NS)
    assert [event.ts_ns for event in before] == [event.ts_ns for event in ROWS.events[:30]]


def test_after_its_instant_every_price_is_another_and_every_time_the_same() -> None:
    told = read_all(AlteredTape(HeldTape(ROWS), spoil_ns=AT_NS))
    assert told[:31] == ROWS.events[:31]
    assert [event.ts_ns for event in told] == [event.ts_ns for event in ROWS.events]
    for event, true in zip(told[31:], ROWS.events[31:], strict=True):
        assert isinstance(event, Trade) and isinstance(true, Trade)
        assert event.price == true.price * 10


def test_history_is_altered_as_what_is_told() -> None:
    tape = AlteredTape(HeldTape(ROWS), spoil_ns=AT_NS)
    told = read_all(tape)
    known = tape.history(Kind.TRADES, "SPY", 0, AT_NS * 2, before_ns=AT_NS * 2)
    assert [event.price for event in known if isinstance(event, Trade)] == [
        event.price for event in told if isinstance(event, Trade)
    ]


def test_what_has_no_price_stays_as_it_is() -> None:
    article = News("", T0, id=1, headline="up")
    assert spoil(article) is article
    bar = spoil(Bar("SPY", T0, 1.0, 2.0, 0.5, 1.5, 100.0))
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (10.0, 20.0, 5.0, 15.0, 100.0)


def test_a_new_wish_is_served_in_the_midst_of_it() -> None:
    rows = hold([*trades(10), *(Trade("AAPL", event.ts_ns, 5.0, 1.0) for event in trades(10))])
    tape = AlteredTape(HeldTape(rows), until_ns=T0 + 50 * NS_PER_S)
    tape.want({Stream(Kind.TRADES, "SPY")})
    first = tape.window()
    assert first is not None
    tape.advance(3)
    tape.want({Stream(Kind.TRADES, "SPY"), Stream(Kind.TRADES, "AAPL")})
    later = tape.window()
    assert later is not None
    assert [(event.symbol, event.ts_ns - T0) for event in later.events[:2]] == [  # type: ignore[union-attr] # all of them are trades
        ("SPY", 30 * NS_PER_S),
        ("AAPL", 30 * NS_PER_S),
    ]
    assert later.dues_ns[-1] == T0 + 60 * NS_PER_S
