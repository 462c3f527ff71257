"""However a session ends (a signal, two of them, a crash of a strategy), it ends in order, in under five seconds and
with its figures: data stops first, strategies see the end of their subscriptions, and who ignores that is cancelled."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import frozen
from loguru import logger

from engine import Context, Gap, Halted, Kind, Misconfigured, RestartPolicy, Stream, strategy
from engine.app.session import exit_code
from engine.errors import HistoryRefused, HistoryUnavailable, LineLost
from engine.ports import Strategy

BTC = (Stream(Kind.TRADES, "BTC/USD"), Stream(Kind.QUOTES, "BTC/USD"))
MARKET: dict[str, Any] = {"symbols": ("BTC/USD",), "events_per_s": 10.0, "burst": False}
WITHIN_S = 5.0


def signals(*moments: tuple[float, signal.Signals]) -> Strategy:
    """A strategy that raises signals in its own process, each some seconds after the one before."""

    @strategy()
    async def interrupter(ctx: Context) -> None:
        for after_s, number in moments:
            await trio.sleep(after_s)
            signal.raise_signal(number)

    return interrupter


@strategy()
async def stubborn(ctx: Context) -> None:
    """Does not care that the data has ended."""
    async with ctx.trades("BTC/USD") as trades:
        async for _ in trades:
            pass
        await trio.sleep_forever()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_the_session_in_order(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, number: signal.Signals, code: int
) -> None:
    watch = watcher(BTC)
    outcome = await hold(watch.plug(), signals((10, number)), for_s=600, **MARKET)
    assert outcome.report.ended_by == number.name
    assert exit_code(outcome.report) == code
    assert 10 <= outcome.report.duration_s < 11, "nobody had to be waited for"
    assert watch.ended
    assert len(watch.events) > 60
    assert outcome.report.conservation.holds


async def test_who_ignores_the_end_of_the_data_is_cancelled_after_a_while(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any
) -> None:
    watch = watcher(BTC)
    outcome = await hold(watch.plug(), stubborn, signals((10, signal.SIGTERM)), for_s=600, **MARKET)
    assert 13 < outcome.report.duration_s < 10 + WITHIN_S
    states = {row.name: row.state for row in outcome.report.strategies}
    assert (states["watcher"], states["stubborn"]) == ("finished", "stopped")
    assert watch.ended


@strategy()
async def shielded(ctx: Context) -> None:
    """Cannot be cancelled for half a minute."""
    with trio.CancelScope(shield=True):
        await trio.sleep(45)


async def test_for_whom_a_session_has_to_wait_is_said(autojump_clock: trio.abc.Clock, hold: Any) -> None:
    said: list[str] = []
    sink = logger.add(lambda message: said.append(str(message)), level="WARNING", format="{message}")
    outcome = await hold(shielded, signals((10, signal.SIGINT)), for_s=600, **MARKET)
    logger.remove(sink)
    assert 45 <= outcome.report.duration_s < 46
    assert ["shielded" in line for line in said if "still on its way out" in line] == [True]


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
async def test_a_second_signal_does_not_wait_for_strategies_and_still_tells(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, second: signal.Signals
) -> None:
    watch = watcher(BTC)
    outcome = await hold(watch.plug(), stubborn, signals((10, signal.SIGINT), (1, second)), for_s=600, **MARKET)
    assert outcome.report.ended_by == "SIGINT"
    assert 11 <= outcome.report.duration_s < 12
    assert outcome.report.conservation.holds
    assert watch.ended


async def test_a_signal_while_the_line_is_away_ends_as_quickly(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any
) -> None:
    watch = watcher(BTC)
    faults = '[[fault]]\nkind = "stall_handshake"\nafter_events = 50\n'
    outcome = await hold(watch.plug(), signals((10, signal.SIGINT)), faults=faults, for_s=600, **MARKET)
    assert outcome.report.ended_by == "SIGINT"
    assert outcome.report.duration_s < 11
    assert watch.gaps, "what was missed since is declared"


async def crash_plainly(ctx: Context) -> None:
    raise ValueError("as planned")


async def crash_in_a_nursery(ctx: Context) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        raise ValueError("as planned")


async def crash_by_reading_history(ctx: Context) -> None:
    raise HistoryUnavailable("as planned")


async def crash_by_a_refused_history(ctx: Context) -> None:
    raise HistoryRefused("as planned")


async def crash_by_an_error_of_a_line(ctx: Context) -> None:
    raise LineLost("as planned")


CRASHES: list[Callable[[Context], Any]] = [
    crash_plainly,
    crash_in_a_nursery,
    crash_by_reading_history,
    crash_by_a_refused_history,
    crash_by_an_error_of_a_line,
]


@pytest.mark.parametrize("crash", CRASHES)
async def test_a_crash_ends_only_its_own_strategy(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, crash: Callable[[Context], Any]
) -> None:
    watch = watcher(BTC)

    @strategy()
    async def crashing(ctx: Context) -> None:
        async with ctx.streams(*BTC) as events:
            async for event in events:
                if not isinstance(event, Gap) and event.seq > 50:
                    await crash(ctx)

    outcome = await hold(watch.plug(), crashing, for_s=30, **MARKET)
    rows = {row.name: row for row in outcome.report.strategies}
    assert rows["crashing"].state == "failed"
    assert "as planned" in (rows["crashing"].error or "")
    assert rows["watcher"].error is None
    assert watch.ended
    assert outcome.report.ended_by == "for"
    assert exit_code(outcome.report) == 1
    assert outcome.report.conservation.holds
    (halted,) = [notice for notice in watch.notices if isinstance(notice, Halted)]
    assert halted.strategy == "crashing"
    assert "as planned" in halted.reason
    told = watch.of(BTC[0])
    assert told == outcome.owed(BTC[0], told)[: len(told)]
    assert watch.events[-1].ts_ns - watch.events[0].ts_ns > 28e9


async def test_a_crash_of_the_only_strategy_ends_the_session_at_once(autojump_clock: trio.abc.Clock, hold: Any) -> None:
    @strategy()
    async def crashing(ctx: Context) -> None:
        await trio.sleep(10)
        raise ValueError("as planned")

    outcome = await hold(crashing, for_s=600, **MARKET)
    assert outcome.report.ended_by == "strategies"
    assert outcome.report.duration_s < 10 + WITHIN_S
    assert exit_code(outcome.report) == 1


async def test_a_mistake_that_a_person_has_to_mend_is_told_at_the_end_and_stops_nobody_else(
    autojump_clock: trio.abc.Clock, hold: Any, doomed: Any, watcher: Any
) -> None:
    watch = watcher(BTC)

    @strategy()
    async def mistaken(ctx: Context) -> None:
        await trio.sleep(10)
        raise Misconfigured("mistaken cannot write there; set out= to a file that can be written.")

    error = await doomed(hold(watch.plug(), mistaken, for_s=30, **MARKET))
    assert isinstance(error, Misconfigured)
    assert watch.ended
    assert watch.events[-1].ts_ns - watch.events[0].ts_ns > 28e9


def unreliable(crashes: int, policy: RestartPolicy, seen: list[int]) -> Strategy:
    """A strategy that raises after a few events, so many times, and then goes on."""
    left = [crashes]

    @strategy(restart=policy)
    async def unsteady(ctx: Context) -> None:
        place = 0
        async with ctx.streams(*BTC) as events:
            async for event in events:
                assert not isinstance(event, Gap)
                seen.append(event.seq)
                place += 1
                if place == 10 and left[0]:
                    left[0] -= 1
                    raise ValueError("as planned")

    return unsteady


async def test_a_strategy_with_a_restart_rule_starts_again(autojump_clock: trio.abc.Clock, hold: Any) -> None:
    seen: list[int] = []
    policy = RestartPolicy(delay_initial_s=1.0, delay_max_s=4.0, restarts_max=5)
    outcome = await hold(unreliable(3, policy, seen), for_s=60, **MARKET)
    (row,) = outcome.report.strategies
    assert (row.state, row.restarts) == ("finished", 3)
    assert row.error in (None, "")
    assert exit_code(outcome.report) == 0
    assert seen == sorted(seen)
    assert len(seen) > 300
    assert outcome.report.conservation.holds


async def test_a_spent_restart_budget_ends_the_strategy(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any
) -> None:
    seen: list[int] = []
    watch = watcher(BTC)
    outcome = await hold(unreliable(99, RestartPolicy(restarts_max=2), seen), watch.plug(), for_s=60, **MARKET)
    rows = {row.name: row for row in outcome.report.strategies}
    assert (rows["unsteady"].state, rows["unsteady"].restarts) == ("failed", 2)
    assert "as planned" in (rows["unsteady"].error or "")
    assert len(seen) == 30
    assert watch.ended
    assert exit_code(outcome.report) == 1


PLUGS = '''
"""Strategies of this test."""
import sys
import trio
from engine import strategy

@strategy()
async def steady(ctx):
    async with ctx.trades("BTC/USD") as trades:
        async for _ in trades:
            print("READY", flush=True)

@strategy()
async def stubborn(ctx):
    await steady.run(ctx)
    await trio.sleep_forever()

@strategy()
async def crashing(ctx):
    async with ctx.trades("BTC/USD") as trades:
        async for _ in trades:
            raise ValueError("as planned")
'''


@frozen
class Ending:
    """How a process ended."""

    code: int
    took_s: float
    report: dict[str, Any]
    stdout: str
    stderr: str


@pytest.fixture
def run_gapless(tmp_path: Path, root: Path) -> Callable[..., Ending]:
    """Run ``gapless run`` in a process of its own; send it signals once its strategy has seen an event."""
    plugs = tmp_path / "plugs.py"
    plugs.write_text(PLUGS)

    def run(name: str, *flags: str, signals: Sequence[signal.Signals] = ()) -> Ending:
        start = "import sys; from engine.app.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", start, "run", f"{plugs}:{name}", "--symbols", "BTC/USD", *flags]
        errors = tmp_path / "stderr"
        with errors.open("w") as stderr, subprocess.Popen(
            command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
        ) as process:  # fmt: skip
            while signals and "READY" not in errors.read_text() and process.poll() is None:
                time.sleep(0.02)
            began_s = time.monotonic()
            for number in signals:
                process.send_signal(number)
                time.sleep(0.3)
            stdout, _ = process.communicate(timeout=30)
        told = json.loads(stdout) if "--json" in flags else {}
        return Ending(process.returncode, time.monotonic() - began_s, told, stdout, errors.read_text())

    return run


@pytest.mark.parametrize(
    ("name", "numbers", "code"),
    [
        ("steady", [signal.SIGINT], 130),
        ("steady", [signal.SIGTERM], 143),
        ("stubborn", [signal.SIGINT, signal.SIGTERM], 130),
    ],
)
def test_a_signalled_process_prints_its_summary_and_exits_with_its_code(
    run_gapless: Callable[..., Ending], name: str, numbers: list[signal.Signals], code: int
) -> None:
    ending = run_gapless(name, "--json", signals=numbers)
    assert ending.code == code, ending.stderr
    assert ending.took_s < WITHIN_S
    assert ending.report["ended_by"] == numbers[0].name
    assert ending.report["conservation"]["holds"]
    assert ending.report["conservation"]["delivered"] > 0
    assert "Traceback" not in ending.stderr


def test_a_crash_prints_the_summary_and_exits_with_1(run_gapless: Callable[..., Ending]) -> None:
    ending = run_gapless("crashing", "--json")
    assert ending.code == 1
    assert "as planned" in ending.report["strategies"][0]["error"]
    assert ending.report["conservation"]["holds"]
    assert "Traceback" not in ending.stdout + ending.stderr


def test_a_fatal_condition_prints_the_summary_its_sentence_and_exits_with_its_code(
    run_gapless: Callable[..., Ending], tmp_path: Path
) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\nkind = "error"\ncode = 409\nphase = "auth"\n')
    ending = run_gapless("steady", "--faults", str(faults))
    assert ending.code == 3
    assert ending.took_s < WITHIN_S
    assert "steady" in ending.stdout, "the summary"
    *_, last = ending.stderr.strip().splitlines()
    assert last.startswith("gapless: crypto (127.0.0.1:")
    assert "409" in last
    assert "Traceback" not in ending.stderr
