"""The part in a session: systemd and the alarms hear what the signs come to, and the session waits for none of it."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import trio
from attrs import evolve

from engine import Context, strategy
from engine.app.beside.attach import stand_beside
from engine.app.beside.engine import Engine
from engine.app.beside.reading import read_overview
from engine.app.config.health import HealthSettings
from engine.app.health.notify import Notifier
from engine.app.health.part import health_part
from engine.app.health.signs import TICK_WITHIN_S
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions, Tuning
from engine.app.report import SessionReport
from engine.app.secrets import Secret
from engine.model.alert import Severity
from engine.testing.inline import run_inline
from engine.testing.simulated import SimulatedExchange

WATCHDOG_S = 10.0


@strategy()
async def reads(ctx: Context) -> None:
    async with ctx.trades("BTC/USD") as trades:
        async for _ in trades:
            pass


def drain(listener: socket.socket) -> list[str]:
    """All datagrams that are there."""
    told: list[str] = []
    with suppress(BlockingIOError):
        while True:
            told.append(listener.recv(4096).decode())
    return told


async def test_the_watchdog_hears_nothing_while_a_task_is_wedged_and_the_alarm_says_which(
    exchange: SimulatedExchange, kept_alarms: Any
) -> None:
    """The part ``watch:1`` ticks for 60 s, hangs until 180 s, and ticks again. Names have colons: ``crypto:us-1``."""
    heard: list[tuple[float, str]] = []
    alarms: list[tuple[float, list[str]]] = []

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0gapless-part-{os.getpid()}")
        listener.setblocking(False)

        async def listen(engine: Engine) -> None:
            began_s = trio.current_time()
            while True:
                await trio.sleep(0.5)
                at_s = trio.current_time() - began_s
                if not 60 < at_s < 180:
                    engine.ticks["watch:1"] = trio.current_time()
                alarms.append((at_s, [finding.key for finding in kept_alarms.held.get("health", [])]))
                heard.extend((at_s, told) for told in drain(listener))

        @asynccontextmanager
        async def attached(engine: Engine) -> AsyncIterator[None]:
            engine.alarms = kept_alarms
            environ = {"NOTIFY_SOCKET": f"@gapless-part-{os.getpid()}", "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
            # An hour: time is virtual, and a busy machine may take seconds of its own between two beats.
            settings = evolve(HealthSettings(), frozen_after_s=3600.0)
            health = health_part(settings, read_overview, notifier=lambda: Notifier.of(environ))
            async with stand_beside(engine, {"health": health, "listen": listen}):
                yield

        report = await run_live(
            RunOptions(
                strategies=(LoadedStrategy(reads, name="reads"),),
                for_s=240,
                key_id=Secret(exchange.key_id),
                secret=Secret(exchange.secret),
                attached=attached,
                tuning=Tuning(silence_s=600.0),
            ),
            exchange=exchange.running,
            run_sync=run_inline,
        )
        heard.extend((240.0, told) for told in drain(listener))

    assert isinstance(report, SessionReport)
    ill_s = 60 + TICK_WITHIN_S
    signs = [at_s for at_s, told in heard if told == "WATCHDOG=1"]
    assert [at_s for at_s in signs if ill_s + 2 < at_s < 179] == []
    well = [at_s for at_s in signs if at_s <= ill_s]
    assert len(well) >= ill_s / (WATCHDOG_S / 2) - 2
    assert [at_s for at_s in signs if at_s > 182], "and it hears again"
    assert heard[0][1] == "READY=1"
    assert heard[-1][1] == "STOPPING=1"
    assert any(told.startswith("STATUS=ill: watch:1: is running, and did nothing for 61 s") for _, told in heard)
    assert "STATUS=ready" in [told for _, told in heard]
    assert {key for at_s, keys in alarms for key in keys} == {"health/watch:1"}
    assert all(bool(keys) == (ill_s < at_s < 180) for at_s, keys in alarms if abs(at_s - ill_s) > 2 < abs(at_s - 180))
    assert kept_alarms.told == [], "the loop never stood still"


async def test_a_port_that_is_taken_ends_no_session_and_systemd_hears_of_it_all_the_same(
    exchange: SimulatedExchange, kept_alarms: Any
) -> None:
    environ = {"NOTIFY_SOCKET": f"@gapless-taken-{os.getpid()}", "WATCHDOG_USEC": "2000000"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener, socket.socket() as taken:
        listener.bind(f"\0gapless-taken-{os.getpid()}")
        listener.setblocking(False)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = HealthSettings(port=taken.getsockname()[1])

        @asynccontextmanager
        async def attached(engine: Engine) -> AsyncIterator[None]:
            engine.alarms = kept_alarms
            health = health_part(settings, read_overview, notifier=lambda: Notifier.of(environ))
            async with stand_beside(engine, {"health": health}):
                yield

        report = await run_live(
            RunOptions(
                strategies=(LoadedStrategy(reads, name="reads"),),
                for_s=5,
                key_id=Secret(exchange.key_id),
                secret=Secret(exchange.secret),
                attached=attached,
            ),
            exchange=exchange.running,
            run_sync=run_inline,
        )
        heard = drain(listener)
    assert report.ended_by == "for"
    assert heard[0] == "READY=1"
    assert heard.count("WATCHDOG=1") >= 4
    (found,) = kept_alarms.told
    assert found.key == "health port"
    assert found.severity is Severity.WARNING
    assert "--health-port" in found.text
