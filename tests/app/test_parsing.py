"""Law: a command line becomes one value of flags; what may be given several times may be written in every usual way."""

import shlex
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from engine.app.flags import ExchangeFlags, NewFlags, RunFlags
from engine.app.parsing import build_command

A, B = Path("a.parquet"), Path("b.parquet")


def flags_of(line: str, command: str) -> RunFlags | ExchangeFlags | NewFlags:
    """What ``line`` says to one of three commands."""
    said: list[RunFlags | ExchangeFlags | NewFlags] = []

    def run(flags: RunFlags) -> int:
        said.append(flags)
        return 0

    def exchange(flags: ExchangeFlags) -> int:
        said.append(flags)
        return 0

    def new(flags: NewFlags) -> int:
        said.append(flags)
        return 0

    commands = (
        build_command("run", run, "", (), ""),
        build_command("exchange", exchange, "", (), ""),
        build_command("new", new, "", (), ""),
    )
    chosen = next(each for each in commands if each.name == command)
    with chosen.make_context(command, shlex.split(line)) as ctx:
        job = chosen.invoke(ctx)
    assert not said, "parsing runs nothing"
    assert job() == 0
    return said[0]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", RunFlags()),
        ("audit ./x.py:y", RunFlags(strategies=("audit", "./x.py:y"))),
        ("--for 1.5 audit --json", RunFlags(strategies=("audit",), for_s=1.5, json=True)),
        ("--set a=1 --set b=x=y", RunFlags(sets=("a=1", "b=x=y"))),
        ("--set=--odd", RunFlags(sets=("--odd",))),
        ("--feed iex --feed crypto:us-1", RunFlags(feed=("iex", "crypto:us-1"))),
        (
            "--venue paper --encoding json --log-level debug",
            RunFlags(venue="paper", encoding="json", log_level="debug"),
        ),
        ("--until-tape-ends --seed 3 --speed 0", RunFlags(until_tape_ends=True, seed=3, speed=0.0)),
        ("audit --tape a.parquet --tape b.parquet", RunFlags(strategies=("audit",), tape=(A, B))),
        ("audit --tape a.parquet b.parquet", RunFlags(strategies=("audit",), tape=(A, B))),
        ("audit --tape=a.parquet b.parquet --json", RunFlags(strategies=("audit",), tape=(A, B), json=True)),
        ("--tape a.parquet b.parquet audit", RunFlags(strategies=("audit",), tape=(A, B))),
        ("--tape odd.name -- --speed", RunFlags(strategies=("--speed",), tape=(Path("odd.name"),))),
        ("--speed -1", RunFlags(speed=-1.0)),
        ("--symbols A,B --symbols C", RunFlags(symbols="A,B,C")),
        ("audit --dashboard", RunFlags(strategies=("audit",), dashboard=0)),
        ("--dashboard audit", RunFlags(strategies=("audit",), dashboard=0)),
        ("audit --dashboard 8080 sma_cross", RunFlags(strategies=("audit", "sma_cross"), dashboard=8080)),
        ("--dashboard=8080 --seed 3", RunFlags(dashboard=8080, seed=3)),
        ("--data-stream-url ws://h --log-file f", RunFlags(data_stream_url="ws://h", log_file=Path("f"))),
    ],
)
def test_a_line_of_run_becomes_its_flags(line: str, expected: RunFlags) -> None:
    assert flags_of(line, "run") == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ExchangeFlags()),
        ("--tape a.parquet odd.name --speed 100", ExchangeFlags(tape=(A, Path("odd.name")), speed=100.0)),
        ("--symbols A,B C --port 0", ExchangeFlags(symbols="A,B,C")),
        ("--keys K:a L:b --even", ExchangeFlags(keys=("K:a", "L:b"), even=True)),
        ("--start 2026-01-05", ExchangeFlags(start=datetime.fromisoformat("2026-01-05"))),
        ("--start 2026-01-05T14:30:00Z", ExchangeFlags(start=datetime(2026, 1, 5, 14, 30, tzinfo=UTC))),
    ],
)
def test_a_line_of_exchange_becomes_its_flags(line: str, expected: ExchangeFlags) -> None:
    assert flags_of(line, "exchange") == expected


def test_a_word_that_is_asked_for_is_needed() -> None:
    assert flags_of("trend", "new") == NewFlags(name="trend")
    with pytest.raises(click.MissingParameter):
        flags_of("", "new")


@pytest.mark.parametrize("line", ["--tape", "--tape --speed 0", "--tape a.parquet --tape", "--fro 3", "--feed x"])
def test_a_line_without_sense_is_refused(line: str) -> None:
    with pytest.raises(click.UsageError):
        flags_of(line, "run")
