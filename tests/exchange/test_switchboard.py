"""The switchboard hands events and faults to the lines in one order, and holds the market to its slowest reader."""

from collections.abc import Sequence
from typing import Any

import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.clock import MarketClock
from engine.exchange.faults import Fault, FaultPlan
from engine.exchange.faults.script import build_fault
from engine.exchange.line.switchboard import Switchboard
from engine.model.market import MarketEvent, Trade


@define
class Line:
    """A line that notes what it is told."""

    live: bool = True
    has_room: bool = True
    flushed: bool = True
    told: list[str | int] = field(factory=list)

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        """Note the instants."""
        self.told += [event.ts_ns for event in events]

    def strike(self, fault: Fault) -> None:
        """Note the kind; a fault that drops the line ends it."""
        self.told.append(fault.kind)
        self.live = self.live and not fault.drops


@define
class Market:
    """Notes what it was asked to publish unheard."""

    asked: list[int] = field(factory=list)

    async def swallow(self, events: int) -> None:
        """Note it."""
        await trio.lowlevel.checkpoint()
        self.asked.append(events)


def trades(start: int, count: int) -> list[MarketEvent]:
    return [Trade("A", number, 1.0, 1.0) for number in range(start, start + count)]


def make_board(*faults: Fault, speed: float = 0.0) -> tuple[Switchboard, Line]:
    board = Switchboard(MarketClock(0, speed), FaultPlan(faults, speed=speed))
    line = Line()
    board.join(board.number(), line)
    board.fire()
    return board, line


@given(st.lists(st.integers(1, 40), max_size=20), st.integers(1, 30))
def test_a_fault_stands_behind_exactly_the_event_it_names(batches: list[int], mark: int) -> None:
    board, line = make_board(build_fault(kind="bad_frame", after_events=mark, times=1000))
    sent = 0
    for batch in batches:
        board.deliver(trades(sent + 1, batch))
        sent += batch
    expected: list[str | int] = []
    for number in range(1, sent + 1):
        expected += [number, "bad_frame"] if number % mark == 0 else [number]
    assert line.told == expected
    assert board.published == sent


async def test_a_cut_ends_delivery_and_asks_for_a_hole_only_where_somebody_was_cut() -> None:
    board, line = make_board(build_fault(kind="cut", after_events=3, times=3, events=7))
    market = Market()
    board.deliver(trades(1, 10))
    assert line.told == [1, 2, 3, "cut"]
    assert (board.plan.hits["cut"], board.plan.missed["cut"]) == (1, 1)
    line.live = True
    board.fire()
    assert line.told == [1, 2, 3, "cut"]
    line.live = False
    async with trio.open_nursery() as nursery:
        nursery.start_soon(board.serve_holes, market)
        await board.holes_told()
        nursery.cancel_scope.cancel()
    assert market.asked == [7]
    line.live = True
    board.deliver(trades(11, 2))  # the third was due at 9, and nobody was there
    assert line.told == [1, 2, 3, "cut", 11, 12, "cut"]


async def test_at_a_speed_no_hole_is_asked_for() -> None:
    board, line = make_board(build_fault(kind="cut", after_events=1), speed=1.0)
    board.deliver(trades(1, 2))
    assert line.told == [1, "cut"]
    with trio.fail_after(1):
        await board.holes_told()


def test_a_fault_of_the_next_connection_also_drops_the_lines_unless_told_not_to() -> None:
    for cut, told in ((True, [1, "cut_without_close"]), (False, [1, 2])):
        board, line = make_board(build_fault(kind="refuse", after_events=1, cut=cut))
        board.deliver(trades(1, 2))
        assert line.told == told
        assert board.plan.use("refuse") is not None


async def test_the_market_waits_for_the_slowest_reader(autojump_clock: Any) -> None:
    board, line = make_board()
    line.has_room = False
    with trio.move_on_after(10) as waited:
        await board.ready()
    assert waited.cancelled_caught
    async with trio.open_nursery() as nursery:
        nursery.start_soon(board.ready)
        await trio.testing.wait_all_tasks_blocked()
        line.has_room = True
        board.changed()
    line.has_room = line.live = False
    await board.ready()
    assert not board.reading


async def test_faults_with_a_time_happen_in_market_time_without_any_event(autojump_clock: Any) -> None:
    board, line = make_board(build_fault(kind="bad_frame", every="90s", times=3), speed=100.0)
    board.clock.start()
    with trio.move_on_after(1.7):
        await board.serve_moments()
    assert line.told == ["bad_frame"]
    with trio.move_on_after(1.1):
        await board.serve_moments()
    assert line.told == ["bad_frame"] * 3
    with trio.move_on_after(10):
        await board.serve_moments()
    assert line.told == ["bad_frame"] * 3, "no more than its `times`"


async def test_a_fault_that_is_added_waits_for_its_own_moment(autojump_clock: Any) -> None:
    board, line = make_board(build_fault(kind="bad_frame", every="90s"), speed=1.0)
    board.clock.start()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(board.serve_moments)
        await trio.sleep(10)
        board.add(build_fault(kind="unknown_type", every="20s", times=2))
        await trio.sleep(60)
        assert line.told == ["unknown_type"] * 2
        board.clear()
        await trio.sleep(1000)
        assert line.told == ["unknown_type"] * 2
        nursery.cancel_scope.cancel()


def test_a_fault_of_the_trading_line_happens_to_no_other() -> None:
    board, line = make_board()
    trading = make_board()[1]
    board.inject(build_fault(kind="cut", line="trading"))
    assert line.told == [], "it waits for a trading line"
    board.join_trading(7, trading)
    board.trading_began()
    assert (line.told, trading.told) == ([], ["cut"])


def test_what_is_injected_happens_at_once() -> None:
    board, line = make_board()
    board.inject(build_fault(kind="mute", after_events=10**6))
    assert line.told == ["mute"]
    assert not board.reading
