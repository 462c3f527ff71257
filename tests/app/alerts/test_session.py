"""A session tells what happened to it: a strategy that ended, the kill switch, alarms of the desk, and its own end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio

from engine import Context, Strategy, strategy
from engine.app.alerts.channels import Channel
from engine.app.alerts.findings import finding_of, headline
from engine.app.alerts.open import open_alerts
from engine.app.beside.engine import Attached, Engine
from engine.app.config.alerts import AlertSettings
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.app.secrets import Secret
from engine.app.watching import serve_watch
from engine.core.alerts import Notice
from engine.errors import GaplessError
from engine.flow.account.killswitch import ACCOUNT
from engine.model.alert import TITLE_CHARS_MAX, Alarm, Severity
from engine.model.control import Alarm as LineAlarm
from engine.model.control import Connected, Halted
from engine.testing.inline import run_inline
from engine.testing.simulated import SimulatedExchange

pytestmark = pytest.mark.exchange(symbols="SPY", events_per_s=2)

CHANNEL = Channel("phone", Secret("json://phone"))
Told = list[Notice]


def attaching(told: Told, during: Callable[[Engine], Awaitable[None]] | None = None, **more: object) -> Attached:
    async def send(_: Channel, notice: Notice) -> None:
        await trio.lowlevel.checkpoint()
        told.append(notice)

    @asynccontextmanager
    async def attached(engine: Engine) -> AsyncIterator[None]:
        async with (
            open_alerts(engine, AlertSettings(), (CHANNEL,), send=send, **more),
            trio.open_nursery() as nursery,
        ):
            if during is not None:
                nursery.start_soon(during, engine)
            yield
            nursery.cancel_scope.cancel()

    return attached


async def hold(exchange: SimulatedExchange, plugged: Strategy, attached: Attached, for_s: float = 30.0) -> None:
    options = RunOptions(
        (LoadedStrategy(plugged, name=plugged.name),),
        for_s=for_s,
        key_id=Secret(exchange.key_id),
        secret=Secret(exchange.secret),
        attached=attached,
    )
    await run_live(options, exchange=exchange.running, run_sync=run_inline)


@strategy()
async def crash(ctx: Context) -> None:
    async with ctx.quotes("SPY") as quotes:
        async for _ in quotes:
            raise ValueError("it never worked with hunter2-secret")


@strategy()
async def watch(ctx: Context) -> None:
    async with ctx.quotes("SPY") as quotes:
        async for _ in quotes:
            pass


@strategy()
async def trader(ctx: Context) -> None:
    async with ctx.orders(on_exit="leave"), ctx.quotes("SPY") as quotes:
        async for _ in quotes:
            pass


async def test_a_strategy_that_ended_is_told_without_a_secret_of_the_session(exchange: SimulatedExchange) -> None:
    told: Told = []
    redacted = attaching(told, redact=lambda text: text.replace("hunter2-secret", "*******"))
    await hold(exchange, crash, redacted)
    (notice,) = told
    assert notice.title.startswith("CRITICAL: Strategy crash has ended: ValueError: it never worked with *******")
    assert "hunter2-secret" not in f"{notice.title}{notice.text}"


async def test_a_session_that_ends_as_asked_tells_nothing(exchange: SimulatedExchange) -> None:
    told: Told = []
    await hold(exchange, watch, attaching(told))
    assert told == []


async def test_a_session_that_ends_by_an_error_tells_it_on_its_way_out(exchange: SimulatedExchange) -> None:
    told: Told = []

    async def fail(engine: Engine) -> None:
        await trio.sleep(5)
        engine.session.fail(GaplessError("The feed iex is gone for good."))

    with pytest.raises(GaplessError, match="gone for good"):
        await hold(exchange, watch, attaching(told, fail))
    (notice,) = told
    assert notice.title == "CRITICAL: The session has ended by an error: The feed iex is gone for good."


async def test_a_bug_beside_the_session_is_told_too(exchange: SimulatedExchange) -> None:
    told: Told = []

    async def fail(_: Engine) -> None:
        await trio.sleep(5)
        raise ZeroDivisionError("oops")

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        await hold(exchange, watch, attaching(told, fail))
    assert "a bug: ZeroDivisionError('oops')" in told[0].title


async def test_the_kill_switch_is_an_alarm_for_as_long_as_it_is_tripped(exchange: SimulatedExchange) -> None:
    told: Told = []
    seen: list[Alarm] = []

    async def kill(engine: Engine) -> None:
        await trio.sleep(5)
        assert engine.account is not None
        await engine.account.switch.trip(ACCOUNT, "Enough is enough.", "a test")
        await trio.sleep(5)
        seen.extend(engine.alarms.standing())
        engine.account.switch.latches.reset(ACCOUNT)  # a person does that
        await trio.sleep(100)

    await hold(exchange, trader, attaching(told, kill), for_s=120)
    assert [notice.title for notice in told] == [
        "CRITICAL: The kill switch of account is tripped: Enough is enough.",
        "OVER: The kill switch of account is tripped: Enough is enough.",
    ]
    assert [(alarm.finding.key, alarm.over) for alarm in seen] == [("killswitch/account", False)]


async def test_with_the_watch_beside_it_a_strategy_that_ended_is_told_once(exchange: SimulatedExchange) -> None:
    told: Told = []
    await hold(exchange, crash, attaching(told, serve_watch))
    assert [notice.keys for notice in told] == [("halted/crash",)]


async def test_with_the_watch_beside_it_the_desk_and_the_kill_switch_are_told_once(exchange: SimulatedExchange) -> None:
    told: Told = []

    async def trouble(engine: Engine) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_watch, engine)
            await trio.sleep(5)
            assert engine.account is not None
            await engine.account.switch.trip("trader", "Enough for today.", "a test")
            await trio.sleep(5)
            engine.markets.announce(LineAlarm("account", 0, "A fill of an order that nobody knows."))
            await trio.sleep(5)
            await engine.account.switch.trip(ACCOUNT, "Enough is enough.", "a test")

    await hold(exchange, trader, attaching(told, trouble))
    assert [notice.keys[0].rpartition("/")[0] for notice in told] == ["killswitch", "alarm/account", "killswitch"]
    assert {notice.severity for notice in told} == {Severity.CRITICAL}


async def test_an_alarm_of_the_line_is_told_once_whatever_figures_it_has(exchange: SimulatedExchange) -> None:
    told: Told = []

    async def announce(engine: Engine) -> None:
        for number in range(50):
            engine.markets.announce(LineAlarm("iex", 0, f"We are {number} messages behind: slow client."))
            await trio.sleep(0.5)

    await hold(exchange, watch, attaching(told, announce))
    (notice,) = told
    assert notice.title == "WARNING: iex: We are 0 messages behind: slow client."


async def test_what_was_heard_and_not_told_yet_is_told_at_the_end(exchange: SimulatedExchange) -> None:
    told: Told = []

    async def announce_last(engine: Engine) -> None:
        try:
            await trio.sleep_forever()
        finally:  # behind the last step of whoever listens
            engine.markets.announce(LineAlarm("iex", 0, "the very last word"))

    await hold(exchange, watch, attaching(told, announce_last))
    assert [notice.title for notice in told] == ["WARNING: iex: the very last word"]


def test_what_lines_do_by_themselves_is_left_to_the_watch() -> None:
    assert finding_of(Connected("iex", 1)) is None
    halted = finding_of(Halted("audit", 1, "x" * 500))
    assert halted is not None
    assert halted.severity is Severity.CRITICAL
    assert halted.text.startswith("x" * 500)
    assert len(headline("y " * 500)) == TITLE_CHARS_MAX


async def test_alarms_stand_from_before_the_first_event_and_end_with_the_session(exchange: SimulatedExchange) -> None:
    engines: list[Engine] = []

    async def keep(engine: Engine) -> None:
        engines.append(engine)
        await trio.sleep_forever()

    await hold(exchange, watch, attaching([], keep))
    (engine,) = engines
    assert list(engine.alarms.standing()) == []
