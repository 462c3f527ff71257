"""What is queued for a line leaves in order, in frames of bounded size, with faults exactly in their place."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.faults import FaultPlan
from engine.exchange.faults.script import build_fault
from engine.exchange.line.outbound import Outbound, Say, Strike
from engine.model.market import Luld, MarketEvent, Trade

CUT = build_fault(kind="cut", after_events=1)


def trade(number: int) -> Trade:
    return Trade("A", number, 1.0, 1.0, id=number, venue_ns=number)


def drain(out: Outbound, now_s: float = 0.0) -> list[object]:
    steps: list[object] = []
    while (step := out.take(now_s)) is not None:
        steps.append(step)
    return steps


def told(steps: list[object]) -> list[MarketEvent]:
    return [event for step in steps if isinstance(step, list) for event in step]


@given(st.lists(st.integers(1, 30), max_size=20), st.integers(1, 12))
def test_events_leave_in_order_in_frames_no_larger_than_asked(batches: list[int], size: int) -> None:
    out = Outbound(FaultPlan(), 1, frame_events_max=size)
    sent = 0
    for batch in batches:
        out.put_events([trade(sent + each) for each in range(batch)], 0.0)
        sent += batch
    assert out.events == sent
    steps = drain(out)
    assert [event.ts_ns for event in told(steps)] == list(range(sent))
    assert all(isinstance(step, list) and len(step) == size for step in steps[:-1])
    assert out.events == 0 and not out


def test_a_fault_and_a_message_keep_their_place_among_events() -> None:
    out = Outbound(FaultPlan(), 1)
    out.put_events([trade(1), trade(2)], 0.0)
    out.put(Say({"T": "x"}), 0.0)
    out.put_events([trade(3)], 0.0)
    out.put(Strike(CUT), 0.0)
    assert drain(out) == [[trade(1), trade(2)], Say({"T": "x"}), [trade(3)], Strike(CUT)]


def test_a_truncated_frame_is_made_of_the_last_events_that_wait() -> None:
    out = Outbound(FaultPlan(), 1, frame_events_max=2)
    truncated = build_fault(kind="truncated_frame", after_events=1)
    out.put_events([trade(each) for each in range(5)], 0.0)
    assert out.take(0.0) == [trade(0), trade(1)]
    out.put(Strike(truncated), 0.0)
    assert drain(out) == [[trade(2)], Strike(truncated, (trade(3), trade(4)))]
    out.put(Strike(truncated), 0.0)
    assert drain(out) == [Strike(truncated, ())]


def test_delayed_events_wait_and_say_when_they_are_due() -> None:
    out = Outbound(FaultPlan([build_fault(kind="delay", for_="2s")]), 1)
    out.put_events([trade(1)], 10.0)
    assert out.take(11.9) is None
    assert (out.next_due_s(), out.oldest_s()) == (12.0, 10.0)
    assert out.take(12.0) == [trade(1)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(0, 5))
def test_a_shuffle_loses_nothing_stays_in_one_frame_and_can_be_undone(batches: list[int], seed: int) -> None:
    out = Outbound(FaultPlan([build_fault(kind="reorder", p=0.5)], seed), 1, frame_events_max=5)
    sent, steps = 0, []
    for batch in batches:
        out.put_events([trade(sent + each) for each in range(batch)], 0.0)
        sent += batch
        steps += drain(out)
    steps += drain(out, 1.0)
    restored = [event.ts_ns for step in steps for event in sorted(told([step]), key=lambda event: event.ts_ns)]
    assert restored == list(range(sent))


@given(st.integers(1, 300), st.integers(0, 5))
def test_a_repeat_is_word_for_word_a_recent_event_and_comes_behind_it(events: int, seed: int) -> None:
    plan = FaultPlan([build_fault(kind="duplicate", p=0.3)], seed)
    out = Outbound(plan, 1)
    out.put_events([trade(each) for each in range(events)], 0.0)
    told_ = told(drain(out))
    seen: list[MarketEvent] = []
    for event in told_:
        if event not in seen:
            assert event.ts_ns == len(seen)
            seen.append(event)
        else:
            assert event in seen[-64:]
    assert len(told_) - events == plan.hits["duplicate"]
    assert len(seen) == events


def test_what_cannot_be_put_right_is_neither_repeated_nor_moved() -> None:
    plan = FaultPlan([build_fault(kind="duplicate", p=1), build_fault(kind="reorder", p=1)], seed=3)
    out = Outbound(plan, 1)
    band = Luld("A", 0, 2.0, 1.0)
    out.put_events([band, *(trade(each) for each in range(1, 30))], 0.0)
    steps = drain(out, 1.0)
    assert told(steps)[0] == band
    assert Counter(event.kind for event in told(steps))[band.kind] == 1


def test_the_same_seed_and_line_give_the_same_mischief() -> None:
    def run(seed: int, line: int) -> list[MarketEvent]:
        plan = FaultPlan([build_fault(kind="duplicate", p=0.2), build_fault(kind="reorder", p=0.2)], seed)
        out = Outbound(plan, line)
        out.put_events([trade(each) for each in range(100)], 0.0)
        return told(drain(out, 1.0))

    assert run(1, 1) == run(1, 1)
    assert run(1, 1) != run(1, 2)
    assert run(1, 1) != run(2, 1)
