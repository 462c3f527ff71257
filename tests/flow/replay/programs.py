"""Random strategies: small programs of everything that a strategy can do, and who carries them out."""

import math
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import trio
from attrs import define, field
from hypothesis import strategies as st

from engine.core.overflow import Full
from engine.flow.context import StrategyContext
from engine.model.market import Kind, MarketEvent
from engine.model.stream import ANY, Stream
from tests.flow.replay.made import NS, START_NS, Floor, quote, trade

Op: TypeAlias = tuple[Any, ...]

STREAMS = [Stream(kind, symbol) for kind in (Kind.TRADES, Kind.QUOTES) for symbol in ("A", "B")]
GAPS_S = [0.0, 0.0, 1e-9, 1e-3, 0.25, 0.5, 1.0, 7.0]
"""Multiples of a quarter of a second meet deadlines at the same instant; ties have none between them."""
SLEEPS_S = [0.0, 0.25, 0.5, 1.0, 3.0]


@st.composite
def tapes(draw: st.DrawFn) -> list[MarketEvent]:
    """Some dozens of events of four streams, often many of one in a row."""
    events: list[MarketEvent] = []
    at_s = 0.0
    for kind, symbol, times, gap_s in draw(
        st.lists(
            st.tuples(st.sampled_from("tq"), st.sampled_from("AAB"), st.integers(1, 30), st.sampled_from(GAPS_S)),
            min_size=1,
            max_size=6,
        )
    ):
        for _ in range(times):
            make = trade if kind == "t" else quote
            events.append(make(len(events), at_s, symbol))
            at_s += gap_s
    return events


def ops(*, sharing: bool) -> st.SearchStrategy[Op]:
    """One step of a program; with ``sharing`` tasks wake and cancel one another."""
    sleeps = st.sampled_from(SLEEPS_S)
    plain = [
        st.tuples(st.just("now")),
        st.tuples(st.just("now")),
        st.tuples(st.just("checkpoint")),
        st.tuples(st.just("sleep"), sleeps),
        st.tuples(st.just("at"), st.sampled_from([0.0, 0.25, 1.0, 2.000000001, 10.0])),
        st.tuples(st.just("decide"), st.sampled_from("abc")),
        st.tuples(st.just("order"), st.integers(1, 12)),
        st.tuples(st.just("books")),
        st.tuples(st.just("history")),
        st.tuples(st.just("cancel")),
        st.tuples(st.just("deadline"), st.sampled_from([0.0, 0.25, 1.0, math.inf])),
        st.tuples(st.just("shield")),
        st.tuples(st.just("leave")),
    ]
    if sharing:
        plain += [
            st.tuples(st.just("set"), st.integers(0, 1)),
            st.tuples(st.just("wait"), st.integers(0, 1)),
            st.tuples(st.just("cancel_all")),
        ]
    return st.recursive(st.one_of(plain), lambda inner: nested(st.lists(inner, max_size=3).map(tuple)), max_leaves=8)


def nested(body: st.SearchStrategy[tuple[Op, ...]]) -> st.SearchStrategy[Op]:
    """Steps with a program of their own inside."""
    return st.one_of(
        reads(body),
        reads(body),
        st.tuples(st.just("every"), st.sampled_from([0.5, 1.0]), st.integers(1, 4), body),
        st.tuples(st.just("within"), st.sampled_from([0.0, 0.25, 1.0, 5.0]), body),
        st.tuples(st.just("together"), st.lists(body, min_size=1, max_size=3).map(tuple)),
        st.tuples(st.just("spawn"), body),
    )


def reads(body: st.SearchStrategy[tuple[Op, ...]]) -> st.SearchStrategy[Op]:
    """A subscription that is read for a while; each event is followed by one step of the body, then some by none."""
    streams = st.lists(st.sampled_from([*STREAMS, Stream(Kind.TRADES, ANY)]), min_size=1, max_size=2, unique=True)
    return st.tuples(
        st.just("read"),
        streams.map(tuple),
        st.sampled_from(["block", "latest", "drop_oldest", "fail"]),
        st.sampled_from([2, 1000]),
        st.sampled_from(["one", "one", "batch", "merge"]),
        st.sampled_from([5, 1000, 1000]),
        st.integers(0, 12),
        body,
    )


def programs(*, sharing: bool) -> st.SearchStrategy[tuple[Op, ...]]:
    """A strategy: mostly one that reads, with something around it."""
    inner = st.lists(ops(sharing=sharing), max_size=3).map(tuple)
    return st.tuples(reads(inner), ops(sharing=sharing)) | st.lists(ops(sharing=sharing), max_size=3).map(tuple)


class Leave(Exception):
    """The innermost subscription is left."""


