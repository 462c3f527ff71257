"""The judge sees what grows without end, asks too often, says a secret, or is left behind."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine.app.report import FeedRow, SessionReport, StreamRow
from engine.core.overflow import Overflow
from engine.errors import BrokerUnavailable, KeysRefused, LineLost, StoreFailed
from engine.exchange.rest.http import Response
from engine.exchange.rest.received import Received
from engine.model.control import Alarm
from engine.testing import simulate
from engine.testing.simulate.invariants import INVARIANTS, invariant
from engine.testing.simulate.judge.bounds import STILL_MAX, TASKS_MAX
from engine.testing.simulate.outcome import Violated
from tests.testing.simulate.conftest import Hand


def broken(number: int) -> "pytest.RaisesExc[Violated]":
    return pytest.raises(Violated, check=lambda found: found.number == number)


def test_there_are_thirty_one_laws_in_order() -> None:
    assert [each.number for each in INVARIANTS] == list(range(1, 32))
    assert len({each.name for each in INVARIANTS}) == 31
    assert invariant(5).name == "lossless"
    with pytest.raises(IndexError):
        invariant(0)


SAID = re.compile(r"(?:broken|break_off)\(\s*(\d+),|number=(\d+),")


def test_each_law_is_held_by_the_modules_that_it_names() -> None:
    root = Path(simulate.__file__).parent
    holding: dict[int, set[str]] = {}
    for file in (*root.glob("judge/*.py"), *root.glob("world/*.py")):
        for told, kept in SAID.findall(file.read_text(encoding="utf-8")):
            holding.setdefault(int(told or kept), set()).add(file.relative_to(root).as_posix())
    assert {each.number: set(each.held_by) for each in INVARIANTS} == holding


def ask(hand: Hand, path: str = "/v2/positions", method: str = "GET", **reply: Any) -> None:
    response = Response(**{"status": 200, **reply})
    hand.judge.asking.requested(Received(hand.now_s, hand.now_ns, method, path, b""), response)


def test_8_more_requests_than_a_minute_may_hold(hand: Hand) -> None:
    with broken(8):
        for _ in range(300):
            hand.now_s += 0.1
            ask(hand, headers=(("X-RateLimit-Limit", "200"),))


def test_8_data_and_trading_have_a_minute_each(hand: Hand) -> None:
    for _ in range(150):
        hand.now_s += 0.1
        ask(hand, headers=(("X-RateLimit-Limit", "200"),))
        ask(hand, "/v2/stocks/trades", headers=(("X-RateLimit-Limit", "200"),))


def test_9_a_question_while_the_venue_wants_quiet(hand: Hand) -> None:
    ask(hand, status=429, headers=(("Retry-After", "20"),))
    hand.now_s += 5
    ask(hand, "/v2/stocks/trades")
    ask(hand, "/v2/orders/1", "DELETE")
    with broken(9):
        ask(hand)


def test_9_a_question_after_the_quiet(hand: Hand) -> None:
    ask(hand, status=429, headers=(("Retry-After", "20"),))
    hand.now_s += 20
    ask(hand)


def with_queue(hand: Hand, queue: Overflow) -> None:
    channel = SimpleNamespace(queue=queue, strategy="one", streams=())
    fanout = SimpleNamespace(channels=lambda: iter([(channel, {})]))
    hand.life.account = SimpleNamespace(markets=SimpleNamespace(fanout=fanout))  # type: ignore[assignment] # as much of it as is looked at


def test_10_a_queue_that_holds_more_than_it_may(hand: Hand) -> None:
    queue = Overflow("block", 2)
    queue.put([hand.trade(number, number) for number in range(9)], 0)
    with_queue(hand, queue)
    hand.judge.bounds.check_queues()
    queue.full = "drop_oldest"
    with broken(10):
        hand.judge.bounds.check_queues()


def test_11_tasks_without_end(hand: Hand) -> None:
    hand.tasks = TASKS_MAX + 1
    with broken(11):
        hand.judge.step()


def test_16_time_that_does_not_go_on(hand: Hand) -> None:
    with broken(16):
        for _ in range(STILL_MAX + 2):
            hand.judge.step()


def test_29_a_secret_in_the_log(hand: Hand) -> None:
    hand.judge.said("the key is not told")
    with broken(29):
        hand.judge.said("the key is canary-secret")


def test_29_a_secret_in_an_alarm(hand: Hand) -> None:
    with broken(29):
        hand.judge.noticed(hand.life, "one", Alarm("iex", 0, "logged in with canary-secret"), 0)


def test_29_a_secret_in_a_file(hand: Hand, tmp_path: Path) -> None:
    (tmp_path / "session.log").write_text("canary-secret")
    with broken(29):
        hand.judge.engine_ended(hand.life, "stopped")


def test_29_a_secret_in_an_error(hand: Hand) -> None:
    hand.life.failure = LineLost("refused canary-secret")
    with broken(29):
        hand.judge.engine_ended(hand.life, "killed")


# -- at the end


@pytest.mark.parametrize("failure", [LineLost("cut"), KeysRefused("402"), StoreFailed("full"), ValueError("a bug")])
def test_14_an_engine_that_ends_by_itself(hand: Hand, failure: Any) -> None:
    hand.life.failure = failure
    hand.life.account = SimpleNamespace()  # type: ignore[assignment] # as much of it as is looked at
    with broken(14):
        hand.judge.engine_ended(hand.life, "failed")


def test_14_what_must_end_an_engine_may(hand: Hand) -> None:
    hand.life.failure, hand.life.disk_faults = StoreFailed("full"), 1
    hand.judge.engine_ended(hand.life, "failed")
    hand.judge.fault("auth_refused", 0.0, "")
    life = hand.born()
    life.failure = KeysRefused("402")
    hand.judge.engine_ended(life, "failed")
    life = hand.born()
    life.failure = LineLost("no network yet")
    hand.judge.engine_ended(life, "failed")


def test_15_tasks_connections_and_files_that_are_left(hand: Hand, tmp_path: Path) -> None:
    assert hand.judge.ended(0) == ()
    hand.network.links["socket"] = SimpleNamespace(owner=1, host="10.0.0.1")
    (tmp_path / "heartbeat").write_text("1")
    with (tmp_path / "orders.db").open("w"):
        told = hand.judge.ended(2)
    assert [each.number for each in told] == [15, 15, 15, 15]


def report(hand: Hand, state: str = "live", **row: Any) -> None:
    figures = SessionReport(
        feeds=(FeedRow("iex", state),), streams=(StreamRow("one", "iex", "trades", "SPY", **row),)
    )  # fmt: skip
    hand.life.snapshot = lambda: figures


def test_13_a_feed_that_is_not_live_again(hand: Hand) -> None:
    report(hand, "resuming")

    async def look() -> None:
        with broken(13):
            await hand.judge.rest.wait_live(hand.life)

    trio.run(look, clock=MockClock(autojump_threshold=0))


def test_20_books_that_do_not_add_up(hand: Hand) -> None:
    report(hand, received=3, delivered=2)
    with broken(20):
        hand.judge.rest.check_conservation(hand.life)


def test_20_a_drop_that_is_counted_as_delivered(hand: Hand) -> None:
    report(hand, received=1, delivered=1)
    with broken(20):
        hand.judge.rest.check_counts(hand.life)
    taking, trade = hand.open(), hand.trade(1)
    hand.publish(trade)
    hand.tell(taking, trade)
    hand.judge.rest.check_counts(hand.life)


class Books:
    """A desk whose books never come to rest, and no broker that could be asked."""

    def __init__(self, *, resolved: bool) -> None:
        self.resolved = resolved
        self.blotter = SimpleNamespace(unresolved=lambda: [SimpleNamespace(client_order_id="k3x9-one-0")])

    async def settle(self) -> None:
        if not self.resolved:
            await trio.sleep_forever()

    async def reconcile(self) -> None:
        raise BrokerUnavailable("the broker lists no positions")


@pytest.mark.parametrize(("resolved", "number"), [(False, 25), (True, 24)])
def test_24_and_25_books_that_differ_and_orders_of_unknown_fate(hand: Hand, resolved: bool, number: int) -> None:
    hand.life.account = SimpleNamespace(desk=Books(resolved=resolved))  # type: ignore[assignment] # as much of it as is looked at

    async def look() -> None:
        with broken(number):
            await hand.judge.rest.check_books(hand.life)

    trio.run(look, clock=MockClock(autojump_threshold=0))
