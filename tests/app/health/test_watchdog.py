"""A loop that really stands still is named while it does: which strategy, which line; and told once it is over."""

import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field

from engine import CallbackStrategy, Context, plug, strategy
from engine.app.health.pulse import Pulse, Reading
from engine.app.health.stack import LIBRARIES, look_at, suspects_of
from engine.app.health.watchdog import BEAT_EVERY_S, SENTENCES_MAX, Watchdog
from engine.core.health.standstill import Frame, Stack, Suspect, find_blame
from engine.model.alert import Finding, Severity
from strategies.sma_cross import sma_cross

LIMIT_S = 0.5
HERE = Suspect(strategy="blocking", file=__file__)


def reading() -> Reading:
    """Figures that nobody asks for."""
    raise AssertionError("nobody asks")


@define
class Told:
    """What was said while it lasted, and what was told behind it."""

    said: list[str] = field(factory=list)
    found: list[Finding] = field(factory=list)


@contextmanager
def watching(told: Told, *suspects: Suspect, limit_s: float = LIMIT_S) -> Iterator[Watchdog]:
    """A watchdog of this loop."""
    pulse = Pulse(read=reading, frozen_after_s=limit_s)
    with Watchdog.here(pulse, lambda: suspects) as watchdog:
        watchdog.say = told.said.append
        yield watchdog


async def block(task: Callable[[], Awaitable[None]], name: str, *suspects: Suspect) -> Told:
    """Run a task under this name, and watch the loop until it has beaten again."""
    told = Told()
    with watching(told, *suspects) as watchdog:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watchdog.serve, told.found.append, lambda: 5)
            await trio.sleep(0.2 * BEAT_EVERY_S)
            async with trio.open_nursery() as inner:  # noqa: ASYNC112 - the task has to have a name
                inner.start_soon(task, name=name)
            await trio.sleep(2 * BEAT_EVERY_S)
            nursery.cancel_scope.cancel()
    return told


def sleep_here(seconds: float) -> None:
    """Blocks whoever calls it."""
    time.sleep(seconds)  # the line


async def blocks() -> None:
    """A strategy that blocks."""
    await trio.lowlevel.checkpoint()
    sleep_here(2.2 * LIMIT_S)


