"""Market events are values: frozen, equal by content, and each says of which kind it is."""

import typing

import pytest

from engine.model.market import Bar, DailyBar, Kind, MarketEvent, Trade, UpdatedBar
from engine.model.stream import Stream


def test_every_kind_has_exactly_one_event_class() -> None:
    classes = {*typing.get_args(MarketEvent), UpdatedBar, DailyBar}
    assert sorted(cls.kind for cls in classes) == sorted(Kind)


def test_the_three_sorts_of_bar_are_never_equal() -> None:
    sorts: list[type[Bar]] = [Bar, UpdatedBar, DailyBar]
    values = ("SPY", 60, 1.0, 2.0, 0.5, 1.5, 100.0)
    for one in sorts:
        for other in sorts:
            assert (one(*values) == other(*values)) is (one is other)


def test_an_event_cannot_be_changed() -> None:
    trade = Trade("SPY", 1, 2.0, 3.0)
    with pytest.raises(AttributeError):
        trade.price = 4.0  # type: ignore[misc]  # that it is refused is the point


def test_what_is_told_as_it_happens_is_live_and_what_history_tells_is_not() -> None:
    assert Trade("SPY", 1, 2.0, 3.0).live
    assert not Trade("SPY", 1, 2.0, 3.0, origin="backfill").live
    assert Bar("SPY", 60, 1.0, 2.0, 0.5, 1.5, 100.0, origin="replay").live  # or strategies would not trade there


def test_a_stream_reads_as_kind_and_symbol() -> None:
    assert str(Stream(Kind.UPDATED_BARS, "BTC/USD")) == "updated_bars:BTC/USD"
