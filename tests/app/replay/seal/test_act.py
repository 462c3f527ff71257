"""What a replayed strategy may not do is refused where it does it, and nothing of the fence is left behind."""

import builtins
import concurrent.futures
import datetime as dt
import logging
import os
import random
import secrets
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import date
from datetime import datetime as moment
from pathlib import Path
from random import Random, choice
from time import perf_counter
from time import time as wall
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import trio

from engine.app.options import LoadedStrategy
from engine.app.replay.seal import sealed
from engine.app.replay.seal.act import watched
from engine.errors import NotInReplay
from engine.ports import Strategy

HERE = __file__


def run_sealed(action: Callable[[], Any], *, files: bool = False) -> Any:
    """What a strategy that does this comes back with."""
    came: list[Any] = []

    async def run(_: Any) -> None:
        came.append(action())
        await trio.lowlevel.checkpoint()

    return _run(run, came, files=files)


def run_sealed_async(action: Callable[[], Awaitable[Any]]) -> Any:
    """The same for what waits."""
    came: list[Any] = []

    async def run(_: Any) -> None:
        came.append(await action())

    return _run(run, came)


def _run(run: Any, came: list[Any], *, files: bool = False) -> Any:
    loaded = LoadedStrategy(Strategy(name="mine", run=run, files=files), None, "mine")
    with sealed([loaded]):
        trio.run(watched(loaded).strategy.run, None)
    return came[0]


CLOCKS: list[tuple[str, Callable[[], Any]]] = [
    ("time.time", lambda: time.time()),
    ("time.time_ns", lambda: time.time_ns()),
    ("time.monotonic", lambda: time.monotonic()),
    ("time.perf_counter", lambda: perf_counter()),
    ("time.time", lambda: wall()),
    ("time.sleep", lambda: time.sleep(0)),
    ("time.localtime", lambda: time.localtime()),
    ("time.gmtime", lambda: time.gmtime()),
    ("time.strftime", lambda: time.strftime("%H")),
    ("datetime.now", lambda: dt.datetime.now(tz=dt.UTC)),
    ("datetime.now", lambda: moment.now(tz=dt.UTC)),
    ("datetime.utcnow", lambda: moment.utcnow()),  # noqa: DTZ003 - what is refused here
    ("datetime.today", lambda: moment.today()),  # noqa: DTZ002 - it is refused here
    ("date.today", lambda: date.today()),  # noqa: DTZ011 - it is refused here
    ("date.today", lambda: dt.date.today()),  # noqa: DTZ011 - it is refused here
    ("os.times", lambda: os.times()),
]
DICE: list[tuple[str, Callable[[], Any]]] = [
    ("random.random", lambda: random.random()),
    ("random.choice", lambda: choice([1, 2])),
    ("random.seed", lambda: random.seed(3)),
    ("random.Random", lambda: Random()),
    ("random.SystemRandom", lambda: random.SystemRandom().random()),
    ("os.urandom", lambda: os.urandom(4)),
    ("secrets.token_hex", lambda: secrets.token_hex()),
    ("uuid.uuid4", lambda: uuid.uuid4()),
    ("uuid.uuid1", lambda: uuid.uuid1()),
]
OUTSIDE: list[tuple[str, Callable[[], Any]]] = [
    ("open", lambda: open(HERE)),  # noqa: PTH123, SIM115 - what is refused here
    ("pathlib.Path.read_text", lambda: Path(HERE).read_text()),
    ("os.stat", lambda: os.stat(HERE)),  # noqa: PTH116 - it is refused here
    ("pathlib.Path.", lambda: Path(HERE).exists()),
    ("os.stat", lambda: os.path.getmtime(HERE)),  # noqa: PTH204 - it is refused here
    ("os.listdir", lambda: os.listdir(".")),  # noqa: PTH208 - it is refused here
    ("threading.Thread.start", lambda: threading.Thread(target=print).start()),
    ("concurrent.futures.thread.", lambda: concurrent.futures.ThreadPoolExecutor(1).submit(print)),
    ("subprocess.", lambda: subprocess.run([sys.executable, "-V"], check=True)),
    ("os.fork", lambda: os.fork()),
    ("os.system", lambda: os.system("true")),
    ("socket.", lambda: socket.socket()),
    ("socket.getaddrinfo", lambda: socket.getaddrinfo("127.0.0.1", 80)),
    ("httpx.", lambda: httpx.get("http://127.0.0.1:9/")),
    ("input", lambda: input()),
]
WAITS: list[tuple[str, Callable[[], Awaitable[Any]]]] = [
    ("trio.to_thread.run_sync", lambda: trio.to_thread.run_sync(print)),
    ("trio.run_process", lambda: trio.run_process(["true"])),  # noqa: ASYNC105 - awaited where it is called
    ("trio.open_tcp_stream", lambda: trio.open_tcp_stream("127.0.0.1", 9)),  # noqa: ASYNC105 - it is refused here
    ("trio.open_file", lambda: trio.open_file(HERE)),  # noqa: ASYNC105 - it is refused here
]


@pytest.mark.parametrize(("what", "action"), [*CLOCKS, *DICE, *OUTSIDE])
def test_it_is_refused_with_its_name_its_line_and_what_to_do_instead(what: str, action: Callable[[], Any]) -> None:
    with pytest.raises(NotInReplay) as refused:
        run_sealed(action)
    sentence = str(refused.value)
    assert sentence.startswith(f"strategy mine called {what}")
    assert f" at {HERE}:{action.__code__.co_firstlineno}: " in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(("what", "action"), WAITS)
