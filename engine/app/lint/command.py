"""``gapless lint`` from flags to exit code: 0 clean, 1 something was found, 2 a flag is wrong."""

import sys
from contextlib import nullcontext, redirect_stdout
from functools import partial

import msgspec

from engine.app.lint.checks import make_checks
from engine.app.lint.child import run_child
from engine.app.lint.flags import LintFlags
from engine.app.lint.setting import plan, set_up
from engine.app.lint.tell import closing_words, exit_code, render, to_json
from engine.app.lint.verdict import Run
from engine.app.logs import configure_logs
from engine.app.replay.options import Replayed, ReplayOptions
from engine.ports.tape import Tape


def lint_command(flags: LintFlags) -> int:
    """Make the checks and tell each verdict as it comes; raises `GaplessError` where nothing can be compared."""
    configure_logs(level="error")  # some thirty replays of one tape have the same to tell
    return lint_with(flags, run_replay)


def lint_with(flags: LintFlags, run: Run) -> int:
    """The same with replays by ``run``."""
    setting = plan(flags)
    verdicts = []
    # With --json stdout holds one object and nothing else, whatever a strategy prints.
    with redirect_stdout(sys.stderr) if flags.json else nullcontext():
        bench = set_up(setting, run, partial(run_child, flags))
        for verdict in make_checks(bench, flags.only):
            verdicts.append(verdict)
            if not flags.json:
                print(render(verdict), flush=True)
    if flags.json:
        print(msgspec.json.encode(to_json(verdicts, bench)).decode(), flush=True)
    else:
        print(closing_words(verdicts, bench), flush=True)
    return exit_code(verdicts)


def run_replay(options: ReplayOptions, tape: Tape) -> Replayed:
    """A replay by the engine."""
    from engine.app.replay.run import replay

    return replay(options, tape)
