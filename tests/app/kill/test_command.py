"""``gapless kill`` as a process of its own: beside no engine, beside one that hangs, in words that a person reads."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio

from engine.app.kill.aim import KillReport
from engine.app.kill.command import kill_command
from engine.app.kill.flags import KillFlags
from engine.app.kill.reset import is_word_of
from engine.app.kill.tell import closing_words, sheet_of
from engine.app.screen.tables import render_plain
from engine.core.flatten import Flattened
from engine.errors import Misconfigured
from engine.flow.account.heartbeat import FILE_NAME
from engine.flow.account.killswitch import OUTSIDE
from engine.model.order import Side
from engine.store import Latches
from engine.testing.exchange import Exchange

CLI = [sys.executable, "-m", "engine.app.cli"]
START_MAX_S = 30.0
"""An interpreter and an exchange, on a machine that tests in parallel."""


@pytest.fixture
def gapless(root: Path, tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs the command in a folder without settings, and without anybody's keys."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("APCA", "GAPLESS"))}
    environ |= {"PYTHONPATH": str(root), "HOME": str(tmp_path), "XDG_STATE_HOME": ""}

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*CLI, *words],
            cwd=tmp_path,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_MAX_S,
            check=False,
        )

    return run


@pytest.fixture
def exchange_options() -> dict[str, object]:
    return {"symbols": ("SPY", "QQQ"), "seed": 5}


HANGING = """
import sys
from pathlib import Path
import trio
from engine.store.lock import hold_lock

async def hold():
    with hold_lock(Path(sys.argv[1])):
        print("here", flush=True)
        await trio.sleep_forever()

trio.run(hold)
"""


@pytest.fixture
def hang(root: Path) -> Iterator[Callable[[Path], None]]:
    """Starts an engine that holds the folder of an account, and stops it in its tracks."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(folder: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", HANGING, str(folder)], cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGSTOP)

    yield begin
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def fill_account(exchange: Exchange, engine: Callable[..., Any], folder: Path, orders: int = 3) -> None:
    """A strategy that holds ten shares and has some orders open, and an engine that is gone."""

    async def trade() -> None:
        async with engine(exchange, folder) as running:
            await running.send("trend", Side.BUY, "10")
            for number in range(orders):
                await running.send("trend", Side.BUY, "1", limit=f"1.{number:02}")
            await running.settle()

    with_deadline(trade)


def with_deadline(work: Callable[[], Any]) -> None:
    async def bounded() -> None:
        with trio.fail_after(START_MAX_S):
            await work()

    trio.run(bounded)


