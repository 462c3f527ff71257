"""The client answers or says why within its deadline, and no cancelled caller ever costs it a connection."""

import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import httpx
import pytest
import trio
import trio.testing

from engine.errors import KeysRefused, LineLost, Misconfigured
from engine.venues.alpaca.http import BODY_BYTES_MAX, REQUEST_MAX_S, GuardedClient, open_client

Asked: TypeAlias = tuple[str, dict[str, str], dict[str, str]]
Told: TypeAlias = tuple[int, bytes, dict[str, str]]
OpenLoopback: TypeAlias = Callable[[Callable[[Asked], Awaitable[Told]]], AbstractAsyncContextManager[str]]

TEST_MAX_S = 10.0
"""No test here comes near it: a hang fails instead of hanging."""
SECRET = "s3cr3t-of-the-account"


class GatedServer:
    """Answers nothing until its gate opens, and closes each connection after its reply."""

    def __init__(self) -> None:
        self.gate = trio.Event()

    async def answer(self, asked: Asked) -> Told:
        await self.gate.wait()
        return 200, b"{}", {"Connection": "close"}


async def _run_two(first: Callable[[], Awaitable[object]], second: Callable[[], Awaitable[None]]) -> None:
    """Start one, and the other once the first waits for the server."""

    async def run(ask: Callable[[], Awaitable[object]]) -> None:
        await ask()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, first)
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.start_soon(run, second)


async def test_bare_httpx_loses_a_slot_for_good_when_a_waiting_request_is_cancelled(
    open_loopback: OpenLoopback,
) -> None:
    """Why the guard exists. When this fails httpx has mended it, and the guard can be simpler."""
    server, waiting = GatedServer(), trio.CancelScope()

    async def cancel_as_the_connection_comes_free(event: str, _details: object) -> None:
        if event == "http11.response_closed.complete":
            waiting.cancel()

    limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(5, pool=0.05)
    trace = {"trace": cancel_as_the_connection_comes_free}
    with trio.fail_after(TEST_MAX_S):
        async with (
            open_loopback(server.answer) as url,
            httpx.AsyncClient(base_url=url, limits=limits, timeout=timeout, trust_env=False) as client,
        ):

            async def wait_for_the_connection() -> None:
                server.gate.set()
                with waiting:
                    await client.get("/second", timeout=5)

            await _run_two(lambda: client.get("/first", extensions=trace), wait_for_the_connection)
            for _ in range(3):
                with pytest.raises(httpx.PoolTimeout):
                    await client.get("/after")


async def test_a_cancelled_second_request_costs_the_guarded_client_nothing(open_loopback: OpenLoopback) -> None:
    server, waiting = GatedServer(), trio.CancelScope()
    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(server.answer) as url, open_client(url) as client:

            async def ask_and_cancel() -> None:
                await client.get("/first")
                waiting.cancel()

            async def wait_for_the_connection() -> None:
                server.gate.set()
                with waiting:
                    await client.get("/second")

            await _run_two(ask_and_cancel, wait_for_the_connection)
            for _ in range(20):
                assert (await client.get("/after")).status == 200
            assert client.pools_made == 1


@pytest.mark.parametrize("seed", range(3))
async def test_after_hundreds_of_cancelled_requests_every_later_one_succeeds(
    open_loopback: OpenLoopback, seed: int
) -> None:
    rng = random.Random(seed)

    async def answer(asked: Asked) -> Told:
        await trio.sleep(0.002)
        return 200, b"{}", {"Connection": "close"} if rng.random() < 0.3 else {}

    async def ask_impatiently(client: GuardedClient) -> None:
        for _ in range(20):
            with trio.move_on_after(rng.random() * 0.008):
                await client.get("/during")

    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(answer) as url, open_client(url) as client:
            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(ask_impatiently, client)
            for _ in range(20):
                assert (await client.get("/after")).status == 200
            assert client.pools_made == 1


async def test_a_cancelled_caller_leaves_at_once_and_its_request_runs_on(open_loopback: OpenLoopback) -> None:
    server = GatedServer()
    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(server.answer) as url, open_client(url) as client:
            started_s = trio.current_time()
            with trio.move_on_after(0.05) as scope:
                await client.get("/slow")
            assert scope.cancelled_caught
            assert trio.current_time() - started_s < 1
            server.gate.set()
            assert (await client.get("/next")).status == 200