async def blocks_in_a_task() -> None:
    """A strategy whose own nursery has a task that blocks."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(blocks)
        nursery.start_soon(trio.sleep, 0.01)


async def computes() -> None:
    """A strategy that does not sleep, but works."""
    await trio.lowlevel.checkpoint()
    until_s = time.monotonic() + 2.2 * LIMIT_S
    while time.monotonic() < until_s:
        pass


def line_of(text: str) -> int:
    """Where in this file."""
    return next(
        number
        for number, line in enumerate(Path(__file__).read_text().splitlines(), 1)
        if line.strip().startswith(text)
    )


@pytest.mark.slow
async def test_the_strategy_and_the_line_are_said_while_it_blocks() -> None:
    told = await block(blocks_in_a_task, "strategy sma_cross", HERE, Suspect(strategy="sma_cross", file=__file__))
    (said,) = told.said
    assert "strategy sma_cross blocks it at " in said
    assert f"{__file__}:{line_of('time.sleep(seconds)')} (time.sleep(seconds)  # the line)" in said
    (found,) = told.found
    assert found.key == "frozen/sma_cross"
    assert found.severity is Severity.WARNING
    assert found.at_ns == 5
    assert f":{line_of('time.sleep(seconds)')}" in found.text


@pytest.mark.slow
async def test_a_strategy_that_computes_is_named_as_well() -> None:
    told = await block(computes, "strategy busy", Suspect(strategy="busy", file=__file__))
    assert "strategy busy blocks it at " in told.said[0]
    first, last = line_of("until_s = "), line_of("pass")
    assert any(f":{number} (" in told.said[0] for number in range(first, last + 1))


@pytest.mark.slow
async def test_a_loop_that_goes_round_is_never_named() -> None:
    told = Told()
    with watching(told, HERE, limit_s=2.0) as watchdog:
        first_s = watchdog.pulse.beat_s
        with trio.move_on_after(1.0):
            await watchdog.serve(told.found.append, lambda: 5)
        assert watchdog.pulse.beat_s > first_s + 2 * BEAT_EVERY_S, "it beats"
    assert told.said == []
    assert told.found == []


def by_hand(hands: Any, told: Told, at: Callable[[], Stack]) -> Watchdog:
    """A watchdog without a thread, on a clock that is moved."""
    kept: list[Watchdog] = []

    async def build() -> None:
        pulse = Pulse(read=reading, frozen_after_s=2.0, clock_s=hands)
        kept.append(Watchdog(pulse=pulse, suspects=lambda: [HERE], look=at, say=told.said.append))

    trio.run(build)
    return kept[0]


MINE = Stack(frames=(Frame(__file__, 1, "blocking", "time.sleep(1)"),), strategy="blocking")


def test_one_standstill_is_one_sentence_however_long_it_lasts(hands: Any) -> None:
    told = Told()
    watchdog = by_hand(hands, told, lambda: MINE)
    for _ in range(20):
        hands.now_s += 1.0
        watchdog.examine(hands.now_s)
    assert len(told.said) == 1
    assert "3.0 s" in told.said[0], "as soon as it is longer than it may be"


def test_sentences_are_bounded_and_the_rest_is_counted(hands: Any) -> None:
    told = Told()
    watchdog = by_hand(hands, told, lambda: MINE)
    for _ in range(SENTENCES_MAX + 7):
        hands.now_s += 3.0
        watchdog.examine(hands.now_s)
        watchdog.pulse.beat()
    assert len(told.said) == SENTENCES_MAX
    assert watchdog.unsaid == 7
    hands.now_s += 3600.0
    watchdog.examine(hands.now_s)
    assert len(told.said) == SENTENCES_MAX + 1


def test_a_loop_that_comes_back_while_it_is_looked_at_is_not_blamed_on_what_was_seen(hands: Any) -> None:
    told = Told()

    def look() -> Stack:
        watchdog.pulse.beat()
        return MINE

    watchdog = by_hand(hands, told, look)
    hands.now_s += 3.0
    watchdog.examine(hands.now_s)
    assert told.said == []


async def test_the_stack_of_a_thread_is_bounded_and_of_a_thread_that_is_gone_empty() -> None:
    def deep(left: int) -> Stack:
        return deep(left - 1) if left else look_at(threading.get_ident(), None)

    assert len(deep(500).frames) == 200
    assert look_at(-1, None) == Stack(frames=(), libraries=LIBRARIES)


@define
class Run:
    """As much of a strategy's run as is looked at."""

    strategy: Any
    name: str = "one"
    state: str = "running"


@strategy()
async def plain(ctx: Context) -> None:
    """A function."""


class CallsBack(CallbackStrategy):
    """A class: what runs is the engine's, and its lines are wherever it is written."""


def test_what_runs_is_suspected_with_the_file_that_it_is_in() -> None:
    runs: list[Any] = [Run(plain), Run(plug(CallsBack), "two"), Run(plain, "three", "failed"), Run(sma_cross, "four")]
    one, two, four = suspects_of(runs)
    assert (one.strategy, one.file) == ("one", __file__)
    assert two == Suspect(strategy="two", file="", folder="")
    assert (Path(four.file).name, Path(four.folder).name) == ("sma_cross.py", "strategies")
    mine = Frame("/me/bot.py", 5, "on_bar", "crunch()")
    seen = Stack(
        frames=(mine, Frame(f"{LIBRARIES[-1]}ports/callbacks.py", 100, "run")), strategy="two", libraries=LIBRARIES
    )
    assert find_blame(seen, [one, two, four]).at == mine
