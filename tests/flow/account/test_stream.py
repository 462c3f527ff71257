"""Law: both roads are opened again by policy, the listener is told in order, and what no restart mends is loud."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
import trio
from attrs import define, field

from engine.core.restart import RestartPolicy
from engine.errors import BudgetSpent, GaplessError, KeysRefused, LineLost, SessionHeld
from engine.flow.account.stream import EVENTS, STREAM, AccountStream, AccountTuning
from engine.flow.clock import MarketClock
from engine.model.control import Connected, Lost
from engine.ports import AccountMessage

Script = Sequence[AccountMessage | GaplessError]


def message(event_id: str) -> AccountMessage:
    return AccountMessage(update=None, event_id=event_id)


@define(eq=False)
class Road:
    """Brings what its script says, one a second, and stays where that ends without an error. A line and a replay."""

    script: Iterator[AccountMessage | GaplessError]
    closed: bool = False
    more: trio.Event = field(factory=trio.Event)

    async def receive(self) -> tuple[AccountMessage, ...]:
        await trio.sleep(1)
        for said in self.script:
            if isinstance(said, GaplessError):
                raise said
            return (said,)
        await self.more.wait()
        return (message("more"),)

    def __aiter__(self) -> "Road":
        return self

    async def __anext__(self) -> AccountMessage:
        return (await self.receive())[0]

    async def aclose(self) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()


@define(eq=False)
class Scripted:
    """An account feed: a script for each line, an error where one cannot be opened, and a script for each replay."""

    lines: Sequence[Script | GaplessError]
    replays: Sequence[Script] | None = None
    marks: list[str] = field(factory=list)
    roads: list[Road] = field(factory=list)
    opened: int = 0
    name: str = "account"
    line: Road | None = None

    async def say(self) -> None:
        """One more message on the line that stands, two seconds from now."""
        await trio.sleep(2)
        assert self.line is not None
        self.line.more.set()

    @asynccontextmanager
    async def open_line(self) -> AsyncIterator[Road]:
        script = self.lines[min(self.opened, len(self.lines) - 1)]
        self.opened += 1
        await trio.sleep(0.1)
        if isinstance(script, GaplessError):
            raise script
        self.line = Road(iter(script))
        yield self.line

    def replay(self, since_id: str) -> Road | None:
        if self.replays is None:
            return None
        road = Road(iter(self.replays[min(len(self.marks), len(self.replays) - 1)]))
        self.marks.append(since_id)
        self.roads.append(road)
        return road


@define(eq=False)
class Diary:
    """The listener: what it was told, in order."""

    told: list[Any] = field(factory=list)
    mark: str = ""

    def hear(self, messages: Sequence[AccountMessage], source: str) -> None:
        for each in messages:
            self.told.append((source, each.event_id))
            self.mark = each.event_id if source == EVENTS else self.mark

    def account_connected(self) -> None:
        self.told.append("connected")

    def account_lost(self, failure: GaplessError, retry_in_s: float) -> None:
        self.told.append(("lost", str(failure), retry_in_s > 0))

    def events_mark(self) -> str:
        return self.mark


@define(eq=False)
class Watched:
    """A stream and all that it says."""

    feed: Scripted
    restarts_max: int = 60
    diary: Diary = field(factory=Diary)
    sentences: list[str] = field(factory=list)
    notices: list[Any] = field(factory=list)

    def stream(self) -> AccountStream:
        policy = RestartPolicy(restarts_max=self.restarts_max, healthy_after_s=1e6)
        return AccountStream(
            feed=self.feed,
            listener=self.diary,
            clock=MarketClock(None, lambda: int(trio.current_time() * 1e9)),
            random=Random(1),
            report=self.sentences.append,
            announce=self.notices.append,
            tuning=AccountTuning(restart=policy, replay_restart=policy),
        )

    async def run_for(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self.stream().run()


LOST = LineLost("the line is gone")


async def test_the_listener_is_told_in_the_order_of_events(autojump_clock: Any) -> None:
    watched = Watched(Scripted([[message("1"), LOST], LOST, [message("2")]]))
    await watched.run_for(60)
    lost = ("lost", "the line is gone", True)
    assert watched.diary.told == ["connected", (STREAM, "1"), lost, lost, "connected", (STREAM, "2")]
    assert [type(notice) for notice in watched.notices] == [Connected, Lost, Lost, Connected]


async def test_the_mark_is_asked_for_at_each_connection_of_the_replay(autojump_clock: Any) -> None:
    watched = Watched(Scripted([[]], [[message("1"), message("2"), LOST], [LOST], [message("3"), LOST], []]))
    await watched.run_for(60)
    assert watched.feed.marks == ["", "2", "2", "3"]
    assert watched.diary.told == ["connected", (EVENTS, "1"), (EVENTS, "2"), (EVENTS, "3")]
    assert len(watched.sentences) == 1  # the same reason three times
    assert all(road.closed for road in watched.feed.roads)


async def test_a_venue_without_a_replay_is_asked_once_and_the_line_lives(autojump_clock: Any) -> None:
    watched = Watched(Scripted([[message("1"), message("2")]]))
    await watched.run_for(60)
    assert watched.diary.told == ["connected", (STREAM, "1"), (STREAM, "2")]
    assert watched.sentences == []


@pytest.mark.parametrize(
    "feed",
    [
        Scripted([KeysRefused("no")]),
        Scripted([[message("1"), KeysRefused("no")]]),
        Scripted([[]], [[message("1"), KeysRefused("no")]]),
    ],
)
async def test_what_a_person_has_to_mend_ends_it_by_whichever_road_it_comes(
    feed: Scripted, autojump_clock: Any
) -> None:
    watched = Watched(feed)
    stream = watched.stream()
    with pytest.raises(KeysRefused, match="no"), trio.fail_after(60):
        await stream.run()
    assert stream.state == "stopped"


async def test_a_spent_budget_is_loud(autojump_clock: Any) -> None:
    watched = Watched(Scripted([LOST]), restarts_max=3)
    with pytest.raises(BudgetSpent, match="account: gave up after 3 restarts"), trio.fail_after(60):
        await watched.stream().run()
    assert watched.feed.opened == 4


async def test_a_held_session_is_waited_out_however_small_the_budget(autojump_clock: Any) -> None:
    held: list[Script | GaplessError] = [SessionHeld("held")] * 8
    watched = Watched(Scripted([*held, []]), restarts_max=1)
    await watched.run_for(300)
    assert watched.feed.opened == 9
    assert watched.diary.told[-1] == "connected"


async def test_a_listener_that_raises_is_never_a_stream_that_is_deaf(autojump_clock: Any) -> None:
    class Broken(Diary):
        def hear(self, messages: Sequence[AccountMessage], source: str) -> None:
            raise ZeroDivisionError

    watched = Watched(Scripted([[message("1")]]), diary=Broken())
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True), trio.fail_after(60):
        await watched.stream().run()


@pytest.mark.parametrize(
    ("happened_s", "late", "opened"), [(50, False, 2), (57, False, 2), (57, True, 1), (0.5, False, 1)]
)
async def test_a_line_that_did_not_tell_what_the_broker_shows_is_opened_again(
    autojump_clock: Any, happened_s: float, late: bool, opened: int
) -> None:
    """Asked at 60 s: what is on its way is waited for, what is older than the last word may be of before the line."""
    watched = Watched(Scripted([[message("1")], []]))
    stream, began_s = watched.stream(), trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.run)
        await trio.sleep(60)
        stream.look_untold(int((began_s + happened_s) * 1e9))
        if late:
            await watched.feed.say()
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    assert watched.feed.opened == opened
    assert [type(notice) for notice in watched.notices] == [Connected, Lost, Connected][: 2 * opened - 1]
