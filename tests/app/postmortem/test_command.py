"""``gapless report`` on a session that was really run: the embedded exchange, faults, orders, and its own figures."""

import json
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
import trio

from engine import Context, strategy
from engine.app.cli import run_command
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.app.postmortem.story import tell_story
from engine.app.report import SessionReport
from engine.exchange.faults import parse_faults
from engine.exchange.serve import ExchangeOptions, open_exchange
from engine.store.session import read_closing
from engine.testing.inline import run_inline
from tests.app.postmortem import made


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    with chdir(tmp_path):
        yield tmp_path


@strategy()
async def flips(ctx: Context) -> None:
    """Buys, and sells what it bought, over and over."""
    async with ctx.orders(on_exit="flatten", within=5), ctx.quotes("SPY", full="latest"):
        while True:
            await ctx.target("SPY", 5)
            await trio.sleep(3)
            await ctx.target("SPY", 0)
            await trio.sleep(2)


async def run_session(folder: Path) -> SessionReport:
    """A minute at an exchange that cuts the line once."""
    faults = parse_faults('[[fault]]\nkind = "cut"\nafter_events = 300\n')
    options = ExchangeOptions(symbols=("SPY",), events_per_s=20.0, burst=False, faults=faults)
    loaded = (LoadedStrategy(flips, None, "flips"),)
    async with open_exchange(options) as running:
        return await run_live(
            RunOptions(strategies=loaded, for_s=60.0, record_dir=folder, state=folder.parent / "state"),
            exchange=running,
            run_sync=run_inline,
        )


async def test_a_session_that_was_run_is_told_as_it_told_itself(
    autojump_clock: trio.abc.Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = await run_session(tmp_path / "s")
    assert ran.account is not None
    story = tell_story(tmp_path / "s")
    assert story.figures.profit == pytest.approx(float(ran.account.orders[0].profit), abs=0.01)
    assert sum(order.fills for order in story.filled) == ran.account.orders[0].fills > 10
    assert story.figures.trades > 5
    assert story.capital == pytest.approx(100_000, abs=1)
    assert story.capital_from.startswith("the account's equity")
    assert sum(one.events for one in story.market.streams.values()) == story.manifest.last_seq
    (lane,) = [lane for lane in story.timeline.lanes if lane.name == "line iex"]
    assert "down" in [one.state for one in lane.stretches]
    assert story.market.lags["quotes"].events > 100
    judged = [order for order in story.filled if order.half_spread_bps is not None]
    assert len(judged) > 10  # the first may have been decided before the first quote
    assert all(order.slippage_bps is not None and abs(order.slippage_bps) < 50 for order in judged)
    closing = read_closing(tmp_path / "s")
    assert closing["ended_by"] == "for"
    assert closing["feeds"][0]["restarts"] == ran.feeds[0].restarts == 1
    assert closing["conservation"]["holds"]

    assert run_command(["report", "s", "-o", "page.html"]) == 0
    said = capsys.readouterr().out
    assert "The page is page.html." in said
    assert "flips" in said
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not (tmp_path / "s" / "report.html").exists()
    assert run_command(["report", "s", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["measures"]["profit"] == story.figures.profit
    assert told["measures"]["sharpe"] == story.figures.sharpe
    assert len(told["trades"]) == told["trades_in_all"] == len(story.trips)
    assert told["finished"]
    assert not (tmp_path / "s" / "report.html").exists()


def test_a_replay_is_told_with_the_prices_of_its_tape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    rows = [
        {"symbol": "SPY", "ts_ns": made.OPEN_NS + minute * made.MINUTE_NS, "open": close, "high": close + 0.1,
         "low": close - 0.1, "close": close, "volume": 1000.0}
        for minute in range(60)
        for close in [100 + 3 * ((minute * 7919) % 50) / 50]
    ]  # fmt: skip
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "spy.parquet")
    line = ["replay", "spy.parquet", "sma_cross", "--set", "fast=3", "--set", "slow=8", "--record", "r", "--json"]
    assert run_command(line) == 0
    replayed = json.loads(capsys.readouterr().out)
    assert run_command(["report", "r", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["measures"]["profit"] == pytest.approx(float(replayed["account"]["orders"][0]["profit"]), abs=0.01)
    assert told["closing"]["ended_by"] == "tape"
    assert told["capital"] == 100_000


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["report", "nowhere"], "holds no recorded session"),
        (["report", "s", "--capital", "0"], "an amount of dollars above 0"),
        (["report", "s", "-o", "no/such/place.html"], "cannot be written"),
        (["report", "s", "--tape", "no.parquet"], "no.parquet"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    line: list[str], says: str, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    made.write_session(folder / "s", manifest=made.manifest_of(venue="replay"))
    assert run_command(line) == 2
    told = capsys.readouterr().err
    assert says in told
    assert "Traceback" not in told


def test_the_page_is_the_users_alone_and_replaced_as_a_whole(folder: Path) -> None:
    made.write_session(folder / "s")
    (folder / "s" / "report.html").write_text("old", encoding="utf-8")
    assert run_command(["report", "s"]) == 0
    page = folder / "s" / "report.html"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert page.stat().st_mode & 0o777 == 0o600
    assert not list(folder.rglob("*.new"))
