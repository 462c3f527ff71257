"""The law of the splice: whatever is cut out, history and the line together tell each event once, in order."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.identity import content
from engine.core.sequencer import Sequencer
from engine.core.splice import TAKEN_MAX, Settling
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, MarketEvent, Quote, Trade
from engine.model.stream import Stream

START = 1_000 * NS_PER_S
SETTLING = Settling(settle_ns=15 * NS_PER_S, overlap_ns=5 * NS_PER_S)
LATE_MAX_S = 10
"""Participants may report a trade up to ten seconds late."""


def quote(ts_ns: int, bid: int, venue_ns: int) -> Quote:
    return Quote("A", ts_ns, float(bid), 1.0, 99.0, 1.0, "N", "N", venue_ns=venue_ns, received_ns=venue_ns)


def trade(ts_ns: int, number: int, venue_ns: int) -> Trade:
    return Trade("A", ts_ns, 10.0, 1.0, number, "V", venue_ns=venue_ns, received_ns=venue_ns)


def from_history(event: MarketEvent) -> MarketEvent:
    assert isinstance(event, Trade | Quote)
    if isinstance(event, Trade):
        return Trade(event.symbol, event.ts_ns, event.price, event.size, event.id, event.exchange, origin="backfill")
    return Quote(
        event.symbol, event.ts_ns, event.bid_price, event.bid_size, event.ask_price, event.ask_size,
        event.bid_exchange, event.ask_exchange, origin="backfill",
    )  # fmt: skip


# Few instants and few prices: long runs of ties full of exact repeats, the worst case for events without identity.
steps = st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 3]), st.integers(1, 2)), min_size=10, max_size=60)


def tape_of(kind: Kind, shape: list[tuple[int, int]]) -> list[MarketEvent]:
    events: list[MarketEvent] = []
    now = START
    for number, (step, bid) in enumerate(shape):
        now += step * NS_PER_S
        events.append(
            quote(now, bid, now + number + 1) if kind is Kind.QUOTES else trade(now, number, now + number + 1)
        )
    return events


def arrive(sequencer: Sequencer, events: Sequence[MarketEvent], random: Random | None) -> list[MarketEvent]:
    """Tell events to the sequencer, by the frame; with ``random`` each frame is out of order within itself."""
    if random is None:
        return list(sequencer.accept(events))
    told: list[MarketEvent] = []
    for first in range(0, len(events), 8):
        frame = [replace(event, received_ns=events[first].received_ns) for event in events[first : first + 8]]
        random.shuffle(frame)
        told += sequencer.accept(frame)
    return told


def run_session(
    tape: Sequence[MarketEvent],
    kind: Kind,
    cuts: Sequence[tuple[int, int]],
    lag_s: int,
    page: int,
    behind: int,
    stragglers: frozenset[int] = frozenset(),
    random: Random | None = None,
) -> list[MarketEvent]:
    """Tell a tape through a line that loses the events of each cut.

    History trails the market by ``lag_s`` and the line by ``behind`` events. Missed events whose number is among
    ``stragglers`` are not lost on the line but told late, one after each reading of history.
    """
    sequencer = Sequencer(SETTLING)
    sequencer.begin(Stream(kind, "A"), START)
    told: list[MarketEvent] = []
    at = 0
    for begin, missed in sorted(cuts):
        if begin < at:
            continue
        told += arrive(sequencer, tape[at:begin], random)
        at = min(begin + missed, len(tape))
        sequencer.lose()
        asked_ns = max((event.ts_ns for event in tape[:begin]), default=START)
        acked_ns = max((event.ts_ns for event in tape[:at]), default=START)
        (splice,) = sequencer.resume(kind, ["A"], asked_ns=asked_ns, acked_ns=acked_ns)
        now_ns = acked_ns
        late = [tape[number] for number in range(begin, at) if number in stragglers]
        while True:
            start_ns = splice.begin_fetch(now_ns)
            rows = [from_history(e) for e in tape if start_ns <= e.ts_ns <= now_ns - lag_s * NS_PER_S]
            sent = at
            for first in range(0, len(rows), page):
                told += sequencer.take_rows(splice, rows[first : first + page])
            if splice.end_fetch() == "closed":
                break
            # Market time goes on: what it brings arrives on the line while history is read again.
            now_ns += NS_PER_S
            due = sum(event.ts_ns <= now_ns for event in tape)
            at = max(at, due if now_ns > tape[-1].ts_ns else due - behind)
            told += arrive(sequencer, [*late[:1], *tape[sent:at]], random)
            late = late[1:]
        told += sequencer.finish(splice)
        told += sequencer.accept(late)
    return told + arrive(sequencer, tape[at:], random)


cut_lists = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 25)), max_size=4)


@given(
    steps,
    cut_lists,
    st.integers(0, 5),
    st.integers(1, 7),
    st.integers(0, 3),
    st.sampled_from([Kind.QUOTES, Kind.TRADES]),
)
@settings(max_examples=400, deadline=None)
def test_what_is_told_is_the_tape_row_for_row(
    shape: list[tuple[int, int]], cuts: list[tuple[int, int]], lag_s: int, page: int, behind: int, kind: Kind
) -> None:
    tape = tape_of(kind, shape)

    told = run_session(tape, kind, cuts, lag_s, page, behind)

    assert [content(from_history(event)) for event in told] == [content(from_history(event)) for event in tape]


@given(
    steps, cut_lists, st.integers(0, 5), st.integers(1, 7), st.sampled_from([Kind.QUOTES, Kind.TRADES]), st.integers()
)
@settings(max_examples=400, deadline=None)
def test_disorder_within_frames_changes_nothing(
    shape: list[tuple[int, int]], cuts: list[tuple[int, int]], lag_s: int, page: int, kind: Kind, seed: int
) -> None:
    tape = tape_of(kind, shape)

    told = run_session(tape, kind, cuts, lag_s, page, 0, random=Random(seed))

    assert [content(from_history(event)) for event in told] == [content(from_history(event)) for event in tape]


@given(steps, cut_lists, st.integers(0, 5), st.integers(1, 7), st.integers(0, 3), st.frozensets(st.integers(0, 60)))
@settings(max_examples=400, deadline=None)
def test_stragglers_neither_hide_what_is_lost_nor_are_told_twice(
    shape: list[tuple[int, int]],
    cuts: list[tuple[int, int]],
    lag_s: int,
    page: int,
    behind: int,
    stragglers: frozenset[int],
) -> None:
    tape = tape_of(Kind.TRADES, shape)

    told = run_session(tape, Kind.TRADES, cuts, lag_s, page, behind, stragglers)

    assert sorted(content(from_history(event)) for event in told) == [content(from_history(event)) for event in tape]


def run_reported(tape: Sequence[MarketEvent], losses: Sequence[tuple[int, int]], lag_s: int) -> list[MarketEvent]:
    """Tell trades by their reports, second by second; ``losses`` are when the line ends, and for how many seconds.

    ``venue_ns`` of a trade is when it was reported: then the line brings it, and ``lag_s`` later history lists it, with
    what happened when it did.
    """
    sequencer, splice = Sequencer(Settling()), None
    sequencer.begin(Stream(Kind.TRADES, "A"), START)
    away = {second for begin, seconds in losses for second in range(begin, begin + seconds)}
    told: list[MarketEvent] = []
    reported_s = max((event.venue_ns - START) // NS_PER_S for event in tape)
    for second in range(max([reported_s, *away]) + 40):  # and until the last hole is closed
        now_ns = START + second * NS_PER_S
        if second in away:
            sequencer.lose()
            splice = None
            continue
        for resumed in sequencer.resume(Kind.TRADES, ["A"], asked_ns=now_ns, acked_ns=now_ns):
            splice = resumed
        if splice is not None:
            start_ns, listed_ns = splice.begin_fetch(now_ns), now_ns - lag_s * NS_PER_S
            rows = [from_history(e) for e in tape if start_ns <= e.ts_ns <= now_ns and e.venue_ns < listed_ns]
            told += sequencer.take_rows(splice, rows)
            if splice.end_fetch() == "closed":
                told += sequencer.finish(splice)
                splice = None
        for event in sorted(tape, key=lambda each: each.venue_ns):
            if now_ns <= event.venue_ns < now_ns + NS_PER_S:
                told += sequencer.accept([event])
    return told


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from([0, 0, 0, *range(1, LATE_MAX_S + 1)])), min_size=5, max_size=40
    ),
    st.lists(st.tuples(st.integers(1, 90), st.integers(1, 12)), max_size=4),
    st.integers(0, 4),
)
@settings(max_examples=400, deadline=None)
def test_what_is_reported_late_is_told_although_history_has_shown_what_followed_it(
    shape: list[tuple[int, int]], losses: list[tuple[int, int]], lag_s: int
) -> None:
    tape: list[MarketEvent] = []
    second = 1
    for number, (step, late_s) in enumerate(shape):
        second += step
        happened_ns = START + second * NS_PER_S + number
        tape.append(trade(happened_ns, number, happened_ns + late_s * NS_PER_S))

    told = run_reported(tape, losses, lag_s)

    assert sorted(content(from_history(event)) for event in told) == [content(from_history(event)) for event in tape]


def test_of_a_busy_symbol_a_second_is_remembered_and_read_again() -> None:
    sequencer = Sequencer(Settling())
    sequencer.begin(Stream(Kind.TRADES, "A"), START)
    sequencer.lose()
    (splice,) = sequencer.resume(Kind.TRADES, ["A"], asked_ns=START + 100 * NS_PER_S, acked_ns=START + 100 * NS_PER_S)
    rows = [from_history(trade(START + number, number, 0)) for number in range(3 * TAKEN_MAX)]
    splice.begin_fetch(START + 100 * NS_PER_S)
    told = sequencer.take_rows(splice, rows)
    again_ns = splice.begin_fetch(START + 101 * NS_PER_S)
    assert rows[-TAKEN_MAX - 1].ts_ns <= again_ns <= rows[-TAKEN_MAX].ts_ns
    told += sequencer.take_rows(splice, [row for row in rows if row.ts_ns >= again_ns])
    assert [*told, *sequencer.finish(splice)] == rows
