"""The laws of a replay: what comes before what at one instant, when it ends, and what it does not let pass."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from engine.errors import StrategyFailed
from engine.flow.replay.turnstile import Turnstile
from engine.flow.supervisor import sole_failure
from engine.model.market import Kind, MarketEvent, News
from engine.model.stream import ANY, Stream
from tests.flow.replay.made import LEAVE_S, NS, START_NS, Floor, MatchingBroke, MemoryTape, quote, replay, trade

ROADS = pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])


async def read(floor: Floor, *streams: Stream, note: str = "event") -> None:
    async with floor.context().streams(*streams) as events:
        async for event in events:
            floor.note(note, event.id if hasattr(event, "id") else event.kind)


async def read_a(floor: Floor) -> None:
    await read(floor, Stream(Kind.TRADES, "A"))


def what(log: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [(round((at_ns - START_NS) / NS, 9), *rest) for _, at_ns, _, *rest in log]  # type: ignore[operator] # the second is an instant


@ROADS
def test_deadlines_come_before_the_events_of_their_instant(*, fast: bool) -> None:
    async def tick(floor: Floor) -> None:
        for _ in range(3):
            await trio.sleep(1)
            floor.note("tick")

    tape = MemoryTape([trade(number, number * 0.5) for number in range(7)])
    log = what(replay(tape, read_a, tick, fast=fast).log)
    assert log == [
        (0.0, "event", 0), (0.5, "event", 1), (1.0, "tick"), (1.0, "event", 2), (1.5, "event", 3), (2.0, "tick"),
        (2.0, "event", 4), (2.5, "event", 5), (3.0, "tick"), (3.0, "event", 6),
    ]  # fmt: skip


@ROADS
def test_events_of_one_instant_are_told_one_by_one_and_each_settles_first(*, fast: bool) -> None:
    async def echo(floor: Floor) -> None:
        async with floor.context().trades("A") as trades, trio.open_nursery() as nursery:
            async for event in trades:
                nursery.start_soon(late, floor, event.id)

    async def late(floor: Floor, number: int) -> None:
        for _ in range(5):
            await trio.lowlevel.checkpoint()
        floor.note(number)

    log = replay(MemoryTape([trade(number, 0) for number in range(4)]), echo, fast=fast).log
    assert [(seq, number) for seq, _, _, number in log] == [(1, 0), (2, 1), (3, 2), (4, 3)]


@ROADS
def test_what_matching_makes_of_an_event_is_known_before_the_event_is_told(*, fast: bool) -> None:
    async def trader(floor: Floor) -> None:
        await floor.matching.place(3).wait()
        floor.note("filled")

    log = what(replay(MemoryTape([trade(number, number) for number in range(4)]), read_a, trader, fast=fast).log)
    assert log == [(0.0, "event", 0), (1.0, "event", 1), (2.0, "filled"), (2.0, "event", 2), (3.0, "event", 3)]


@ROADS
def test_a_deadline_that_a_fill_sets_comes_before_the_events_behind_it(*, fast: bool) -> None:
    async def trader(floor: Floor) -> None:
        for _ in range(3):
            await floor.matching.place(12).wait()
            await trio.sleep(0.25)
            floor.note("awake")

    tape = MemoryTape([trade(number, number * 0.1) for number in range(50)])
    awake = [at_s for at_s, note, *_ in what(replay(tape, read_a, trader, fast=fast).log) if note == "awake"]
    assert awake == [1.35, 2.75, 4.15]


@ROADS
def test_decisions_of_one_instant_pass_in_the_order_of_their_lines_whatever_task_runs_first(*, fast: bool) -> None:
    async def decide(floor: Floor, strategy: str, line: str, wait: int) -> None:
        for _ in range(wait):
            await trio.lowlevel.checkpoint()
        await floor.turn.pass_(strategy, line)
        floor.note(strategy, line)
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        floor.note("settled")

    async def many(floor: Floor) -> None:
        async with trio.open_nursery() as nursery:
            for place, (strategy, line) in enumerate([("b", "buy"), ("a", "sell"), ("b", "a"), ("a", "buy")]):
                nursery.start_soon(decide, floor, strategy, line, place)

    for seed in range(4):
        log = what(replay(MemoryTape([trade(0, 0)]), many, fast=fast, seed=seed).log)
        asked = [("a", "buy"), ("a", "sell"), ("b", "a"), ("b", "buy")]
        assert [tuple(rest) for _, *rest in log] == [each for line in asked for each in (line, ("settled",))]


async def test_when_the_replay_is_over_nobody_waits_for_it() -> None:
    turn = Turnstile()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turn.pass_, "a", "waits")
        await wait_all_tasks_blocked()
        turn.open()
    await turn.pass_("a", "comes later")


def test_a_decision_that_is_cancelled_while_it_waits_holds_up_nobody() -> None:
    async def trader(floor: Floor) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(floor.turn.pass_, "a", "first")
            await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        await floor.turn.pass_("a", "second")
        floor.note("passed")

    assert len(replay(MemoryTape([trade(0, 0)]), trader).log) == 1


@ROADS
def test_a_stream_begins_behind_the_instant_at_which_it_was_asked_for(*, fast: bool) -> None:
    async def later(floor: Floor) -> None:
        await trio.sleep(10)
        await read(floor, Stream(Kind.TRADES, "B"), note="late")

    async def at_an_event(floor: Floor) -> None:
        async with floor.context().trades("A") as trades:
            await trades.__anext__()
        await read(floor, Stream(Kind.TRADES, "B"), note="behind")

    async def at_a_deadline(floor: Floor) -> None:
        await trio.sleep(3)
        await read(floor, Stream(Kind.TRADES, ANY), note="at once")

    events = [trade(number, number) for number in range(9)]
    for number in range(20):
        events.insert(2 * number, trade(number, number, "B"))
    tape = MemoryTape(sorted(events, key=lambda event: event.received_ns))
    assert what(replay(tape, later, fast=fast).log) == [(float(at), "late", at) for at in range(10, 20)]

    async def of_all(floor: Floor) -> None:
        async with floor.context("beta").trades(ANY) as trades:
            async for _ in trades:
                pass

    tied = MemoryTape([trade(0, 0), trade(1, 0, "B"), trade(2, 0, "B"), trade(3, 0), trade(4, 1, "B")])
    assert what(replay(tied, at_an_event, fast=fast).log) == [(1.0, "behind", 4)]

    async def covered(floor: Floor) -> None:
        async with floor.context().trades(ANY) as trades:
            await trades.__anext__()
            await read(floor, Stream(Kind.TRADES, "B"), note="of many")

    tied = MemoryTape(tied.events)
    assert what(replay(tied, covered, fast=fast).log) == [(1.0, "of many", 4)]
    assert what(replay(MemoryTape(tied.events), at_an_event, of_all, fast=fast).log) == [(1.0, "behind", 4)]
    tied = MemoryTape([trade(0, 0), trade(1, 3), trade(2, 3, "B"), trade(3, 4)])
    assert [rest[-1] for rest in replay(tied, at_a_deadline, fast=fast).log] == [1, 2, 3]


@ROADS
def test_deadlines_pass_until_the_tape_ends_also_where_nobody_wants_its_events(*, fast: bool) -> None:
    async def tick(floor: Floor) -> None:
        async with floor.context().every(1) as ticks:
            async for at_ns in ticks:
                floor.note((at_ns - START_NS) // NS)

    tape = MemoryTape([trade(0, 0), trade(1, 2)])
    tape.end_ns = START_NS + 5 * NS
    outcome = replay(tape, tick, fast=fast)
    assert what(outcome.log)[:5] == [(float(at), at) for at in range(1, 6)]
    assert outcome.now_ns == tape.end_ns
    assert outcome.seq == 0


def test_after_the_end_time_goes_on_for_those_who_leave() -> None:
    async def slow(floor: Floor) -> None:
        await read_a(floor)
        await trio.sleep(LEAVE_S - 1)
        floor.note("left")

    assert what(replay(MemoryTape([trade(0, 0), trade(1, 1)]), slow).log)[-1] == (LEAVE_S, "left")


@pytest.mark.parametrize("pair", [("__anext__", "__anext__"), ("__anext__", "batch")])
def test_a_subscription_that_two_tasks_read_is_shared_as_on_the_plain_road(pair: tuple[str, str]) -> None:
    async def two(floor: Floor) -> None:
        async with floor.context().trades("A") as trades, trio.open_nursery() as nursery:
            for name in pair:
                nursery.start_soon(one, floor, getattr(trades, name), name)

    async def one(floor: Floor, take: object, name: str) -> None:
        try:
            while True:
                floor.note(name, await take())  # type: ignore[operator] # one of the two above
        except StopAsyncIteration:
            pass

    def events() -> MemoryTape:
        return MemoryTape([trade(number, number) for number in range(30)])

    for seed in range(3):
        fast, plain = (replay(events(), two, fast=road, seed=seed) for road in (True, False))
        assert repr(fast.log) == repr(plain.log)


def test_events_of_several_streams_are_lent_to_whoever_reads_all_of_them() -> None:
    events = [make(number, number) for number in range(50) for make in (trade, quote)]

    async def read_both(floor: Floor) -> None:
        async with floor.context().streams(Stream(Kind.TRADES, "A"), Stream(Kind.QUOTES, "A")) as both:
            async for event in both:
                floor.note(event.kind)

    fast, plain = (replay(MemoryTape(events), read_both, fast=road) for road in (True, False))
    assert (fast.log, fast.seen, fast.told) == (plain.log, plain.seen, plain.told)
    assert fast.seq == 100
    assert fast.lent > 50


def test_the_tape_is_told_what_is_wanted_when_it_changes_and_not_else() -> None:
    async def reader(floor: Floor) -> None:
        async with floor.context().trades("A") as trades:
            for _ in range(5):
                await trades.__anext__()
            async with floor.context().quotes("A") as quotes:
                await quotes.__anext__()
            async with floor.context().trades("A"):
                async for _ in trades:
                    pass

    tape = MemoryTape([make(number, number) for number in range(9) for make in (trade, quote)])
    trades, quotes = Stream(Kind.TRADES, "A"), Stream(Kind.QUOTES, "A")
    wants = [want for want, _ in replay(tape, reader).wants]
    assert wants == [{trades}, {trades, quotes}, {trades}]


@ROADS
def test_a_strategy_that_never_waits_for_time_or_data_is_named(*, fast: bool) -> None:
    async def spin(_: Floor) -> None:
        await trio.sleep(2)
        while True:  # noqa: ASYNC110 - that is the fault
            await trio.lowlevel.checkpoint()

    tape = MemoryTape([trade(0, 0), trade(1, 60)])
    with pytest.RaisesGroup(StrategyFailed, flatten_subgroups=True) as raised:
        replay(tape, read_a, spin, fast=fast, steps_max=5000)
    sentence = str(sole_failure(raised.value))
    assert "14:30:02" in sentence
    assert "spin" in sentence
    assert "trio.sleep" in sentence


@ROADS
@pytest.mark.parametrize("fails_at", [1, 5, 40])
def test_a_failure_of_matching_ends_the_replay_and_is_not_swallowed_by_trio(fails_at: int, *, fast: bool) -> None:
    tape = MemoryTape([trade(number, number) for number in range(60)])
    with pytest.RaisesGroup(MatchingBroke, flatten_subgroups=True):
        replay(tape, read_a, fast=fast, fails_at=fails_at)


def test_articles_come_to_each_reader_once_on_both_roads() -> None:
    def events() -> list[MarketEvent]:
        told: list[MarketEvent] = [trade(number, number) for number in range(60)]
        for number in range(0, 60, 3):
            at_ns = START_NS + number * NS
            told.append(News("", at_ns, number, "", symbols=("A", "B"), received_ns=at_ns, origin="replay"))
        return sorted(told, key=lambda event: event.received_ns)

    async def reader(floor: Floor) -> None:
        await read(floor, Stream(Kind.TRADES, "A"), Stream(Kind.NEWS, "B"))

    async def of_news(floor: Floor) -> None:
        await read(floor, Stream(Kind.NEWS, ANY), note="news")

    for readers in ([reader], [of_news], [reader, of_news]):
        fast, plain = (replay(MemoryTape(events()), *readers, fast=road) for road in (True, False))
        assert (fast.log, fast.told, fast.books) == (plain.log, plain.told, plain.books)
