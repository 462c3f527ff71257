"""Health as a part beside a session: the loop's side of it, and the threads that are there as long as it.

The watchdog always runs. The port is opened where the settings name one, and systemd is told where it started us.
"""

import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing
from typing import Final

import trio
from attrs import evolve
from loguru import logger

from engine.app.beside.engine import Engine
from engine.app.beside.overview import Overview
from engine.app.config.health import HealthSettings
from engine.app.health.notify import Notifier
from engine.app.health.pulse import Pulse, Reading
from engine.app.health.signs import SignReader
from engine.app.health.stack import suspects_of
from engine.app.health.watchdog import Watchdog
from engine.core.health.verdict import Verdict, judge_health, judge_ready
from engine.errors import Misconfigured
from engine.model.alert import TITLE_CHARS_MAX, Finding, Severity

LOOK_EVERY_S: Final = 1.0
"""How often the loop leaves its signs, and systemd is told: some ten microseconds each time."""
CLOSE_WITHIN_S: Final = 2.0
"""For the threads to end; they are daemons, and hold up nothing where they do not."""
SOURCE: Final = "health"


def health_part(
    settings: HealthSettings,
    read: Callable[[Engine], Overview],
    *,
    redact: Callable[[str], str] = str,
    notifier: Callable[[], Notifier] = lambda: Notifier.of(os.environ),
) -> Callable[[Engine], Awaitable[None]]:
    """What `stand_beside` runs under the name ``health``. ``read`` makes the overview that metrics are made of.

    ``redact`` takes secrets out of reasons: they quote what venues and kill switches said.
    """

    async def run(engine: Engine) -> None:
        def reading() -> Reading:
            holes = engine.markets.holes
            gaps = {str(cause): count for cause, count in holes.causes.items()}
            return Reading(overview=read(engine), gaps=gaps, recovered=holes.closed)

        pulse = Pulse(read=reading, frozen_after_s=settings.frozen_after_s)
        stack = ExitStack()
        try:
            told = stack.enter_context(closing(notifier()))
            watchdog = stack.enter_context(Watchdog.here(pulse, lambda: suspects_of(engine.session.runs)))
            if settings.port is not None:
                open_port(stack, pulse, settings.host, settings.port, engine)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watchdog.serve, engine.alarms.tell, engine.markets.clock.now_ns)
                nursery.start_soon(pulse.serve)
                await look(engine, pulse, told, redact)
        finally:
            with trio.move_on_after(CLOSE_WITHIN_S, shield=True):
                await trio.to_thread.run_sync(stack.close, abandon_on_cancel=True)

    return run


def open_port(stack: ExitStack, pulse: Pulse, host: str, port: int, engine: Engine) -> None:
    """Serve health until the stack is closed. A port that cannot be opened is told of, and takes nothing else away: a
    supervisor that heard nothing because of it would end an engine that is well."""
    from engine.app.health.server import serve_health

    try:
        url = stack.enter_context(serve_health(pulse, host=host, port=port))
    except Misconfigured as failure:
        engine.alarms.tell(
            Finding(
                key=f"{SOURCE} port",
                severity=Severity.WARNING,
                title="The health port cannot be opened; trading goes on without it",
                text=str(failure),
                at_ns=engine.markets.clock.now_ns(),
            )
        )
    else:
        logger.info("{}", f"Health is at {url}/healthz, metrics are at {url}/metrics.")


async def look(engine: Engine, pulse: Pulse, told: Notifier, redact: Callable[[str], str]) -> None:
    """Leave the signs for those who ask, and tell systemd and the alarms what they come to, until cancelled."""
    signs = SignReader(engine)
    every_s = LOOK_EVERY_S if told.watchdog_s is None else min(LOOK_EVERY_S, told.watchdog_s / 4)
    told.ready()
    try:
        while True:
            read = signs.read()
            pulse.progress = evolve(read, missing=tuple(redact(reason) for reason in read.missing))
            # That this runs is the loop's own sign.
            health = judge_health(pulse.progress, beat_age_s=0.0, frozen_after_s=pulse.frozen_after_s)
            if health.ok:
                told.alive(trio.current_time())
            engine.alarms.hold(SOURCE, tuple(finding_of(*ill, engine) for ill in pulse.progress.late()))
            if engine.session.ended_by:
                told.stopping()
            told.status(describe(health, judge_ready(pulse.progress, health)))
            await trio.sleep(every_s)
    finally:
        if engine.session.ended_by:  # an end that took no time
            told.stopping()


def finding_of(task: str, reason: str, engine: Engine) -> Finding:
    """A task that does not get on."""
    return Finding(
        key=f"{SOURCE}/{task}",
        severity=Severity.CRITICAL,
        title=f"{task} does not get on"[:TITLE_CHARS_MAX],
        text=f"{reason}. Where systemd watches this engine, it is started again; else start it again yourself.",
        at_ns=engine.markets.clock.now_ns(),
    )


def describe(health: Verdict, ready: Verdict) -> str:
    """One line for ``systemctl status``."""
    if not health.ok:
        return f"ill: {'; '.join(health.reasons)}"
    return "ready" if ready.ok else f"not ready: {'; '.join(ready.reasons)}"