@pytest.mark.slow
def test_beside_an_engine_that_hangs_it_is_flat_within_ten_seconds(
    live_exchange: Exchange,
    engine: Callable[..., Any],
    account: Callable[[Exchange], tuple[dict[str, str], int]],
    gapless: Callable[..., "subprocess.CompletedProcess[str]"],
    hang: Callable[[Path], None],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "state"
    fill_account(live_exchange, engine, folder, orders=50)
    assert account(live_exchange) == ({"SPY": "10"}, 50)
    hang(folder)
    done = gapless("kill", "--trading-url", live_exchange.trading_url, "--state", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["flat"], told["latched"], told["warnings"]) == (True, ["account"], [])
    assert told["took_s"] < 10
    assert account(live_exchange) == ({}, 0)
    again = gapless("kill", "--trading-url", live_exchange.trading_url, "--state", str(folder))
    assert again.returncode == 0, again.stderr
    assert "Flat, and no order is open" in again.stdout
    assert Latches(folder).tripped("trend").endswith("somebody ran it.")


@pytest.mark.slow
def test_a_guard_does_the_same_by_itself_when_the_heartbeat_has_stopped(
    live_exchange: Exchange,
    engine: Callable[..., Any],
    account: Callable[[Exchange], tuple[dict[str, str], int]],
    gapless: Callable[..., "subprocess.CompletedProcess[str]"],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "state"
    fill_account(live_exchange, engine, folder)
    (folder / FILE_NAME).write_text('{"pid": 1, "at": 0, "loop_lag_s": 0, "open_orders": 3}')
    where = ("--trading-url", live_exchange.trading_url, "--state", str(folder))
    done = gapless("guard", *where, "--after", "3", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["flat"]
    assert account(live_exchange) == ({}, 0)
    assert "no sign of life for 3 s" in Latches(folder).tripped("trend")


@pytest.mark.slow
def test_a_script_resets_it_with_yes_and_without_is_told_that_a_person_is_asked(
    live_exchange: Exchange, gapless: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    where = ("--trading-url", live_exchange.trading_url, "--state", str(tmp_path))
    for scope in ("account", "trend"):
        Latches(tmp_path).trip(scope, "It lost too much.", "limit", 0)
    done = gapless("kill", *where, "--reset")
    assert (done.returncode, "add --yes" in done.stderr) == (2, True)
    done = gapless("kill", *where, "--reset", "--yes", "--strategy", "trend", "--json")
    assert json.loads(done.stdout) == {"reset": ["trend"], "tripped": {"account": "It lost too much."}}
    done = gapless("kill", *where, "--reset", "--yes")
    assert (done.returncode, done.stdout) == (0, "Reset: account.\n")
    done = gapless("kill", *where, "--reset", "--yes")
    assert (done.returncode, done.stdout) == (0, "Nothing was tripped.\n")


@pytest.mark.slow
def test_what_makes_no_sense_is_a_sentence_and_code_two(
    gapless: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    for words, says in (
        (("kill",), "Venue exchange has no fixed address"),
        (("kill", "--venue", "paper"), "needs keys"),
        (("kill", "--within", "-1"), "--within -1"),
        (("guard", "--after", "1"), "--after 1 is too short"),
    ):
        done = gapless(*words)
        assert (done.returncode, says in done.stderr, done.stdout) == (2, True, ""), done.stderr
    helped = gapless("kill", "--help")
    assert (helped.returncode, "gapless kill --venue paper" in helped.stdout) == (0, True)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (KillFlags(all=True, strategy=("trend",)), "give one of them"),
        (KillFlags(yes=True), "--reset"),
        (KillFlags(config=Path("absent.toml")), "absent.toml"),
    ],
)
async def test_flags_that_contradict_each_other_are_refused_before_anything_is_done(
    flags: KillFlags, says: str
) -> None:
    with pytest.raises(Misconfigured, match=says):
        await kill_command(flags)


def test_the_table_says_what_is_left_and_what_to_do_about_it() -> None:
    report = KillReport(latched=("account",), done=True, took_s=2.5)
    report.symbols = [
        Flattened(symbol="QQQ", flat=False, left=Decimal(5), orders=1, sentence="QQQ: 5 is left: its market is closed"),
        Flattened(symbol="SPY", flat=True, left=Decimal(0)),
        Flattened(symbol="TSLA", flat=False),
    ]
    lines = render_plain(sheet_of(report)).splitlines()
    assert [line.split()[:4] for line in lines[3:]] == [
        ["QQQ", "NOT", "OVER", "5"],
        ["SPY", "flat", "0", "0"],
        ["TSLA", "NOT", "OVER", "?"],
    ]
    words = closing_words(report)
    assert words.startswith("NOT OVER after 2.5 s.")
    assert "account" in words
    assert "Run it again" in words


def test_a_report_of_canceled_orders_does_not_claim_to_be_flat() -> None:
    report = KillReport(cancel_only=True, done=True)
    report.symbols = [Flattened(symbol="SPY", flat=False, left=Decimal(10))]
    assert report.flat
    assert closing_words(report).startswith("No order is open")
    assert "canceled" in render_plain(sheet_of(report))


def test_only_a_word_of_the_reason_resets() -> None:
    reasons = [f"{OUTSIDE}somebody ran it.", "trend: lost 501 dollars today"]
    assert is_word_of(" Somebody\n", reasons)
    assert is_word_of("dollars", reasons)
    for wrong in ("", "\n", "yes", "ran", "it", "some"):
        assert not is_word_of(wrong, reasons), wrong
