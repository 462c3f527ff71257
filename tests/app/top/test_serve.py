"""Clients of an engine: told what they ask for, few at a time, and never waited for."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from attrs import define, evolve

from engine.app.beside.overview import HeardRow, Overview
from engine.app.top.attach import Attached, Found, attach_to, choose, find_engines, look_once, read_line
from engine.app.top.place import bind_socket, connect, find_sockets
from engine.app.top.serve import CLIENTS_MAX, EVERY_MIN_S, WRITE_S, encode_overview, peer_uid, serve_overviews
from engine.errors import EngineAway, Misconfigured


@define
class Served:
    """An engine that is only looked at: each look finds it a second older."""

    folder: Path
    overview: Overview
    reads: int = 0

    def read(self) -> Overview:
        self.reads += 1
        return evolve(self.overview, uptime_s=float(self.reads))

    @property
    def path(self) -> Path:
        (path,) = find_sockets(self.folder)
        return path


@pytest.fixture
def serving(folder: Path, here: Overview) -> Callable[..., Any]:
    @asynccontextmanager
    async def serve(overview: Overview = here) -> AsyncIterator[Served]:
        served = Served(folder, overview)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_overviews, served.read, folder)
            await trio.testing.wait_all_tasks_blocked()
            yield served
            nursery.cancel_scope.cancel()

    return serve


def test_the_fast_way_to_bytes_is_the_same_as_to_json(seen: Overview) -> None:
    assert json.loads(encode_overview(seen)) == json.loads(msgspec.json.encode(seen.to_json()))
    assert msgspec.json.decode(encode_overview(seen), type=Overview) == seen


async def test_one_look_is_one_line_and_the_end(serving: Any, autojump_clock: Any) -> None:
    async with serving() as served:
        told = read_line(await look_once(served.path))
        assert told == evolve(served.overview, uptime_s=1.0)
    with pytest.raises(EngineAway):
        await look_once(served.folder / f"{os.getpid()}.sock")


async def test_a_stream_comes_four_times_a_second_at_most_and_ends_with_the_engine(
    serving: Any, autojump_clock: Any
) -> None:
    async with serving() as served, attach_to(served.path, "stream", 0.0) as attached:
        began_s = trio.current_time()
        told = [read_line(await attached.next_line()).uptime_s for _ in range(9)]
        assert trio.current_time() - began_s == pytest.approx(8 * EVERY_MIN_S)
        assert told == [float(number) for number in range(1, 10)]
    with pytest.raises(EngineAway, match="has ended"):
        await attached.next_line()


async def test_clients_of_one_moment_share_one_reading(serving: Any, autojump_clock: Any) -> None:
    async with serving() as served:
        for _ in range(5):
            await look_once(served.path)
        assert served.reads == 1


async def test_more_clients_than_are_served_are_told_so_until_one_leaves(serving: Any, autojump_clock: Any) -> None:
    async with serving() as served:
        path = served.path
        async with trio.open_nursery() as nursery:

            async def look(*, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
                with trio.CancelScope() as scope:
                    async with attach_to(path, "stream", 1.0) as attached:
                        await attached.next_line()
                        task_status.started(scope)
                        await trio.sleep_forever()

            scopes = [await nursery.start(look) for _ in range(CLIENTS_MAX)]
            with pytest.raises(EngineAway, match=f"{CLIENTS_MAX} clients"):
                read_line(await look_once(path))
            scopes[0].cancel()
            await trio.sleep(3)
            assert read_line(await look_once(path)).pid == os.getpid()
            nursery.cancel_scope.cancel()


async def test_a_client_that_never_reads_is_dropped_and_delays_nobody(
    serving: Any, here: Overview, autojump_clock: Any
) -> None:
    large = evolve(here, heard=tuple(HeardRow(feed="iex", kind="trades", symbol=f"S{n}") for n in range(5000)))
    async with serving(large) as served:
        deaf = await connect(served.path)
        await deaf.send_all(b'{"want": "stream"}\n')
        await trio.sleep(WRITE_S / 2)
        before_s = trio.current_time()
        assert read_line(await look_once(served.path)).pid == os.getpid()
        assert trio.current_time() == before_s
        await trio.sleep(WRITE_S)
        with pytest.raises(trio.BrokenResourceError):
            await deaf.send_all(b"x" * 4_000_000)
        await deaf.aclose()


async def read_all(attached: Attached) -> None:
    """All that comes."""
    while True:
        await attached.next_line()


@pytest.mark.parametrize("streams", [1, 5000])
async def test_who_was_dropped_is_told_that_and_not_that_the_engine_ended(
    streams: int, serving: Any, here: Overview, autojump_clock: Any
) -> None:
    """A small overview goes into the socket whole or not at all, a large one in pieces."""
    heard = tuple(HeardRow(feed="iex", kind="trades", symbol=f"S{n}") for n in range(streams))
    async with serving(evolve(here, heard=heard)) as served, attach_to(served.path, "stream", 0.0) as stopped:
        await trio.sleep(600)
        with pytest.raises(EngineAway, match="dropped this look"):
            await read_all(stopped)
        assert read_line(await look_once(served.path)).pid == os.getpid()


@pytest.mark.parametrize("said", [b"nonsense\n", b'{"want": "the moon"}\n', b"x" * 10_000, b'{"every_s": "now"}\n'])
async def test_nonsense_is_answered_with_a_sentence(serving: Any, said: bytes, autojump_clock: Any) -> None:
    async with serving() as served:
        stream = await connect(served.path)
        async with stream:
            await stream.send_all(said)
            answer = b""
            with trio.move_on_after(1):
                answer = await stream.receive_some()
        assert b"Ask with one line" in answer
        assert read_line(await look_once(served.path)).pid == os.getpid()


async def test_who_says_nothing_is_not_waited_for(serving: Any, autojump_clock: Any) -> None:
    async with serving() as served:
        silent = await connect(served.path)
        began_s = trio.current_time()
        assert b"Ask with one line" in await silent.receive_some()
        assert trio.current_time() - began_s == pytest.approx(2.0)
        await silent.aclose()


async def test_the_user_at_the_other_end_is_known(serving: Any, autojump_clock: Any) -> None:
    async with serving() as served:
        stream = await connect(served.path)
        assert peer_uid(stream.socket) == os.getuid()
        await stream.aclose()


async def test_another_user_is_told_nothing(folder: Path, here: Overview, autojump_clock: Any) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(serve_overviews, lambda: here, folder, uid=os.getuid() + 1))
        await trio.testing.wait_all_tasks_blocked()
        (path,) = find_sockets(folder)
        line = await look_once(path)
        nursery.cancel_scope.cancel()
    assert json.loads(line) == {"error": "This engine belongs to another user."}


async def test_engines_are_found_and_one_that_hangs_is_listed_too(
    serving: Any, folder: Path, autojump_clock: Any
) -> None:
    async with serving() as served:
        with bind_socket(folder, 1):
            found = {one.pid: one for one in await find_engines(folder)}
        assert set(found) == {1, os.getpid()}
        assert found[1].overview is None
        running = found[os.getpid()].overview
        assert running is not None
        assert running.session == served.overview.session


def test_which_engine_is_meant(seen: Overview) -> None:
    one, two = Found(Path("run/11.sock"), seen), Found(Path("run/12.sock"), None)
    assert choose([one], "") is one
    assert choose([one, two], "12") is two
    assert choose([one, two], "sma_cross") is one
    with pytest.raises(EngineAway, match="No engine of this user runs"):
        choose([], "")
    with pytest.raises(EngineAway, match=r"'audit'; there are: 11 \(sma_cross\), 12 \(does not answer\)"):
        choose([one, two], "audit")
    with pytest.raises(Misconfigured, match="Several engines run: 11"):
        choose([one, two], "")
    with pytest.raises(Misconfigured, match="go by 'sma_cross'"):
        choose([one, Found(Path("run/13.sock"), seen)], "sma_cross")


@pytest.mark.parametrize(
    ("line", "says"),
    [(b'{"error": "No."}', "No."), (b'{"version": 3}', "another version"), (b"{", "another version")],
)
def test_what_is_no_overview_is_told_as_a_sentence(line: bytes, says: str) -> None:
    with pytest.raises(EngineAway, match=says):
        read_line(line)
