"""Laws of silence: nothing while closed or halted, never later than declared, never sooner for having heard more."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.calendar import NEW_YORK, instant_of
from engine.core.silence import Proof
from engine.core.watch.ear import State
from engine.core.watch.hours import Hours, Market
from engine.core.watch.listening import FeedEars, Look, Question, Verdict, declared_s
from engine.core.watch.tuning import WatchTuning
from engine.core.watch.words import find_silences
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, Status
from engine.model.stream import ANY, Stream

SPY, QQQ = Stream(Kind.TRADES, "SPY"), Stream(Kind.TRADES, "QQQ")
SPY_QUOTES = Stream(Kind.QUOTES, "SPY")
NOON = "2026-12-01T12:00"  # a Tuesday


def ny(text: str) -> int:
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


@define(eq=False)
class Listener:
    """A feed that is looked at once a second; ``proof`` is what history says of whatever it is asked."""

    tuning: WatchTuning = field(factory=WatchTuning)
    market: Market = Market.STOCKS
    at_ns: int = field(default=ny(NOON))
    proof: Proof = "missed"
    missed: frozenset[Stream] = frozenset()
    """Where ``proof`` is empty: the streams that history holds more of."""
    counts: dict[Stream, int] = field(factory=lambda: {SPY: 0, QQQ: 0})
    live: bool = True
    read: bool = True
    mutes: int = 0
    slow: bool = False
    """Whether history has no answer yet."""
    alarms: dict[str, int] = field(factory=dict)
    """Keys and when they were first found."""
    recycled: list[int] = field(factory=list)
    questions: list[Question] = field(factory=list)
    feed: FeedEars = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.feed = FeedEars(feed="iex", market=self.market, tuning=self.tuning)

    def tick(self, speaking: Iterable[Stream] = (), step_s: float = 1.0) -> Verdict:
        self.at_ns += round(step_s * NS_PER_S)
        for stream in speaking:
            self.counts[stream] += 1
        verdict = self.feed.look(
            Look(now_ns=self.at_ns, counts=dict(self.counts), live=self.live, read=self.read, mutes=self.mutes), Hours()
        )
        if verdict.question is not None:
            self.questions.append(verdict.question)
        if verdict.question is not None and not self.slow:
            self.feed.answer(verdict.question, self._proofs(verdict.question), self.at_ns)
        if verdict.recycle:
            self.recycled.append(self.at_ns)
        for finding in find_silences(self.feed):
            self.alarms.setdefault(finding.key, self.at_ns)
        return verdict

    def _proofs(self, question: Question) -> Proof | Mapping[Stream, Proof]:
        if question.whole:
            return self.proof
        return {
            one: "missed" if one in self.missed or self.proof == "missed" else self.proof for one in question.streams
        }

    def run(self, seconds: int, speaking: Iterable[Stream] = (), every: int = 1) -> None:
        streams = tuple(speaking)
        for second in range(seconds):
            self.tick(streams if second % every == 0 else ())

    def state(self, stream: Stream) -> State:
        return self.feed.ears[stream].state


def learnt(**what: object) -> Listener:
    """One whose streams have spoken every second for two minutes: both may be silent for fifteen."""
    listener = Listener(**what)  # type: ignore[arg-type]  # names of its fields
    listener.run(120, tuple(listener.counts))
    return listener


# -- laws


@settings(max_examples=20)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
    st.integers(0, 5),
    st.sampled_from([1.0, 2.0]),
)
def test_an_alarm_comes_no_sooner_than_the_limit_and_no_later_than_declared(
    gaps: list[int], trails: int, patience: float
) -> None:
    listener = Listener(WatchTuning(patience=patience), proof="nothing_missed")
    for gap in gaps:
        listener.run(gap)
        listener.tick((SPY, QQQ))
    assert not listener.alarms, "nothing was missed"
    last_ns = listener.at_ns
    limit_s = listener.feed.limit_s
    assert limit_s is not None
    listener.run(round(limit_s) + trails)
    listener.proof = "missed"  # history trails, and says so at one of the two questions
    for _ in range(10_000):
        if listener.alarms:
            break
        listener.tick()
    (at_ns,) = listener.alarms.values()
    assert limit_s <= (at_ns - last_ns) / NS_PER_S <= declared_s(limit_s, listener.tuning)


@settings(max_examples=20)
@given(st.lists(st.booleans(), min_size=20, max_size=60), st.integers(0, 59))
def test_having_heard_more_never_makes_an_alarm_come_sooner(speaks: list[bool], more: int) -> None:
    """The cadence being the same: both streams are unlearnt here, and stay so."""

    def alarm_ns(spoken: list[bool]) -> int:
        listener = Listener(WatchTuning(recycle=False))
        for one in spoken[:25]:
            listener.tick((SPY, QQQ) if one else (), step_s=20.0)
        for _ in range(400):
            listener.tick()
        return min(listener.alarms.values(), default=1 << 62)

    heard = list(speaks)
    heard[more % min(len(heard), 25)] = True
    assert alarm_ns(heard) >= alarm_ns(speaks)


@settings(max_examples=30)
@given(st.integers(ny("2026-11-20T00:00"), ny("2026-12-04T00:00")), st.lists(st.integers(0, 3000), max_size=20))
def test_nothing_is_asked_and_nobody_woken_while_the_market_is_closed(start_ns: int, steps: list[int]) -> None:
    """And before and after regular hours: nothing has been learnt there."""
    listener = Listener(at_ns=start_ns)
    for step_s in steps:
        listener.tick(step_s=step_s)
        if listener.feed.ears[SPY].limit_s is None:
            assert not find_silences(listener.feed)
            assert listener.state(SPY) is State.CLOSED


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=30))
def test_a_halted_symbol_is_never_an_alarm(steps: list[tuple[int, bool]]) -> None:
    listener = learnt()
    listener.feed.halts.hear(Status("QQQ", listener.at_ns, "H"))
    for step_s, speaks in steps:
        listener.tick((SPY,) if speaks else (), step_s=step_s)
        if listener.feed.ears[QQQ].part is not None:
            assert listener.state(QQQ) is not State.SILENT
        assert not [key for key in listener.alarms if key.endswith("QQQ")]


# -- cases


def test_the_line_is_asked_about_once_and_not_each_of_its_streams() -> None:
    listener = learnt()
    listener.run(60)
    assert list(listener.alarms) == ["silent/iex"]
    assert listener.questions[0].whole
    assert {listener.state(SPY), listener.state(QQQ)} == {State.SILENT}
    listener.tick((SPY,))
    assert find_silences(listener.feed) == []


def test_one_that_is_silent_while_others_speak_is_asked_about_by_itself() -> None:
    listener = learnt(proof="nothing_missed", missed=frozenset({QQQ}))
    listener.run(60, (SPY,))
    assert list(listener.alarms) == ["silent/iex/trades/QQQ"]
    assert {question.streams for question in listener.questions} == {(QQQ,)}
    assert (listener.state(SPY), listener.state(QQQ)) == (State.LIVE, State.SILENT)


def test_a_quiet_one_is_asked_about_less_and_less_often() -> None:
    listener = learnt(proof="nothing_missed")
    listener.run(2400, (SPY,))
    assert listener.state(QQQ) is State.QUIET
    assert not listener.alarms
    assert len(listener.questions) <= 12, "15, 30, 60, 120, 240, and then every 300 s"


def test_what_arrives_while_history_was_asked_is_no_alarm() -> None:
    """History may hold what is still on its way on the line."""
    listener = learnt()
    listener.run(15)
    assert listener.questions
    listener.run(2)
    assert not listener.alarms, "it has three seconds to arrive"
    listener.tick((SPY,))
    assert not listener.alarms
    alone = learnt()
    alone.run(18)
    assert list(alone.alarms) == ["silent/iex"]


@pytest.mark.parametrize("beside", [(), (SPY,)])
def test_an_answer_that_took_long_is_none_to_a_later_question(beside: tuple[Stream, ...]) -> None:
    """What history held behind the first silence came by the line after all, and the second one is a lull."""
    listener = learnt(slow=True)
    listener.run(16, beside)
    listener.tick((SPY, QQQ))
    listener.run(16, beside)
    first, second = listener.questions
    proof: Proof = "missed"
    listener.feed.answer(first, proof if first.whole else dict.fromkeys(first.streams, proof), listener.at_ns)
    listener.run(5, beside)
    assert not listener.alarms
    listener.feed.answer(second, proof if second.whole else dict.fromkeys(second.streams, proof), listener.at_ns)
    listener.run(5, beside)
    assert listener.alarms


def test_where_history_cannot_say_it_takes_three_times_as_long() -> None:
    listener = learnt(proof="unknown")
    silent_ns = listener.at_ns
    listener.run(120)
    assert 44 <= (listener.alarms["silent/iex"] - silent_ns) / NS_PER_S <= 47


def test_where_history_cannot_say_nobody_is_woken_outside_regular_hours() -> None:
    listener = Listener(proof="unknown", at_ns=ny("2026-12-01T17:00"))
    listener.run(3600, (SPY, QQQ), every=10)
    assert listener.feed.ears[SPY].limit_s == 60
    listener.run(1800)
    assert listener.questions
    assert not listener.alarms
    listener.proof = "missed"
    listener.run(2000)
    assert list(listener.alarms) == ["silent/iex"], "and proof does"


def test_the_first_limit_of_a_day_begins_at_its_open_with_a_grace() -> None:
    listener = learnt(at_ns=ny("2026-11-30T15:50"))
    listener.at_ns = ny("2026-12-01T09:29:00")
    listener.run(60 + 30 + 14)
    assert not listener.questions
    listener.run(5)
    assert listener.questions


def test_a_stream_that_never_spoke_has_the_ceiling_from_its_subscription_on() -> None:
    listener = learnt(proof="nothing_missed", missed=frozenset({Stream(Kind.TRADES, "NEW")}))
    new = Stream(Kind.TRADES, "NEW")
    listener.counts[new] = 0
    listener.run(299, (SPY, QQQ))
    assert listener.state(new) is State.WAITING
    assert not listener.questions
    listener.run(10, (SPY, QQQ))
    assert list(listener.alarms) == ["silent/iex/trades/NEW"]


def test_an_outage_is_no_silence_and_teaches_nothing() -> None:
    listener = learnt()
    before = listener.feed.ears[SPY].cadences[listener.feed.ears[SPY].part or pytest.fail("open")].gaps
    listener.live = False
    listener.run(600)
    assert listener.state(SPY) is State.WAITING
    listener.live = True
    listener.run(14)
    listener.tick((SPY, QQQ))
    assert not listener.questions
    ear = listener.feed.ears[SPY]
    assert ear.part is not None
    assert ear.cadences[ear.part].gaps == before


def test_nothing_is_known_of_a_halt_after_an_outage() -> None:
    """Its resumption may have been told meanwhile, and no history keeps that: history decides about the stream."""
    listener = learnt()
    listener.feed.halts.hear(Status("QQQ", listener.at_ns, "H"))
    listener.run(5, (SPY,))
    listener.live = False
    listener.run(5)
    listener.live = True
    listener.run(40, (SPY,))
    assert list(listener.alarms) == ["silent/iex/trades/QQQ"]


@pytest.mark.parametrize("symbol", ["QQQ", ANY])
def test_nothing_is_known_of_a_halt_when_statuses_are_heard_no_more(symbol: str) -> None:
    statuses = Stream(Kind.STATUSES, symbol)
    listener = learnt(counts={SPY: 0, QQQ: 0, statuses: 0})
    listener.feed.halts.hear(Status("QQQ", listener.at_ns, "H"))
    listener.run(60, (SPY,))
    assert not listener.alarms
    del listener.counts[statuses]
    listener.run(30, (SPY,))
    assert list(listener.alarms) == ["silent/iex/trades/QQQ"]


def test_a_line_that_a_strategy_holds_up_is_not_silent() -> None:
    listener = learnt()
    listener.run(10)
    listener.read = False
    listener.run(600)
    listener.read = True
    listener.run(4)
    assert not listener.questions, "the clock stood still"
    listener.run(2)
    assert listener.questions


def test_a_named_canary_decides_and_without_it_the_fastest_does() -> None:
    quiet = Stream(Kind.TRADES, "SLOW")
    listener = Listener(WatchTuning(canary=("SLOW",)), counts={SPY: 0, quiet: 0})
    for _ in range(40):
        listener.run(9, (SPY,))
        listener.tick((SPY, quiet))
    assert listener.feed.canary == quiet
    assert (listener.feed.limit_s or 0) > 30
    del listener.counts[quiet]
    listener.tick((SPY,))
    assert listener.feed.canary == SPY


def test_lines_are_opened_again_three_times_an_hour_and_the_alarm_stands() -> None:
    listener = learnt()
    for _ in range(10):
        listener.run(120)
        listener.live = False
        listener.run(2)
        listener.live = True
    assert len(listener.recycled) == 3
    assert [finding.key for finding in find_silences(listener.feed)] == ["silent/iex"]
    kept = learnt(tuning=WatchTuning(recycle=False))
    kept.run(120)
    assert not kept.recycled
    assert "[watch] recycle is off" in find_silences(kept.feed)[0].text


def test_what_history_gave_after_the_line_was_opened_again_ends_the_alarm() -> None:
    """It was missed, it is here, and nothing more has happened since: the stream is quiet now, not silent."""
    listener = learnt(missed=frozenset({QQQ}), proof="nothing_missed")
    listener.run(30, (SPY,))
    assert listener.recycled
    listener.missed = frozenset()
    listener.run(40, (SPY,))
    assert find_silences(listener.feed) == []
    assert listener.state(QQQ) is State.QUIET


def test_a_line_that_its_feed_found_dead_is_an_alarm_until_it_speaks() -> None:
    listener = learnt()
    listener.mutes, listener.live = 1, False
    listener.tick()
    assert list(listener.alarms) == ["silent/iex"]
    listener.live = True
    listener.tick((SPY,))
    assert find_silences(listener.feed) == []


def test_even_if_it_speaks_again_before_the_next_look() -> None:
    listener = learnt()
    listener.mutes = 1
    listener.tick((SPY,))
    assert list(listener.alarms) == ["silent/iex"]
    listener.tick((SPY,))
    assert find_silences(listener.feed) == []


@pytest.mark.parametrize(("halt", "resume"), [("H", "T"), ("P", "T"), ("2", "3")])
def test_after_a_halt_silence_counts_from_the_resumption(halt: str, resume: str) -> None:
    listener = learnt(proof="nothing_missed", missed=frozenset({QQQ}))
    listener.feed.halts.hear(Status("QQQ", listener.at_ns, halt))
    listener.run(600, (SPY,))
    assert listener.state(QQQ) is State.HALTED
    listener.feed.halts.hear(Status("QQQ", listener.at_ns, resume))
    listener.run(14, (SPY,))
    assert not listener.alarms
    listener.run(10, (SPY,))
    assert list(listener.alarms) == ["silent/iex/trades/QQQ"]


def test_quotes_are_due_from_their_own_resumption_on_and_trades_end_a_halt() -> None:
    listener = learnt(counts={SPY: 0, QQQ: 0, SPY_QUOTES: 0}, proof="nothing_missed")
    halts = listener.feed.halts
    halts.hear(Status("SPY", listener.at_ns, "H"))
    halts.hear(Status("SPY", listener.at_ns, "Q"))
    listener.run(10, (QQQ,))
    assert (listener.state(SPY), listener.state(SPY_QUOTES)) == (State.HALTED, State.LIVE)
    listener.tick((SPY, QQQ))
    assert listener.state(SPY) is State.HALTED, "a late report of a trade from before it"
    listener.run(10, (QQQ,))
    listener.tick((SPY, QQQ))
    listener.tick((QQQ,))
    assert listener.state(SPY) is State.LIVE
    halts.hear(Status("QQQ", listener.at_ns, "Q"))
    halts.hear(Status("QQQ", listener.at_ns, "E"))
    assert not halts.halted(Kind.TRADES, "QQQ")


def test_what_owes_nothing_is_never_asked_about() -> None:
    statuses, news = Stream(Kind.STATUSES, ANY), Stream(Kind.NEWS, "SPY")
    listener = Listener(counts={statuses: 0, news: 0})
    listener.run(4000)
    assert not listener.questions
    assert listener.state(statuses) is State.WAITING
    listener.tick((statuses,))
    assert listener.state(statuses) is State.LIVE


def test_questions_about_many_streams_are_apart_and_of_one_kind_each() -> None:
    streams = [Stream(kind, f"S{n}") for n in range(150) for kind in (Kind.TRADES, Kind.QUOTES)]
    listener = learnt(counts={SPY: 0, **dict.fromkeys(streams, 0)}, proof="nothing_missed")
    listener.run(16, (SPY,))
    began = len(listener.questions)
    listener.run(3, (SPY,))
    assert len(listener.questions) == began
    listener.run(20, (SPY,))
    for question in listener.questions:
        assert len(question.streams) <= 100
        assert len({stream.kind for stream in question.streams}) == 1
    asked = [stream for question in listener.questions for stream in question.streams]
    assert set(asked) == set(streams)
