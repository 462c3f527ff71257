"""A process that is killed at any moment loses nothing that it was promised, and nothing is there twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from engine.store import open_store, read_store

RUNS = 8
WRITER = """
import sys, time, trio
from pathlib import Path
from engine.model.entry import Heard, Saved
from engine.store import open_store

async def write(store, worker):
    number = 0
    while True:
        number += 1
        store.write_soon(Heard(source=f"soon {worker}", mark=str(number)))
        heard = Heard(source=worker, mark=str(number))
        await store.write(Saved(strategy=f"{worker} {number}", values={"n": number}), heard)
        print(worker, number, flush=True)

async def main():
    async with open_store(Path(sys.argv[1]), now_ns=time.time_ns) as store:
        print("session", store.session, flush=True)
        async with trio.open_nursery() as nursery:
            for worker in "abcde":
                nursery.start_soon(write, store, worker + store.session)

trio.run(main)
"""


def killed_writer(folder: Path, lines: int) -> list[str]:
    """Let it write so many lines, kill it as hard as can be whatever it is at by then, and return what it reported."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    ) as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        told = "".join(first) + process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    return [line for line in told.split("\n")[:-1] if line]


@pytest.mark.slow
async def test_everything_reported_before_a_kill_is_there_once(tmp_path: Path) -> None:
    dice = Random(20)
    promised: dict[str, int] = {}
    sessions = []
    for _ in range(RUNS):
        (_, session), *told = (line.split() for line in killed_writer(tmp_path, dice.randrange(2, 300)))
        sessions.append(session)
        for worker, number in told:
            promised[worker] = int(number)
        remembered = read_store(tmp_path)
        assert remembered.session == session
        for worker, reported in promised.items():
            last = int(remembered.heard[worker])
            written = [n for n in range(1, last + 2) if f"{worker} {n}" in remembered.saved]
            assert last >= reported, "what was reported is there"
            assert written == list(range(1, last + 1)), "what was written in one piece is there in one piece"
            assert int(remembered.heard[f"soon {worker}"]) >= last, "what was to be written soon went with it"
    assert len(promised) == len(set(sessions)) * 5 == RUNS * 5
    async with open_store(tmp_path, now_ns=time.time_ns) as store:
        assert store.remembered.saved == remembered.saved
        assert store.session not in sessions
