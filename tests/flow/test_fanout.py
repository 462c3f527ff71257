"""Law: each channel gets each article that it wants once, in order, and its books balance whoever else reads."""

from typing import Any

import pytest

from engine.core.overflow import Overflow
from engine.flow.books import count
from engine.flow.channel import Channel
from engine.flow.fanout import Fanout
from engine.model.control import Gap
from engine.model.market import Kind, News, Trade
from engine.model.stream import ARTICLES, Stream


def channel(*symbols: str, full: Any = "block", capacity: int = 100) -> Channel:
    streams = frozenset(Stream(Kind.NEWS, symbol) for symbol in symbols)
    queue = Overflow(full, capacity, feed="news")
    return Channel("s", "news", streams, frozenset({"news"}), queue, True, lambda _: None, lambda _: None)


def article(number: int, *symbols: str, origin: Any = "live") -> News:
    return News("", number, number, f"about {symbols}", symbols=symbols, origin=origin)


def read(one: Channel) -> list[int]:
    return [one.take_nowait().ts_ns for _ in iter(one.has_events, False)]


def test_an_article_of_two_symbols_comes_once_to_who_asked_for_both() -> None:
    fanout = Fanout()
    both, spy, other, every = channel("SPY", "AAPL"), channel("SPY"), channel("MSFT"), channel("*", "SPY")
    for one in (both, spy, other, every):
        fanout.attach(one)
    fanout.publish([article(1, "AAPL", "SPY"), article(2, "AAPL"), article(3), article(4, "MSFT", "SPY")], 9)
    assert [read(one) for one in (both, spy, other, every)] == [[1, 2, 4], [1, 4], [4], [1, 2, 3, 4]]


def test_a_pair_is_named_without_its_slash_in_an_article() -> None:
    fanout, coin = Fanout(), channel("BTC/USD")
    fanout.attach(coin)
    fanout.publish([article(1, "BTCUSD"), article(2, "BTC")], 9)
    assert read(coin) == [1]


@pytest.mark.parametrize("full", ["block", "latest", "drop_oldest"])
def test_each_channel_has_books_of_its_own_and_they_balance(full: Any) -> None:
    fanout, few, many = Fanout(), channel("SPY", full=full, capacity=2), channel("*", full=full, capacity=2)
    fanout.attach(many)
    fanout.publish([article(1, "SPY")], 9)
    fanout.attach(few)
    fanout.publish([article(2, "SPY", origin="backfill"), article(3, "AAPL"), article(4, "SPY")], 9)
    read(few)
    fanout.detach(few)
    fanout.publish([article(5, "SPY")], 9)
    (totals,) = count(few, fanout.rows(few)).values()
    assert (totals.received, totals.backfilled) == (1, 1)
    assert totals.delivered + totals.conflated + totals.dropped == 2
    (totals,) = count(many, fanout.rows(many)).values()
    assert (totals.received, totals.backfilled) == (4, 1)
    assert few.queue.balanced and many.queue.balanced


def test_a_gap_in_the_news_reaches_every_reader_and_nobody_else() -> None:
    fanout, reader = Fanout(), channel("SPY")
    fanout.attach(reader)
    assert fanout.listened(ARTICLES)
    fanout.publish_gap(Gap("news", ARTICLES, 1, 2, cause="no_history", at_ns=3))
    assert reader.has_events()
    fanout.detach(reader)
    fanout.detach(reader)
    assert not fanout.listened(ARTICLES)


def test_other_streams_go_their_way_beside_the_news() -> None:
    fanout = Fanout()
    mixed = Channel(
        "s", "mixed", frozenset({Stream(Kind.NEWS, "SPY"), Stream(Kind.TRADES, "SPY")}), frozenset({"news", "iex"}),
        Overflow("block", 9), False, lambda _: None, lambda _: None,
    )  # fmt: skip
    fanout.attach(mixed)
    fanout.publish([article(1, "SPY"), Trade("SPY", 2, 1.0, 1.0), Trade("AAPL", 3, 1.0, 1.0)], 9)
    assert read(mixed) == [1, 2]
    assert {str(stream): totals.delivered for stream, totals in count(mixed, fanout.rows(mixed)).items()} == {
        "news:": 1,
        "trades:SPY": 1,
    }


def test_the_journal_is_told_every_event_with_its_number_before_any_strategy_can_take_it() -> None:
    heard: list[tuple[list[int], int, list[int]]] = []
    spy = channel("SPY")

    class Witness:
        def tell(self, events: Any, at_ns: int) -> None:
            heard.append(([event.seq for event in events], at_ns, read(spy)))

        def note(self, record: Any) -> None:
            raise AssertionError("the fan-out notes nothing")

    fanout = Fanout(seq=7, journal=Witness())
    fanout.attach(spy)
    fanout.publish([article(1, "SPY"), article(2, "AAPL")], 9)
    fanout.publish([article(3, "SPY")], 10)
    assert heard == [([8, 9], 9, []), ([10], 10, [1])]
