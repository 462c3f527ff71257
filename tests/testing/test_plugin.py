"""The fixtures work in a project as a strategy author has it, and projects that do not use them notice nothing."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).resolve().parents[2]
Pytest: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]

AUTHOR = """
import time

import httpx
import pytest
import trio

from engine import Context, frozen, strategy

pytestmark = pytest.mark.exchange(symbols="BTC/USD", events_per_s=5.0)


@frozen
class Params:
    symbol: str = "SPY"


@strategy(params=Params)
async def listen(ctx: Context, p: Params) -> None:
    async with ctx.trades(p.symbol) as trades:
        async for trade in trades:
            pass


@pytest.mark.exchange(faults=[{"kind": "cut", "every": "20s"}])
async def test_a_session(exchange):
    began = time.monotonic()
    result = await exchange.run(listener := listen, {"symbol": "BTC/USD"}, for_s=60)
    assert result.delivered and not result.gaps
    assert result.reconnects >= 2
    assert trio.current_time() >= 60 and time.monotonic() - began < 30


async def test_the_real_stack(exchange):
    async with httpx.AsyncClient(headers=exchange.headers) as client:
        assert (await client.get(exchange.trading_url + "/v2/clock")).status_code == 200
        assert set(exchange.published("quotes", "SPY")) == set()


def test_a_plain_client(live_exchange):
    reply = httpx.get(live_exchange.trading_url + "/v2/clock", headers=live_exchange.headers)
    assert reply.status_code == 200


@pytest.mark.trio
async def test_an_async_client(live_exchange):
    async with httpx.AsyncClient(headers=live_exchange.headers) as client:
        assert (await client.get(live_exchange.trading_url + "/v2/clock")).status_code == 200


@pytest.mark.parametrize("seed", [1, 2])
async def test_skips_keep_their_reason(exchange, seed):
    pytest.skip("for a reason of mine")
"""

MISTAKES = """
import pytest


def test_plain(exchange):
    pass


@pytest.mark.exchange(sybmols="SPY")
async def test_misspelt(exchange):
    pass


@pytest.mark.exchange(speeed=1)
def test_misspelt_live(live_exchange):
    pass


@pytest.mark.exchange("SPY")
async def test_no_name(exchange):
    pass


@pytest.mark.exchange(tapes="nowhere.parquet")
def test_no_tape(live_exchange):
    pass


async def test_fails_in_plain_sight(exchange):
    assert exchange.summary()["requests"] == 1
"""

STRANGER = """
import sys

import pytest


@pytest.fixture
def exchange():
    return "mine"


def test_it(exchange):
    assert exchange == "mine"
    assert "trio" not in sys.modules and "engine.exchange" not in sys.modules
"""

CONFTEST = """
import pytest


@pytest.fixture
def exchange_options():
    return {"symbols": ["SPY"], "seed": 5, "events_per_s": 1.0}
"""

OVERRIDDEN = """
import pytest


@pytest.mark.exchange(seed=6)
async def test_the_marker_wins_word_by_word(exchange):
    assert exchange.market.source.symbols == ("SPY",)
    assert exchange.running.plan.seed == 6


async def test_the_options_alone(exchange):
    assert exchange.running.plan.seed == 5
"""


@pytest.fixture
def run_pytest(tmp_path: Path) -> Pytest:
    """Run pytest on a test file in a folder of its own, as its author would."""

    def run(text: str, *options: str, **files: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # look no further for settings
        (tmp_path / "test_it.py").write_text(text, encoding="utf-8")
        for name, content in files.items():
            (tmp_path / f"{name}.py").write_text(content, encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "engine.testing.plugin", "-p", "no:cacheprovider", "-ra",
             "--strict-markers", "-W", "error", *options, "test_it.py"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )  # fmt: skip

    return run


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["true", "false"])
def test_an_author_needs_nothing_but_the_fixture(run_pytest: Pytest, mode: str) -> None:
    done = run_pytest(AUTHOR, "-o", f"trio_mode={mode}")
    assert "4 passed, 2 skipped" in done.stdout, done.stdout
    assert done.stdout.count("for a reason of mine") >= 1


@pytest.mark.slow
def test_every_mistake_is_one_sentence(run_pytest: Pytest) -> None:
    told = run_pytest(MISTAKES).stdout
    for sentence in (
        "The fixture 'exchange' lives in virtual time: write 'async def test_plain'",
        "test_misspelt: The exchange of a test has no option 'sybmols'; did you mean 'symbols'?",
        "test_misspelt_live: The exchange of a test has no option 'speeed'; did you mean 'speed'?",
        "@pytest.mark.exchange takes names and values",
        "nowhere.parquet",
        "assert 0 == 1",
    ):
        assert sentence in told, told
    assert "ExceptionGroup" not in told
    assert "1 failed, 5 errors" in told


@pytest.mark.slow
def test_a_fixture_of_the_same_name_is_left_alone(run_pytest: Pytest) -> None:
    done = run_pytest(STRANGER, "-p", "no:trio", "-p", "no:anyio")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_without_pytest_trio_the_fixture_says_what_to_install(run_pytest: Pytest) -> None:
    done = run_pytest("async def test_it(exchange):\n    pass\n", "-p", "no:trio")
    assert "The fixture 'exchange' needs pytest-trio: install it" in done.stdout, done.stdout


@pytest.mark.slow
def test_a_project_says_once_what_its_exchanges_play(run_pytest: Pytest) -> None:
    done = run_pytest(OVERRIDDEN, conftest=CONFTEST)
    assert "2 passed" in done.stdout, done.stdout
