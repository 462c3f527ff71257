"""Threads get the figures from the loop while it answers, the last ones while it does not, and never wait for long."""

import threading
import time
from typing import Any

import trio
from attrs import define, field

from engine.app.beside.overview import Overview
from engine.app.health.pulse import READ_WITHIN_S, Pulse, Reading
from engine.core.health.verdict import Progress


@define
class Figures:
    """Gives figures, and counts how often."""

    count: int = 0
    failing: bool = False
    readers: list[int] = field(factory=list)

    def __call__(self) -> Reading:
        self.readers.append(threading.get_ident())
        self.count += 1
        if self.failing:
            raise ZeroDivisionError("as planned")
        return Reading(
            overview=Overview(
                version="1", pid=self.count, session="s", venue="exchange", now="", uptime_s=1.0, phase="core"
            )
        )


async def test_a_thread_gets_figures_that_were_read_on_the_loop(nursery: trio.Nursery) -> None:
    figures = Figures()
    pulse = Pulse(read=figures, frozen_after_s=2.0)
    nursery.start_soon(pulse.serve)
    reading = await trio.to_thread.run_sync(pulse.ask)
    assert reading is not None
    assert reading.overview.pid == 1
    assert figures.readers == [threading.get_ident()]
    assert pulse.vitals().reading_age_s is not None


async def test_however_many_ask_the_loop_reads_once_a_second(nursery: trio.Nursery, hands: Any) -> None:
    figures = Figures()
    pulse = Pulse(read=figures, frozen_after_s=2.0, clock_s=hands)
    nursery.start_soon(pulse.serve)
    async with trio.open_nursery() as askers:
        for _ in range(20):
            askers.start_soon(trio.to_thread.run_sync, pulse.ask)
    assert figures.count == 1
    hands.now_s += 1.0
    pulse.beat()
    await trio.to_thread.run_sync(pulse.ask)
    assert figures.count == 2


async def test_figures_that_cannot_be_read_leave_the_last_ones_and_health(nursery: trio.Nursery, hands: Any) -> None:
    figures, said = Figures(), list[str]()
    pulse = Pulse(read=figures, frozen_after_s=2.0, clock_s=hands, progress=Progress(at_s=0.0), say=said.append)
    nursery.start_soon(pulse.serve)
    first = await trio.to_thread.run_sync(pulse.ask)
    figures.failing = True
    for _ in range(2):
        hands.now_s += 1.5
        pulse.beat()
        assert await trio.to_thread.run_sync(pulse.ask) == first
    assert said == ["The figures for /metrics cannot be read, so it has those of before: ZeroDivisionError: as planned"]
    assert pulse.vitals().reading_age_s == 3.0
    assert pulse.vitals().health.ok


async def test_while_the_loop_stands_still_a_thread_has_the_last_figures_at_once(
    nursery: trio.Nursery, hands: Any
) -> None:
    figures = Figures()
    pulse = Pulse(read=figures, frozen_after_s=2.0, clock_s=hands, progress=Progress(at_s=0.0))
    nursery.start_soon(pulse.serve)
    first = await trio.to_thread.run_sync(pulse.ask)
    hands.now_s += 5.0  # no beat
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.extend([pulse.ask(), pulse.vitals()]))
    thread.start()
    thread.join(READ_WITHIN_S)  # the loop does stand still here
    assert told[0] == first
    vitals = told[1]
    assert not vitals.health.ok
    assert vitals.standing
    assert (vitals.stood, vitals.stood_s) == (1, 5.0)
    assert pulse.beat() == 5.0
    assert pulse.vitals().health.ok


async def test_a_loop_that_does_not_answer_is_waited_for_at_most_a_second() -> None:
    pulse = Pulse(read=Figures(), frozen_after_s=60.0)  # and nobody serves it
    began_s = time.monotonic()
    assert await trio.to_thread.run_sync(pulse.ask) is None
    assert READ_WITHIN_S <= time.monotonic() - began_s < READ_WITHIN_S + 1.0


def test_after_the_loop_has_ended_there_are_the_last_figures() -> None:
    kept: list[Pulse] = []

    async def loop() -> None:
        kept.append(Pulse(read=Figures(), frozen_after_s=60.0))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kept[0].serve)
            await trio.to_thread.run_sync(kept[0].ask)
            nursery.cancel_scope.cancel()

    trio.run(loop)
    reading = kept[0].ask()
    assert reading is not None
