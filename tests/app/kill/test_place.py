"""A kill finds the folder that the engine of this account uses, also when the broker does not say whose it is."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from engine.app.kill.place import Place, find_folder, open_reach
from engine.errors import BrokerUnavailable
from engine.exchange.rest.desks.accounts import ACCOUNT_NUMBER
from engine.testing.simulated import SimulatedExchange

Build = Callable[..., Place]


@pytest.fixture
def states(tmp_path: Path) -> Iterator[Path]:
    """A state home of this test's own: the variable is the interface, so it is set, and put back."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path)
    yield tmp_path / "gapless"
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before


async def found(place: Place) -> Path | None:
    async with open_reach(place) as reach:
        return await find_folder(place, reach)


async def test_the_account_names_the_folder(exchange: SimulatedExchange, place: Build, states: Path) -> None:
    nowhere = evolve(place(exchange, states), state=None)
    assert await found(nowhere) is None
    (states / "exchange-OTHER").mkdir(parents=True)
    assert await found(nowhere) is None, "a folder of another account is not this account's"
    (states / f"exchange-{ACCOUNT_NUMBER}").mkdir()
    assert await found(nowhere) == states / f"exchange-{ACCOUNT_NUMBER}"


async def test_a_folder_that_was_named_is_taken(exchange: SimulatedExchange, place: Build, tmp_path: Path) -> None:
    assert await found(place(exchange, tmp_path)) == tmp_path
    assert await found(place(exchange, tmp_path / "none")) is None


async def test_while_the_broker_is_away_the_only_folder_of_the_venue_will_do(
    exchange: SimulatedExchange, place: Build, states: Path
) -> None:
    away = evolve(place(exchange, states), state=None, trading_url="http://127.0.0.1:9")
    (states / "exchange-ONE").mkdir(parents=True)
    (states / "paper-OTHER").mkdir()
    assert await found(away) == states / "exchange-ONE"
    (states / "exchange-TWO").mkdir()
    with pytest.raises(BrokerUnavailable, match="--state"):
        await found(away)