async def test_a_silent_server_is_given_up_at_the_deadline_and_its_pool_is_replaced(
    open_loopback: OpenLoopback, autojump_clock: trio.testing.MockClock
) -> None:
    asked_for: list[str] = []

    async def answer(asked: Asked) -> Told:
        asked_for.append(asked[0])
        if asked[0] == "/silent":
            await trio.sleep_forever()
        return 200, b"{}", {}

    async with open_loopback(answer) as url, open_client(url) as client:
        started_s = trio.current_time()
        with pytest.raises(LineLost, match=r"GET /silent at 127\.0\.0\.1:\d+"):
            await client.get("/silent")
        assert trio.current_time() - started_s <= REQUEST_MAX_S + 1
        assert (await client.get("/after")).status == 200
    assert asked_for == ["/silent", "/after"]


async def test_a_kept_alive_connection_that_was_dropped_costs_no_error(open_loopback: OpenLoopback) -> None:
    asked_for: list[str] = []

    async def answer(asked: Asked) -> Told:
        asked_for.append(asked[0])
        return (0, b"", {}) if asked_for == ["/one", "/two"] else (200, b"{}", {})

    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(answer) as url, open_client(url) as client:
            assert (await client.get("/one")).status == 200
            assert (await client.get("/two")).status == 200
    assert asked_for == ["/one", "/two", "/two"]


@pytest.mark.parametrize("told", [(0, b"", {}), (200, b"[1, 2, 3]", {"Cut-After": "4"})], ids=["reply", "body"])
async def test_a_cut_on_a_fresh_connection_is_told_and_not_tried_again(open_loopback: OpenLoopback, told: Told) -> None:
    count = 0

    async def answer(asked: Asked) -> Told:
        nonlocal count
        count += 1
        return told[0], told[1], dict(told[2])

    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(answer) as url, open_client(url) as client:
            with pytest.raises(LineLost, match="GET /cut at"):
                await client.get("/cut")
    assert count == 1


async def test_a_body_beyond_the_bound_is_refused(open_loopback: OpenLoopback) -> None:
    async def answer(asked: Asked) -> Told:
        return 200, bytes(BODY_BYTES_MAX + 1), {}

    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(answer) as url, open_client(url) as client:
            with pytest.raises(LineLost, match="larger than"):
                await client.get("/huge")


async def test_nobody_listening_is_a_sentence_that_holds_no_secret() -> None:
    with trio.fail_after(TEST_MAX_S):
        async with open_client("http://127.0.0.1:9", {"APCA-API-SECRET-KEY": SECRET}) as client:
            with pytest.raises(LineLost, match="ConnectError") as caught:
                await client.get("/v2/clock")
            assert SECRET not in str(caught.value)
            assert client.without_secrets(f"unknown key {SECRET}") == "unknown key ***"


async def test_a_reply_has_its_status_headers_and_body_and_redirects_are_not_followed(
    open_loopback: OpenLoopback, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Asked] = []

    async def answer(asked: Asked) -> Told:
        seen.append(asked)
        return 302, b"elsewhere", {"Location": "/elsewhere", "X-RateLimit-Limit": "200"}

    caplog.set_level(logging.DEBUG)
    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(answer) as url, open_client(url, {"APCA-API-SECRET-KEY": SECRET}) as client:
            reply = await client.get("/here", {"symbols": "BTC/USD,ETH/USD"})
    assert (reply.status, reply.body, reply.headers["x-ratelimit-limit"]) == (302, b"elsewhere", "200")
    assert reply.round_trip_s > 0
    assert [(path, params) for path, params, _ in seen] == [("/here", {"symbols": "BTC/USD,ETH/USD"})]
    assert seen[0][2]["apca-api-secret-key"] == SECRET
    assert not [record for record in caplog.records if record.name.startswith(("httpx", "httpcore"))]


async def test_an_error_of_the_body_comes_out_as_itself_and_not_in_a_group() -> None:
    with pytest.raises(KeysRefused, match="themselves"):
        async with open_client("http://127.0.0.1:9"):
            raise KeysRefused("errors come out as themselves")


@pytest.mark.parametrize(
    "url", ["", "data.alpaca.markets", "wss://stream.data.alpaca.markets", "http://", "http://host:port"]
)
async def test_a_url_that_is_none_is_a_sentence(url: str) -> None:
    with pytest.raises(Misconfigured, match="write it like https"):
        async with open_client(url):
            pass


async def test_leaving_ends_what_is_under_way_and_its_caller_is_told(
    open_loopback: OpenLoopback, nursery: trio.Nursery
) -> None:
    failures: list[LineLost] = []

    async def ask(client: GuardedClient) -> None:
        try:
            await client.get("/slow")
        except LineLost as error:
            failures.append(error)

    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(GatedServer().answer) as url, open_client(url) as client:
            nursery.start_soon(ask, client)
            await trio.testing.wait_all_tasks_blocked(0.01)
        await trio.testing.wait_all_tasks_blocked(0.01)
    assert len(failures) == 1
    assert "closed" in str(failures[0])
