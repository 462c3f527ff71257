"""The inside of the processes of `engine.testing.crash.processes`: loads the engine, forks for each task, dies on time.

Run as ``python -m engine.testing.crash.forked``: a task as JSON on each line of its input, the exit code of each on a
line of its output.
"""

import os
import signal
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec
import trio
from attrs import define, field
from trio.testing import MockClock

from engine.app.account import AccountSide
from engine.app.live import run_live
from engine.app.options import Endpoints, LoadedStrategy, RunOptions
from engine.app.secrets import Secret
from engine.ports.steps import Step
from engine.testing.crash.processes import Point, Task
from engine.testing.crash.stunts import NAME, PLAYS, Told, onlooker, stunts

ALARM_S: Final = 60
"""A process that takes longer than this hangs, and is ended by the machine's alarm clock. Wall time."""


@define(eq=False)
class Deadly:
    """A probe that writes down each step, and ends the process at one of them."""

    steps: int
    """Descriptor of the file that the steps are written to."""
    dies: Point | None
    _passed: Counter[Step] = field(factory=Counter)

    def __call__(self, step: Step) -> None:
        self._passed[step] += 1
        os.write(self.steps, f"{step}\n".encode())
        if self.dies == Point(step, self._passed[step]):
            os.kill(os.getpid(), signal.SIGKILL)


async def come_to_rest(account: AccountSide, quiet_s: float) -> None:
    """Until the books were compared with the broker's, nothing is open to question, and a kill switch is through."""
    desk = account.desk
    await desk.settle()
    while True:
        await trio.sleep(quiet_s)
        await desk.reconcile()
        ended = not account.killed or not (desk.blotter.open_tickets() or desk.blotter.positions(NAME))
        if not (desk.gate.account_blocked or desk.blotter.unresolved()) and ended:
            return


async def perform(task: Task, probe: Deadly) -> bytes:
    """One session against the exchange of a task; what its strategy told, as JSON."""
    told = Told()
    loaded = {
        "stunts": LoadedStrategy(stunts, PLAYS.get(task.play), NAME),
        "onlooker": LoadedStrategy(onlooker, told, NAME),
    }[task.strategy]
    options = RunOptions(
        strategies=(loaded,),
        endpoints=Endpoints(**task.urls),
        key_id=Secret("PKCRASH"),
        secret=Secret("crash-secret"),
        state=Path(task.state),
    )

    async def beside(account: AccountSide) -> None:
        await come_to_rest(account, task.quiet_s)
        told.rested.set()

    looks = beside if task.strategy == "onlooker" else None
    report = await run_live(options, probe=probe, beside=looks)
    failed = [row.error for row in report.strategies if row.error]
    if failed:
        raise SystemExit(f"the strategy failed: {failed}")
    return msgspec.json.encode(told.seen)


def run_task(task: Task) -> None:
    """Be the process of a task, to its end."""
    signal.alarm(ALARM_S)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    log = os.open(f"{task.out}.log", flags)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    probe = Deadly(os.open(f"{task.out}.steps", flags), task.dies)
    told = trio.run(perform, task, probe, clock=MockClock(rate=task.rate))
    Path(f"{task.out}.json").write_bytes(told)


def serve() -> None:
    """Fork for each task, and say how it ended."""
    for line in sys.stdin.buffer:
        task = msgspec.json.decode(line, type=Task)
        child = os.fork()
        if child == 0:
            try:
                run_task(task)
            except BaseException:  # noqa: ASYNC103, BLE001 - the end of this process: told in its log and exit code
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
