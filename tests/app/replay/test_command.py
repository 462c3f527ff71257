"""``gapless replay`` as it is typed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.app.cli import run_command
from engine.app.replay.command import plan_replay, split_words
from engine.app.replay.flags import ReplayFlags
from engine.errors import Misconfigured
from tests.app.replay import made

SMA = ("--set", "fast=1", "--set", "slow=2", "--set", "qty=1")


def write_tape(folder: Path, seconds: int = 600) -> Path:
    """Trades of SPY, as a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"symbol": event.symbol, "ts_ns": event.ts_ns, "price": event.price, "size": event.size, "exchange": "V"}
        for event in made.make_events(3, seconds, ("SPY",))
        if event.kind is made.Kind.TRADES
    ]
    path = folder / "spy.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_tapes_and_strategies_are_told_apart_by_their_words(tmp_path: Path) -> None:
    tape = write_tape(tmp_path, 5)
    words = (str(tape), "sma_cross", str(tmp_path), "./mine.py:trend")
    assert split_words(words) == ((tape, tmp_path), ("sma_cross", "./mine.py:trend"))
    with pytest.raises(Misconfigured, match=r"nowhere\.parquet was not found"):
        split_words(("nowhere.parquet",))


@pytest.mark.parametrize(
    ("words", "sentence"), [((), "Say what to replay"), (("sma_cross",), "Say what to replay"), (None, "Say which")]
)
def test_what_is_missing_is_asked_for(words: Sequence[str] | None, sentence: str, tmp_path: Path) -> None:
    given = (str(write_tape(tmp_path, 5)),) if words is None else tuple(words)
    with pytest.raises(Misconfigured, match=sentence):
        plan_replay(ReplayFlags(words=given))


def test_moments_without_a_zone_are_utc(tmp_path: Path) -> None:
    from datetime import datetime

    words = (str(write_tape(tmp_path, 5)), "sma_cross")
    moment = datetime.fromisoformat("2026-03-02T14:30:00.000001")
    options, _ = plan_replay(ReplayFlags(words=words, from_=moment, symbols="SPY, QQQ"))
    assert options.start_ns == made.START_NS + 1000
    assert options.symbols == ("SPY", "QQQ")


@pytest.mark.slow
def test_the_summary_has_orders_fingerprints_and_speed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = str(write_tape(tmp_path))
    assert run_command(["replay", tape, "sma_cross", *SMA]) == 0
    text = capsys.readouterr().out
    assert run_command(["replay", tape, "sma_cross", *SMA, "--json", "--schedule", "9", "--plain"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["replay"]["events"] > 0
    assert told["replay"]["decisions"] > 0
    assert [row["strategy"] for row in told["account"]["orders"]] == ["sma_cross"]
    assert told["replay"]["fingerprint"] in text
    assert told["replay"]["journal_hash"]
    assert "events a" not in text
    assert "market time" in text


def test_a_strategy_that_fails_makes_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = write_tape(tmp_path, 5)
    bad = tmp_path / "bad_one.py"
    bad.write_text(
        "import time\nfrom engine import Context, strategy\n\n\n@strategy()\nasync def bad_one(ctx: Context) -> None:\n"
        "    async with ctx.trades('SPY') as trades:\n        async for _ in trades:\n            time.time()\n"
    )
    assert run_command(["replay", str(tape), str(bad), "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)["strategies"]
    assert f"bad_one called time.time() at {bad}:9" in row["error"]


def test_a_session_is_kept_where_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape, folder = write_tape(tmp_path, 180), tmp_path / "kept"
    assert run_command(["replay", str(tape), "sma_cross", *SMA, "--record", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["settings"]["tapes"] == ["spy.parquet"]
    assert manifest["settings"]["digest"]
    assert manifest["seeds"] == {"session": 1, "schedule": 0}
    orders = (folder / "orders.jsonl").read_text().splitlines()
    assert len(orders) == sum(row["orders"] for row in told["account"]["orders"])
    assert (folder / "decisions.journal").stat().st_size > 100


@pytest.mark.slow
def test_ctrl_c_ends_a_paced_replay_in_order_with_its_summary(tmp_path: Path) -> None:
    teller = tmp_path / "teller.py"
    teller.write_text(
        "from engine import Context, strategy\n\n\n@strategy()\nasync def teller(ctx: Context) -> None:\n"
        "    async with ctx.trades('SPY') as trades:\n        async for _ in trades:\n            ctx.log('it runs')\n"
    )
    command = [sys.executable, "-m", "engine.app.cli", "replay", str(write_tape(tmp_path)), str(teller)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [*command, "--speed", "2", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        while "it runs" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    told = json.loads(out)
    assert told["ended_by"] == "SIGINT"
    assert told["replay"]["market_s"] < 60  # 0 where the signal came with the first event
