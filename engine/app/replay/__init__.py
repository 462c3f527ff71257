"""Sessions that run from a tape, in market time: the same decisions each time, as fast as the tape is read."""

from typing import Final

from engine.app.replay.flags import ReplayFlags


def replay(flags: ReplayFlags) -> int:
    """Replay tapes to strategies, in market time; the same decisions each time."""
    from engine.app.replay.command import replay_command

    return replay_command(flags)


COMMANDS: Final = (
    (
        "replay",
        replay,
        "Replay tapes to strategies, in market time; the same decisions each time.",
        (
            "gapless replay spy.parquet sma_cross",
            "gapless replay ./session sma_cross audit --set sma_cross.fast=5",
            "gapless replay a.parquet ./mine.py --from 2026-03-02T14:30 --json",
            "gapless replay a.parquet ./mine.py --schedule 7",
        ),
    ),
)
"""What `engine.app.cli` registers: name, function, help and examples. Light to import: the work is imported where it
starts."""
