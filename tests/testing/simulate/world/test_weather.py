"""Names and hosts that are away are so for whoever connects, for as long as was said; the dead reach nobody."""

import socket
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from engine.testing.network import OWNER, Network
from engine.testing.simulate.world.weather import NAMES, SimulatedWeather

PORT = 9


class Stand:
    """A network with a weather, and somebody who listens on it."""

    def __init__(self) -> None:
        self.dials: list[tuple[int, str, str]] = []
        self.weather = SimulatedWeather(Counter(), lambda *told: self.dials.append(told))
        self.network = Network(NAMES, weather=self.weather)


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    made = Stand()
    with made.network.use():
        (listener,) = await trio.open_tcp_listeners(PORT, host="0.0.0.0")
        yield made
        await listener.aclose()


async def connect(road: str = "stream") -> trio.SocketStream:
    OWNER.set(OWNER.get() or 1)
    return await trio.open_tcp_stream(f"{road}.sim", PORT)


async def test_a_fine_day_is_no_obstacle_and_each_road_has_its_name(autojump_clock: Any, stand: Stand) -> None:
    for road in ("stream", "account", "data", "trading"):
        await connect(road)
    assert [dial[1:] for dial in stand.dials] == [
        ("stream", "made"), ("account", "made"), ("data", "made"), ("trading", "made"),
    ]  # fmt: skip


async def test_a_host_refuses_on_its_road_alone_and_for_its_time(autojump_clock: Any, stand: Stand) -> None:
    stand.weather.rise("net_refuse", ("stream",), 10)
    with pytest.raises(OSError, match="all attempts to connect") as failed:
        await connect("stream")
    cause = failed.value.__cause__
    assert isinstance(cause, ExceptionGroup)
    assert isinstance(cause.exceptions[0], ConnectionRefusedError)
    await connect("data")
    await trio.sleep(11)
    await connect("stream")
    assert stand.weather.hits == {"net_refuse": 1}


async def test_a_name_that_is_not_found(autojump_clock: Any, stand: Stand) -> None:
    stand.weather.rise("net_no_name", ("trading",), 10)
    with pytest.raises(socket.gaierror):
        await connect("trading")
    assert stand.dials == [(1, "trading", "no name")]


async def test_a_host_that_says_nothing_is_connected_to_when_it_does(autojump_clock: Any, stand: Stand) -> None:
    stand.weather.rise("net_hang", ("stream",), 20)
    await connect("stream")
    assert trio.current_time() == pytest.approx(20)
    assert [dial[2] for dial in stand.dials] == ["hung", "made"]


async def test_who_waits_for_longer_than_anybody_is_to_is_told_of(autojump_clock: Any, stand: Stand) -> None:
    stand.weather.rise("net_hang", ("stream",), 100)
    await connect("stream")
    assert trio.current_time() == pytest.approx(100)
    assert [dial[2] for dial in stand.dials] == ["hung", "sat out"]


async def test_clear_weather_wakes_who_waits(autojump_clock: Any, stand: Stand) -> None:
    stand.weather.rise("net_hang", ("stream",), 1000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect)
        await trio.sleep(5)
        stand.weather.clear()
    assert trio.current_time() == pytest.approx(5)


async def test_the_dead_have_no_answer_and_nobody_hears_of_them(autojump_clock: Any, stand: Stand) -> None:
    stand.weather.dead.append(1)
    with trio.move_on_after(1000) as patience:
        await connect()
    assert patience.cancelled_caught
    assert not stand.dials
