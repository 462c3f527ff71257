"""Ctrl-C in the middle of a storm of brackets leaves nothing held and no order open, within the block's deadline.

By default the faults are played that cost orders their answers or their ends, and the impatient person of two Ctrl-C;
``GAPLESS_STORM=all`` plays all of them, and ``python scripts/storm.py ctrl-c`` as many as it is told to.
"""

import signal
from pathlib import Path

import pytest

from engine.testing.chosen import choose
from engine.testing.storm.leave import FAULTS, Leaving, run_leaving
from engine.testing.storm.processes import show_ctrl_c

ONCE, TWICE = (signal.SIGINT,), (signal.SIGINT, signal.SIGINT)
FAILING = {"refuse", "lost_reply", "cancel_loses", "black_hole"}
SOME = [seed for seed, faults in enumerate(FAULTS) if FAILING & {fault["kind"] for fault in faults}]


@pytest.mark.slow
@pytest.mark.parametrize("seed", choose("GAPLESS_STORM", range(len(FAULTS)), SOME))
def test_a_block_that_flattens_is_flat_within_its_deadline(seed: int) -> None:
    came = run_leaving(Leaving(seed=seed))
    assert came.wrong() == []
    assert came.open > 0, "there was nothing to end"


@pytest.mark.slow
@pytest.mark.parametrize("numbers", choose("GAPLESS_STORM", [ONCE, TWICE], [TWICE]), ids=len)
def test_a_process_that_is_interrupted_ends_flat(tmp_path: Path, numbers: tuple[signal.Signals, ...]) -> None:
    shown = show_ctrl_c(tmp_path, *numbers)
    assert list(shown.wrong) == [], "\n".join(shown.lines)
