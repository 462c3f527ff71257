"""One replay in an interpreter of its own: ``python -m engine.app.lint.child``, told what to do on its stdin.

Hashes of text are seeded when an interpreter starts, so another order of sets takes another process. A strategy that
never lets go would hang the command; a process can be ended.
"""

import os
import subprocess
import sys
from contextlib import redirect_stdout
from typing import Final

import msgspec
from attrs import evolve

from engine.app.lint.flags import LintFlags
from engine.app.lint.setting import opener, pack, plan, unpack
from engine.app.lint.verdict import ChildRun, Run, failures
from engine.core.fingerprint import render_decision
from engine.errors import GaplessError

LINES_MAX: Final = 20_000
"""Decisions that are handed over, some 3 MB; the fingerprint is of all of them."""
UNSEALED: Final = "--unsealed"
RUN_MAX_S: Final = 300.0
"""A replay of a million events takes some seconds: what takes five minutes does not end."""


def run_child(flags: LintFlags, *, hash_seed: int, sealed: bool, within_s: float = RUN_MAX_S) -> ChildRun:
    """Replay what the flags say in a new process with this ``PYTHONHASHSEED``, sealed or not."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "engine.app.lint.child", *([] if sealed else [UNSEALED])],
            input=pack(flags),
            env=os.environ | {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ChildRun(trouble=f"it did not end within {within_s:.0f} s.")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return ChildRun(trouble=said[-1] if said else f"exit code {done.returncode}.")
    return msgspec.json.decode(done.stdout, type=ChildRun)


def serve_parent(data: bytes, run: Run, *, sealed: bool = True) -> bytes:
    """The answer to a parent's question: a `ChildRun` as JSON."""
    try:
        setting = plan(unpack(data))
        done = run(evolve(setting.options, sealed=sealed), opener(setting)())
    except GaplessError as error:
        return msgspec.json.encode(ChildRun(trouble=str(error)))
    trouble = next(iter(failures(done).values()), "")
    lines = tuple(f"{render_decision(asked)} ({asked.strategy})" for asked in done.decisions[:LINES_MAX])
    return msgspec.json.encode(ChildRun(fingerprint=done.fingerprint, lines=lines, trouble=trouble))


def main() -> None:
    """Answer what is on stdin; a strategy that prints does so on stderr."""
    from engine.app.lint.command import run_replay
    from engine.app.logs import configure_logs
    from engine.app.logs.streams import redacted_streams

    redact = configure_logs(level="error")
    with redacted_streams(redact), redirect_stdout(sys.stderr):
        answer = serve_parent(sys.stdin.buffer.read(), run_replay, sealed=UNSEALED not in sys.argv)
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
