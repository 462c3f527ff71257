"""What changes something is sent at most once, whoever is cancelled and whatever the connection does."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeAlias

import httpx
import pytest
import trio
import trio.testing
from attrs import evolve

from engine.errors import LineLost, OrderRefused
from engine.testing.network import Network
from engine.venues.alpaca.http import GuardedClient, Request, open_client
from engine.venues.alpaca.http.client import REQUESTS_MAX
from engine.venues.alpaca.http.pool import CONNECTIONS_MAX, Stale, build_pool

Asked: TypeAlias = tuple[str, dict[str, str], dict[str, str]]
Told: TypeAlias = tuple[int, bytes, dict[str, str]]
OpenLoopback: TypeAlias = Callable[[Callable[[Asked], Awaitable[Told]]], AbstractAsyncContextManager[str]]

TEST_MAX_S = 10.0
BODY = b'{"qty":"1"}'
CHANGES = ("POST", "PATCH", "DELETE")


class Counting:
    """Answers everything and counts what it was asked; what ``drops`` says is cut in place of an answer."""

    def __init__(self, drops: frozenset[str] = frozenset()) -> None:
        self.asked = Counter[str]()
        self.drops = drops
        self.gate = trio.Event()
        self.gate.set()

    async def answer(self, asked: Asked) -> Told:
        self.asked[asked[0]] += 1
        await self.gate.wait()
        return (0, b"", {}) if asked[0] in self.drops else (200, b"{}", {})


def change(path: str, method: str = "POST", **values: float) -> Request:
    return Request(method=method, path=path, body=BODY, **values)


@pytest.mark.parametrize("method", CHANGES)
async def test_on_a_kept_alive_connection_that_was_dropped_it_is_sent_once_and_not_again(
    open_loopback: OpenLoopback, method: str
) -> None:
    server = Counting(frozenset({"/change"}))
    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(server.answer) as url, open_client(url) as client:
            assert (await client.get("/before")).status == 200
            with pytest.raises(LineLost, match=f"{method} /change at"):
                await client.send(change("/change", method))
            assert (await client.get("/behind")).status == 200
    assert server.asked == {"/before": 1, "/change": 1, "/behind": 1}


async def test_bare_httpx_loses_a_slot_for_good_when_a_waiting_post_is_cancelled(open_loopback: OpenLoopback) -> None:
    """The same as for GET: see ``test_http.py``."""
    server, waiting = Counting(), trio.CancelScope()
    server.gate = trio.Event()

    async def answer(asked: Asked) -> Told:
        return (await server.answer(asked))[0], b"{}", {"Connection": "close"}

    async def cancel_as_the_connection_comes_free(event: str, _details: object) -> None:
        if event == "http11.response_closed.complete":
            waiting.cancel()

    limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(5, pool=0.05)
    with trio.fail_after(TEST_MAX_S):
        async with (
            open_loopback(answer) as url,
            httpx.AsyncClient(base_url=url, limits=limits, timeout=timeout, trust_env=False) as client,
        ):

            async def first() -> None:
                await client.post("/first", content=BODY, extensions={"trace": cancel_as_the_connection_comes_free})

            async with trio.open_nursery() as nursery:
                nursery.start_soon(first)
                await trio.testing.wait_all_tasks_blocked(0.01)
                server.gate.set()
                with waiting:
                    await client.post("/second", content=BODY, timeout=5)
            with pytest.raises(httpx.PoolTimeout):
                await client.post("/after", content=BODY)


@pytest.mark.parametrize("seed", range(3))
async def test_hundreds_of_cancelled_posts_are_sent_once_at_most_and_every_later_one_succeeds(
    open_loopback: OpenLoopback, autojump_clock: trio.testing.MockClock, seed: int
) -> None:
    rng, asked, calm = random.Random(seed), Counter[str](), trio.Event()

    async def answer(told: Asked) -> Told:
        asked[told[0]] += 1
        if calm.is_set():
            return 200, b"{}", {}
        await trio.sleep(0.002)
        return (
            (0, b"", {}) if rng.random() < 0.2 else (200, b"{}", {"Connection": "close"} if rng.random() < 0.3 else {})
        )

    async def send_impatiently(client: GuardedClient, number: int) -> None:
        for turn in range(20):
            with trio.move_on_after(rng.random() * 0.008):
                with suppress(LineLost):
                    await client.send(change(f"/{number}/{turn}"))
                await trio.lowlevel.checkpoint()

    # On a virtual network, so that the instants of cancelling depend on the seed and not on the machine.
    with Network().use(), trio.fail_after(TEST_MAX_S):
        async with open_loopback(answer) as url, open_client(url) as client:
            async with trio.open_nursery() as nursery:
                for number in range(20):
                    nursery.start_soon(send_impatiently, client, number)
            await trio.sleep(0.1)
            assert max(asked.values()) == 1
            assert len(asked) > 50
            calm.set()
            for number in range(20):
                assert (await client.send(change(f"/after/{number}"))).status == 200
            assert client.pools_made == 1


async def test_a_cancelled_caller_leaves_at_once_and_its_change_is_made(open_loopback: OpenLoopback) -> None:
    server = Counting()
    server.gate = trio.Event()
    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(server.answer) as url, open_client(url) as client:
            with trio.move_on_after(0.05) as scope:
                await client.send(change("/slow"))
            assert scope.cancelled_caught
            server.gate.set()
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert (await client.get("/next")).status == 200
    assert server.asked == {"/slow": 1, "/next": 1}


async def test_what_had_no_connection_in_time_is_not_sent_later(
    open_loopback: OpenLoopback, autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    server = Counting()
    server.gate = trio.Event()
    async with open_loopback(server.answer) as url, open_client(url) as client:
        for number in range(REQUESTS_MAX):
            nursery.start_soon(client.send, change(f"/slow/{number}"))
        await trio.testing.wait_all_tasks_blocked(0.01)
        started_s = trio.current_time()
        with pytest.raises(LineLost, match="was not sent"):
            await client.send(change("/late", within_s=5.0))
        assert trio.current_time() - started_s == pytest.approx(5)
        server.gate.set()
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert (await client.get("/next")).status == 200
    assert "/late" not in server.asked


async def test_a_question_does_not_wait_for_orders_that_nobody_answers(
    open_loopback: OpenLoopback, nursery: trio.Nursery
) -> None:
    server = Counting()
    server.gate = trio.Event()

    async def answer(asked: Asked) -> Told:
        return (200, b"{}", {}) if asked[0] == "/question" else await server.answer(asked)

    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(answer) as url, open_client(url) as client:
            for number in range(REQUESTS_MAX):
                nursery.start_soon(client.send, change(f"/slow/{number}"))
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert (await client.get("/question")).status == 200
            server.gate.set()
            await trio.testing.wait_all_tasks_blocked(0.01)


async def test_the_last_word_is_asked_behind_the_wait_for_a_slot_and_can_withhold(
    open_loopback: OpenLoopback, nursery: trio.Nursery
) -> None:
    server = Counting()
    server.gate = trio.Event()
    objection = ""
    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(server.answer) as url, open_client(url) as client:
            for number in range(REQUESTS_MAX):
                nursery.start_soon(client.send, change(f"/slow/{number}"))
            await trio.testing.wait_all_tasks_blocked(0.01)
            refused: list[str] = []

            async def go() -> None:
                if objection:
                    raise OrderRefused(objection)

            async def send_late() -> None:
                try:
                    await client.send(evolve(change("/late"), go=go))
                except OrderRefused as withheld:
                    refused.append(str(withheld))

            nursery.start_soon(send_late)
            await trio.testing.wait_all_tasks_blocked(0.01)
            objection = "the switch was tripped meanwhile"
            server.gate.set()
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert (await client.send(change("/next"))).status == 200
    assert refused == [objection]
    assert "/late" not in server.asked


async def test_what_is_urgent_has_connections_of_its_own(open_loopback: OpenLoopback, nursery: trio.Nursery) -> None:
    server = Counting()
    server.gate = trio.Event()

    async def answer(asked: Asked) -> Told:
        return (204, b"", {}) if asked[0] == "/cancel" else await server.answer(asked)

    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(answer) as url, open_client(url) as client:
            for number in range(REQUESTS_MAX * 2):
                nursery.start_soon(client.get, f"/slow/{number}")
            await trio.testing.wait_all_tasks_blocked(0.01)
            reply = await client.send(Request(method="DELETE", path="/cancel", urgent=True))
            assert (reply.status, reply.body) == (204, b"")
            server.gate.set()
            await trio.testing.wait_all_tasks_blocked(0.01)


async def test_a_pool_that_gives_no_connection_has_not_sent_a_byte(
    open_loopback: OpenLoopback, autojump_clock: trio.testing.MockClock
) -> None:
    server = Counting()
    server.gate = trio.Event()
    async with open_loopback(server.answer) as url:
        pool = build_pool(url, {}, False)
        async with trio.open_nursery() as nursery:
            for number in range(CONNECTIONS_MAX):
                nursery.start_soon(pool.send, Request(path=f"/slow/{number}"))
            await trio.testing.wait_all_tasks_blocked(0.01)
            with pytest.raises(Stale):
                await pool.send(change("/change"))
            server.gate.set()
        await pool.close()
    assert "/change" not in server.asked


async def test_a_body_goes_as_json_and_a_quoted_slash_stays_one(open_loopback: OpenLoopback) -> None:
    seen: list[Asked] = []

    async def answer(asked: Asked) -> Told:
        seen.append(asked)
        return 200, b"{}", {}

    with trio.fail_after(TEST_MAX_S):
        async with open_loopback(answer) as url, open_client(url) as client:
            await client.send(change("/v2/assets/BTC%2FUSD"))
            await client.get("/v2/orders:by_client_order_id", {"client_order_id": "a b&c"})
    assert [(path, params) for path, params, _ in seen] == [
        ("/v2/assets/BTC%2FUSD", {}),
        ("/v2/orders:by_client_order_id", {"client_order_id": "a b&c"}),
    ]
    assert (seen[0][2]["content-type"], seen[0][2]["content-length"]) == ("application/json", str(len(BODY)))
    assert "content-type" not in seen[1][2]


async def test_what_was_given_up_on_a_dead_path_does_not_arrive_when_the_path_is_back(
    open_loopback: OpenLoopback, autojump_clock: trio.abc.Clock
) -> None:
    """A system that is let goes on sending for minutes what its program has closed: an order behind its time."""
    network, server = Network(), Counting()
    with network.use():
        async with open_loopback(server.answer) as url, open_client(url) as client:
            assert (await client.get("/before")).status == 200
            (link,) = network.links.values()
            link.freeze()
            with pytest.raises(LineLost, match="no complete reply"):
                await client.send(change("/change", within_s=10.0))
            await trio.sleep(20)
            link.thaw()
            await trio.sleep(60)
            assert (await client.get("/behind")).status == 200
    assert server.asked == {"/before": 1, "/behind": 1}