@define(eq=False)
class Player:
    """Carries out one program. What it notes begins with its own path, since tasks note at the same instant."""

    floor: Floor
    name: str
    context: StrategyContext = field(init=False)
    events: list[trio.Event] = field(factory=lambda: [trio.Event(), trio.Event()])
    decisions: list[tuple[int, str]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.context = self.floor.context(self.name)

    def note(self, *what: Any) -> None:
        self.floor.note(self.name, *what)

    async def play(self, program: Sequence[Op]) -> None:
        """All of it, whatever it raises on the way."""
        try:
            async with trio.open_nursery() as nursery:
                with trio.CancelScope() as scope:
                    await self.steps(program, "", scope, nursery)
        except BaseExceptionGroup as group:
            self.note("raised", sorted(type(leaf).__name__ for leaf in _leaves(group)))
            if group.subgroup(trio.Cancelled) is not None:
                raise

    async def steps(self, program: Sequence[Op], path: str, scope: trio.CancelScope, nursery: trio.Nursery) -> None:
        for number, op in enumerate(program):
            await self.step(op, f"{path}{number}", scope, nursery)

    async def step(self, op: Op, path: str, scope: trio.CancelScope, nursery: trio.Nursery) -> None:
        do: Callable[..., Any] = getattr(self, f"do_{op[0]}")
        try:
            await do(*op[1:], path=path, scope=scope, nursery=nursery)
        finally:
            self.note(path, op[0], "done")

    async def do_now(self, path: str, **_: Any) -> None:
        self.note(path, self.context.now_ns(), trio.current_time(), trio.current_effective_deadline())

    async def do_checkpoint(self, **_: Any) -> None:
        await trio.lowlevel.checkpoint()

    async def do_sleep(self, seconds: float, **_: Any) -> None:
        await trio.sleep(seconds)

    async def do_at(self, seconds: float, **_: Any) -> None:
        await self.context.at(START_NS + round(seconds * NS))

    async def do_decide(self, what: str, path: str, **_: Any) -> None:
        await self.floor.turn.pass_(self.name, what)
        self.decisions.append((self.context.now_ns(), what))
        self.note(path, "decided", what)

    async def do_order(self, events: int, path: str, **_: Any) -> None:
        await self.do_decide(f"order {events}", path)
        filled = self.floor.matching.place(events)
        with trio.move_on_after(20):
            await filled.wait()
        self.note(path, "filled", filled.is_set())

    async def do_books(self, path: str, **_: Any) -> None:
        rows = self.floor.markets.fanout.channels()
        self.note(path, sorted(map(repr, self.floor.markets.books.read(rows).items())))

    async def do_history(self, path: str, **_: Any) -> None:
        rows = (
            await self.context.history(Kind.TRADES, "A", START_NS)
            if self.context.market.history_of(STREAMS[0]).keeps(Kind.TRADES)
            else []
        )  # type: ignore[union-attr] # a tape has one
        self.note(path, [row.ts_ns for row in rows])

    async def do_cancel(self, scope: trio.CancelScope, **_: Any) -> None:
        scope.cancel()

    async def do_deadline(self, seconds: float, scope: trio.CancelScope, **_: Any) -> None:
        scope.deadline = trio.current_time() + seconds

    async def do_shield(self, path: str, scope: trio.CancelScope, **_: Any) -> None:
        with trio.CancelScope(shield=True):  # noqa: ASYNC100 - a look from inside
            scope.cancel()
            self.note(path, trio.current_effective_deadline())

    async def do_leave(self, **_: Any) -> None:
        raise Leave

    async def do_set(self, which: int, **_: Any) -> None:
        self.events[which].set()
        self.events[which] = trio.Event()

    async def do_wait(self, which: int, **_: Any) -> None:
        with trio.move_on_after(2):
            await self.events[which].wait()

    async def do_cancel_all(self, nursery: trio.Nursery, **_: Any) -> None:
        nursery.cancel_scope.cancel()

    async def do_read(
        self,
        streams: tuple[Stream, ...],
        full: Full,
        capacity: int,
        how: str,
        most: int,
        bare: int,
        body: Sequence[Op],
        path: str,
        nursery: trio.Nursery,
        **_: Any,
    ) -> None:
        with trio.CancelScope() as scope:  # noqa: ASYNC912 - a body may be empty
            try:
                async with AsyncExitStack() as stack:
                    opening = self.context.streams(*streams, full=full, capacity=capacity, gaps=True)
                    source = await stack.enter_async_context(opening)
                    if how == "merge":
                        source = await stack.enter_async_context(self.context.merge(source))
                    await self._read_all(source, how, most, bare, body, path, scope, nursery)
            except Leave:
                self.note(path, "left")

    async def _read_all(self, source: Any, how: str, most: int, bare: int, body: Sequence[Op], *rest: Any) -> None:
        path, scope, nursery = rest
        number = 0
        while number < most:
            try:
                items = await source.batch() if how == "batch" else [await source.__anext__()]
            except StopAsyncIteration:
                return
            for item in items:
                self.note(path, repr(item))
            turn = number % (len(body) + bare or 1) - bare
            if 0 <= turn < len(body):
                await self.step(body[turn], f"{path}/{turn}", scope, nursery)
            number += 1

    async def do_every(self, seconds: float, times: int, body: Sequence[Op], path: str, **where: Any) -> None:
        try:
            async with self.context.every(seconds) as ticks:
                for number in range(times):
                    self.note(path, await ticks.__anext__())
                    if body:
                        await self.step(body[number % len(body)], f"{path}.", **where)
        except (Leave, StopAsyncIteration):
            self.note(path, "left")

    async def do_within(self, seconds: float, body: Sequence[Op], path: str, nursery: trio.Nursery, **_: Any) -> None:
        with trio.move_on_after(seconds) as scope:
            await self.steps(body, f"{path}-", scope, nursery)
        self.note(path, scope.cancelled_caught)

    async def do_together(self, bodies: Sequence[Sequence[Op]], path: str, **_: Any) -> None:
        async with trio.open_nursery() as nursery:
            for number, body in enumerate(bodies):
                nursery.start_soon(self._alone, body, f"{path}[{number}]", nursery)

    async def do_spawn(self, body: Sequence[Op], path: str, nursery: trio.Nursery, **_: Any) -> None:
        nursery.start_soon(self._alone, body, f"{path}!", nursery)

    async def _alone(self, body: Sequence[Op], path: str, nursery: trio.Nursery) -> None:
        with trio.CancelScope() as scope:  # noqa: ASYNC912 - a body may be empty
            try:
                await self.steps(body, path, scope, nursery)
            except Leave:
                self.note(path, "left")


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
