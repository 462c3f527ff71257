"""Law: every command line ends with its own exit code and at most one sentence, and ``--json`` prints one object."""

import json
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from loguru import logger

from engine.app.cli import build_app, run_command

COMMAND = (sys.executable, "-m", "engine.app.cli")
HELP_CPU_S = 0.5
"""A third of this is usual; a machine that tests in parallel is slower."""
HELP_COLUMNS_MAX = 80
CRASH = """
from engine import Context, strategy

@strategy()
async def crash(ctx: Context) -> None:
    raise ValueError("boom")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to call the command from, without settings of the person who runs the tests."""
    handlers = logging.getLogger().handlers[:]
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(("GAPLESS_", "APCA_"))}
    with chdir(tmp_path):
        yield tmp_path
    os.environ.update(kept)
    logger.remove()
    logging.getLogger().handlers[:] = handlers


def environment() -> dict[str, str]:
    """The environment of a process that finds the packages under test from any folder."""
    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


@pytest.mark.parametrize("tokens", [[], *([name] for name in build_app().commands)])
def test_help_is_quick_and_has_examples(tokens: list[str]) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*COMMAND, *tokens, "--help"], capture_output=True, text=True, env=environment(), check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Examples:\n  gapless " in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= HELP_COLUMNS_MAX
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < HELP_CPU_S


@pytest.mark.parametrize(
    ("tokens", "code", "part"),
    [
        (["rnu"], 2, "Did you mean"),
        (["--josn"], 2, "--josn"),
        (["run", "--fro", "3", "audit"], 2, "'--for'"),
        (["run", "audit", "--venue", "papr"], 2, "'papr' is not one of 'exchange', 'paper', 'live'"),
        (["run", "audit", "--tape"], 2, "--tape needs a value"),
        (["run", "audit", "--tape", "--speed", "0"], 2, "--tape needs a value"),
        (["run", "audit", "--json=false"], 2, "'--json' does not take a value. See: gapless run --help"),
        (["list", "more"], 2, "(more). See: gapless list --help"),
        (["new"], 2, "NAME"),
        (["exchange", "--start", "soon"], 2, "ISO 8601"),
        (["exchange", "--port", "70000"], 2, "--port 70000"),
        (["run", "--for", "soon", "audit"], 2, "--for"),
        (["run"], 2, "Say which strategy to run"),
        (["run", "nowhere"], 2, "was not found"),
        (["run", "audit", "--set", "otu=x"], 2, "did you mean 'out'"),
        (["run", "audit", "--venue", "paper"], 2, "APCA_API_KEY_ID"),
        (["run", "audit", "--tape", "missing.parquet"], 2, "missing.parquet"),
        (["run", "audit", "--until-tape-ends"], 2, "--tape"),
        (["run", "audit", "--data-stream-url", "ws://127.0.0.1:1", "--speed", "2"], 2, "--speed"),
        (["run", "audit", "--log-file", "/"], 2, "cannot be written"),
        (["run", "audit", "--set", "out=no/such/folder/x"], 2, "audit cannot write"),
        (["run", "sma_cross", "--limit", "sma_corss.order_qty=5"], 2, "no such strategy is run; there are: sma_cross"),
        (["run", "sma_cross", "--limit", "sma_cross.order_qty"], 2, "NAME=VALUE"),
        (["run", "sma_cross", "--shadow", "--state", "kept"], 2, "--state has no use with --shadow"),
        (["new", "2fast"], 2, "cannot be the name"),
        (["doctor"], 1, ""),
    ],
)
def test_a_command_line_that_cannot_work_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tokens: list[str], code: int, part: str
) -> None:
    assert run_command(tokens) == code
    told = capsys.readouterr().err
    assert part in told
    assert len(told.splitlines()) == (1 if part else 0)
    assert "Traceback" not in told


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "nowhere", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_new_and_run_work_hand_in_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["new", "mine"]) == 0
    assert run_command(["run", "./mine.py", "--for", "0.2"]) == 0
    out = capsys.readouterr().out
    assert "gapless run ./mine.py" in out
    assert "Session ended by for" in out


def test_json_is_one_object_on_stdout_whatever_a_strategy_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "print_events", "--for", "0.5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ended_by"] == "for"
    assert told["conservation"]["holds"] is True
    assert {row["kind"] for row in told["streams"]} == {"trades"}


def test_a_strategy_that_crashes_is_told_and_costs_the_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "crash.py").write_text(CRASH)
    assert run_command(["run", "./crash.py", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ended_by"] == "strategies"
    assert "boom" in told["strategies"][0]["error"]


def test_list_tells_parameters_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["list", "--json"]) == 0
    told = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert [parameter["name"] for parameter in told["audit"]["parameters"]] == ["symbols", "channels", "out"]


@pytest.mark.parametrize("tokens", [[], ["--debug"], ["-h"]])
def test_nothing_asked_is_answered_with_help(capsys: pytest.CaptureFixture[str], tokens: list[str]) -> None:
    assert run_command(tokens) == 0
    assert capsys.readouterr().out.startswith("Usage: gapless")


@pytest.mark.parametrize("tokens", [["--version"], ["run", "--version"]])
def test_version_is_told(capsys: pytest.CaptureFixture[str], tokens: list[str]) -> None:
    assert run_command(tokens) == 0
    assert capsys.readouterr().out.startswith("gapless")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_in_order_with_the_summary(folder: Path, number: signal.Signals, code: int) -> None:
    tokens = ["run", "print_events", "--json"]
    with subprocess.Popen(
        [*COMMAND, *tokens], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=folder
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()  # the first printed event: the session runs
        process.send_signal(number)
        out, _ = process.communicate(timeout=10)
    assert process.returncode == code
    assert json.loads(out)["ended_by"] == number.name