def test_ways_through_trio_are_refused_too(what: str, action: Callable[[], Awaitable[Any]]) -> None:
    with pytest.raises(NotInReplay, match=f"strategy mine called {what}"):
        run_sealed_async(action)


def test_a_task_that_a_strategy_starts_is_its_own_too() -> None:
    async def both() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, print)
            nursery.start_soon(trio.sleep, 0)

    with pytest.RaisesGroup(NotInReplay):
        run_sealed_async(both)


def test_a_task_whose_code_is_a_library_s_is_its_own_too() -> None:
    code = "async def get():\n    time.time()\n    await trio.lowlevel.checkpoint()\n"
    path = str(Path(sysconfig.get_path("purelib")) / "library" / "client.py")
    names: dict[str, Any] = {"time": time, "trio": trio, "__name__": "library.client"}
    exec(compile(code, path, "exec"), names)

    async def start() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(names["get"])
            nursery.start_soon(trio.sleep, 0)

    told = rf"^strategy mine called library\.client\.get\(\) at {path}:2: "
    with pytest.RaisesGroup(pytest.RaisesExc(NotInReplay, match=told)):
        run_sealed_async(start)


def by_default(clock: Callable[[], float] = wall) -> float:
    """Took its clock when it was made."""
    return clock()


class Holder:
    """Has one as well."""

    def by_name(self, *, clock: Callable[[], float] = time.monotonic) -> float:
        return clock()


@pytest.mark.parametrize(("what", "action"), [("time.time", by_default), ("time.monotonic", Holder().by_name)])
def test_a_clock_that_is_a_default_is_refused_and_put_back(what: str, action: Callable[[], float]) -> None:
    with pytest.raises(NotInReplay, match=f"strategy mine called {what}"):
        run_sealed(action)
    assert action() > 0


def test_an_import_within_a_function_gives_the_stand_in() -> None:
    def look() -> Any:
        from datetime import datetime as inner

        return inner.now(tz=dt.UTC)

    with pytest.raises(NotInReplay, match=r"datetime\.now"):
        run_sealed(look)


ALLOWED: list[Callable[[], Any]] = [
    lambda: Random(7).random(),
    lambda: Random(f"{7}/mine").choice([1, 2]),
    lambda: time.gmtime(0),
    lambda: time.strftime("%H", time.gmtime(0)),
    lambda: moment.fromtimestamp(0, tz=dt.UTC),
    lambda: moment(2026, 3, 2, tzinfo=ZoneInfo("America/New_York")),
    lambda: moment.fromisoformat("2026-03-02T14:30:00+00:00"),
    lambda: date(2026, 3, 2) + dt.timedelta(days=1),
    lambda: logging.getLogger("mine").info("said"),
    lambda: uuid.uuid5(uuid.NAMESPACE_URL, "mine"),
    lambda: __import__("colorsys"),
]


@pytest.mark.parametrize("action", ALLOWED)
def test_what_comes_out_the_same_each_time_is_allowed(action: Callable[[], Any]) -> None:
    run_sealed(action)


def test_dates_of_a_sealed_strategy_are_real_ones() -> None:
    def made() -> Any:
        read = moment.strptime("2026 +0000", "%Y %z")
        return moment(2026, 3, 2, tzinfo=dt.UTC), read, date(2026, 3, 2), isinstance(LATER, moment)

    one, read, day, known = run_sealed(made)
    assert (type(one), type(read), type(day), known) == (dt.datetime, dt.datetime, dt.date, True)


LATER = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)


def test_a_strategy_that_declares_files_may_open_them_and_nothing_else() -> None:
    assert run_sealed(lambda: Path(HERE).stat().st_size and Path(HERE).read_text()[:3], files=True)
    with pytest.raises(NotInReplay):
        run_sealed(lambda: time.time(), files=True)


def test_what_nobody_runs_as_a_strategy_is_free() -> None:
    loaded = LoadedStrategy(Strategy(name="mine", run=_nothing), None, "mine")
    with sealed([loaded]):
        assert time.time() > 0
        assert Path(HERE).read_text()
        assert random.random() < 1


async def _nothing(_: Any) -> None:
    await trio.lowlevel.checkpoint()


def test_another_thread_is_free_while_this_one_is_sealed() -> None:
    told: list[Any] = []
    begin, done = threading.Event(), threading.Event()

    def look() -> None:
        begin.wait(5)
        told.extend((time.time(), random.random(), moment.now(tz=dt.UTC), Path(HERE).read_text()))
        done.set()

    thread = threading.Thread(target=look)
    thread.start()

    def while_sealed() -> bool:
        begin.set()
        return done.wait(5)

    assert run_sealed(while_sealed)
    thread.join()
    assert len(told) == 4


def test_afterwards_everything_is_as_it_was() -> None:
    def state() -> list[Any]:
        return [
            time.time, time.sleep, random.random, random.Random.seed, random._urandom, os.urandom, uuid.uuid4,
            trio.to_thread.run_sync, trio.open_file, httpx.Client.__init__, builtins.__import__,
            *globals().values(),
        ]  # fmt: skip

    before = state()
    with pytest.raises(NotInReplay):
        run_sealed(lambda: time.time())
    run_sealed(lambda: 1)
    assert all(one is other for one, other in zip(before, state(), strict=True))


def test_each_refusal_is_told_once() -> None:
    def greedy() -> None:
        for _ in range(3):
            with pytest.raises(NotInReplay):
                time.time()

    async def run(_: Any) -> None:
        greedy()
        await trio.lowlevel.checkpoint()

    loaded = LoadedStrategy(Strategy(name="mine", run=run), None, "mine")
    with sealed([loaded]) as seal:
        trio.run(watched(loaded).strategy.run, None)
    assert len(seal.refused) == 1
