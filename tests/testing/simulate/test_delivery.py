"""The judge sees each way in which deliveries can be wrong, and none where they are right."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
from msgspec.structs import replace

from engine.model.control import Lost
from engine.model.market import Kind
from engine.model.stream import Stream
from engine.testing.simulate.outcome import Violated
from engine.testing.simulate.plan import Plan, Trouble
from tests.testing.simulate.conftest import SPY, Hand, build_plan

COIN = Stream(Kind.TRADES, "BTC/USD")


def broken(number: int) -> "pytest.RaisesExc[Violated]":
    return pytest.raises(Violated, check=lambda found: found.number == number)


def test_what_is_published_and_told_in_order_is_right(hand: Hand) -> None:
    taking = hand.open()
    for number in range(5):
        hand.now_s += 1
        trade = hand.trade(number)
        hand.publish(trade)
        hand.tell(taking, trade)
    hand.now_s += 600
    hand.judge.calm()
    hand.judge.delivery.check_rest(hand.now_ns)
    hand.judge.closed(taking)


def test_1_a_trade_that_is_told_twice(hand: Hand) -> None:
    taking, trade = hand.open(), hand.trade(1)
    hand.publish(trade)
    hand.tell(taking, trade)
    with broken(1):
        hand.tell(taking, replace(trade, origin="backfill"))


def test_1_two_subscriptions_have_a_trade_each(hand: Hand) -> None:
    one, other, trade = hand.open(), hand.open(), hand.trade(1)
    hand.publish(trade)
    hand.tell(one, trade)
    hand.tell(other, trade)


def test_2_a_trade_behind_the_one_that_follows_it(hand: Hand) -> None:
    taking, first, second = hand.open(), hand.trade(1, 1), hand.trade(2, 2)
    hand.now_s = 3
    hand.publish(first, second)
    hand.tell(taking, second)
    with broken(2):
        hand.tell(taking, first)


def test_2_a_trade_that_the_market_told_late_may_come_late(hand: Hand) -> None:
    taking, first, second = hand.open(), hand.trade(1, 1), hand.trade(2, 2)
    hand.now_s = 3
    hand.publish(second, first)
    hand.tell(taking, second, first)


def test_3_a_trade_that_was_never_published(hand: Hand) -> None:
    taking, trade = hand.open(), hand.trade(1)
    hand.publish(trade)
    with broken(3):
        hand.tell(taking, replace(trade, price=trade.price + 1))


def test_4_a_trade_that_is_late_for_no_reason(hand: Hand) -> None:
    hand.now_s = 1000
    taking, trade = hand.open(), hand.trade(1, 1001)
    hand.now_s = 1001
    hand.publish(trade)
    hand.now_s = 1030
    with broken(4):
        hand.tell(taking, trade)


def test_4_a_trade_that_is_late_behind_a_fault(hand: Hand) -> None:
    hand.now_s = 1001
    taking, trade = hand.open(), hand.trade(1, 1001)
    hand.now_s = 1002
    hand.publish(trade)
    hand.judge.fault("cut", 1003, "")
    hand.now_s = 1030
    hand.tell(taking, trade)


def test_5_a_trade_that_never_comes(hand: Hand) -> None:
    taking, trades = hand.open(), [hand.trade(number, number) for number in (1, 2, 3)]
    hand.now_s = 4
    hand.publish(*trades)
    hand.tell(taking, trades[0], trades[2])
    with broken(5):
        hand.judge.closed(taking)


def test_5_what_a_straggler_was_put_in_front_of_may_still_wait_for_its_player(hand: Hand) -> None:
    taking, trades = hand.open(), [hand.trade(number, number) for number in (1, 2, 3)]
    hand.now_s = 4
    hand.publish(trades[0], trades[2])
    hand.now_s = 5
    hand.publish(trades[1])
    hand.tell(taking, trades[0], trades[1])
    hand.judge.closed(taking)


def test_5_the_last_trades_that_never_come(hand: Hand) -> None:
    taking, trades = hand.open(), [hand.trade(number, number) for number in (1, 2, 3)]
    hand.now_s = 4
    hand.publish(*trades)
    hand.tell(taking, trades[0])
    hand.now_s = 1000
    with broken(5):
        hand.judge.delivery.check_rest(hand.now_ns)


def test_5_a_trade_that_a_gap_names_is_not_owed(hand: Hand) -> None:
    taking, trades = hand.open(), [hand.trade(number, number) for number in (1, 2, 3)]
    hand.now_s = 4
    hand.publish(*trades)
    hand.tell(taking, trades[0], hand.gap(1, 3), trades[2])
    hand.judge.closed(taking)


@pytest.mark.parametrize(("lag", "span", "wrong"), [("21s", "60s", False), ("14s", "60s", True), ("21s", "5s", True)])
def test_5_what_history_kept_back_for_too_long_is_not_owed(
    playing: Callable[[Plan], Hand], lag: str, span: str, wrong: bool
) -> None:
    hand = playing(build_plan(Trouble(kind="history_lag", at_s=1.0, keys=(("lag", lag), ("for", span)))))
    taking, trades = hand.open(), [hand.trade(number, number) for number in (1, 2, 3)]
    hand.now_s = 4
    hand.publish(*trades)
    hand.tell(taking, trades[0], trades[2])
    with broken(5) if wrong else nullcontext():
        hand.judge.closed(taking)


def test_5_where_only_the_newest_is_wanted_nothing_is_owed(hand: Hand) -> None:
    taking, trades = hand.open("latest"), [hand.trade(number, number) for number in (1, 2, 3)]
    hand.now_s = 4
    hand.publish(*trades)
    hand.tell(taking, trades[2])
    hand.judge.closed(taking)


def test_5_the_newest_that_never_comes_where_only_that_is_wanted(hand: Hand) -> None:
    taking, trades = hand.open("latest"), [hand.trade(number, number) for number in (1, 2, 3)]
    hand.now_s = 4
    hand.publish(*trades)
    hand.tell(taking, trades[1])
    hand.now_s = 1000
    with broken(5):
        hand.judge.delivery.check_rest(hand.now_ns)


def test_12_a_trade_of_the_future(hand: Hand) -> None:
    taking, trade = hand.open(), hand.trade(1, 10)
    hand.now_s = 1
    hand.publish(trade)
    with broken(12):
        hand.tell(taking, trade)


@pytest.mark.parametrize("ended", [False, True])
def test_5_what_a_mute_line_still_keeps_is_not_owed_yet(playing: Callable[[Plan], Hand], ended: bool) -> None:
    """That it is found out in time is another law."""
    hand = playing(build_plan(Trouble(kind="mute", at_s=10.0, keys=(("line", "data"),))))
    hand.judge.line(1, "/v2/iex", is_open=True)
    taking, trade = hand.open(), hand.trade(1)
    hand.publish(trade)
    hand.tell(taking, trade)
    hand.now_s = 10
    hand.judge.fault("mute", 10.0, "")
    hand.now_s = 20
    hand.publish(hand.trade(2))
    if ended:
        hand.judge.line(1, "/v2/iex", is_open=False)
    hand.now_s = 200
    with broken(5) if ended else nullcontext():
        hand.judge.delivery.check_rest(hand.now_ns)


def test_5_what_the_line_of_coins_brings_is_no_word_of_that_of_stocks(playing: Callable[[Plan], Hand]) -> None:
    hand = playing(build_plan(Trouble(kind="mute", at_s=10.0, keys=(("line", "data"),))))
    hand.judge.line(1, "/v2/iex", is_open=True)
    taking, trade = hand.open("block", 100, SPY, COIN), hand.trade(1)
    hand.publish(trade)
    hand.tell(taking, trade)
    hand.now_s = 10
    hand.judge.fault("mute", 10.0, "")
    hand.now_s = 600
    coin = replace(hand.trade(2), symbol=COIN.symbol)
    hand.publish(coin, hand.trade(3))
    hand.tell(taking, coin)
    hand.now_s = 800
    hand.judge.delivery.check_rest(hand.now_ns)


def test_27_a_gap_without_a_cause(hand: Hand) -> None:
    hand.now_s = 1000
    taking = hand.open()
    with broken(27):
        hand.tell(taking, hand.gap(998, 999))


def test_27_a_gap_that_ends_before_it_begins(hand: Hand) -> None:
    hand.now_s = 10
    taking = hand.open()
    with broken(27):
        hand.tell(taking, hand.gap(9, 8))


def test_27_a_drop_where_nothing_was(hand: Hand) -> None:
    hand.now_s = 10
    taking = hand.open("drop_oldest")
    with broken(27):
        hand.tell(taking, hand.gap(8, 9, "dropped"))


def test_27_a_gap_behind_a_line_that_was_lost_has_its_cause(hand: Hand) -> None:
    hand.now_s = 1000
    taking = hand.open()
    hand.judge.delivery.noticed(hand.life, "one", Lost("iex", hand.now_ns, "nothing came"), hand.now_ns)
    hand.tell(taking, hand.gap(998, 999))


@pytest.mark.parametrize(("heard_s", "lost", "wrong"), [(1001, False, True), (700, False, False), (1001, True, False)])
def test_28_a_silence_is_noticed_later_where_it_was_long_before_and_not_at_all_where_the_line_was_given_up(
    hand: Hand, heard_s: int, lost: bool, wrong: bool
) -> None:
    """A quiet feed is asked about when its silence is twice as long as the last time."""
    hand.now_s = heard_s
    taking = hand.open()
    hand.publish(hand.trade(1))
    hand.tell(taking, hand.trade(1))
    hand.now_s = 1010
    hand.publish(hand.trade(2))
    hand.now_s = 1300
    if lost:
        hand.judge.delivery.noticed(hand.life, "one", Lost("iex", hand.now_ns, "nothing came"), hand.now_ns)
    with broken(28) if wrong else nullcontext():
        hand.judge.delivery.step()


def test_28_a_silence_that_nobody_notices(hand: Hand) -> None:
    hand.now_s = 1000
    hand.open()
    hand.now_s = 1001
    hand.publish(hand.trade(1, 1001))
    hand.now_s = 1100
    hand.judge.step()
    hand.now_s = 1300
    with broken(28):
        hand.judge.step()
