"""``gapless verify``: run the strategies of a recorded session again, and hold what they ask against what they asked.

It needs no venue, no exchange and no market clock: a strategy is given what crossed to it then, call by call.
"""

from typing import Final

from engine.app.verify.flags import VerifyFlags


def verify(flags: VerifyFlags) -> int:
    """Run a recorded session's strategies again: the same decisions, or the first that differs."""
    from engine.app.verify.command import verify_command

    return verify_command(flags)


COMMANDS: Final = (
    (
        "verify",
        verify,
        "Run a recorded session's strategies again; tell the first decision that differs.",
        (
            "gapless verify sessions/2026-03-02T143000Z-sma_cross",
            "gapless verify monday --strategy sma_cross",
            "gapless verify monday --json",
        ),
    ),
)
"""What `engine.app.cli` registers: name, function, help and examples. Light to import: the work is imported where it
starts."""
