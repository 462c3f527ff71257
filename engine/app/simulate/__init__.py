"""``gapless simulate``: the engine and the exchange in one process, in virtual time, with everything going wrong.

A seed is a session, always the same one. What it breaks of the thirty invariants
(`engine.testing.simulate.invariants`) is shrunk to the fewest faults that still break it, told as a timeline, and kept
as a file that ``--plan`` plays again.
"""

from typing import Final

from engine.app.simulate.flags import SimulateFlags


def simulate(flags: SimulateFlags) -> int:
    """Play seeds of simulated sessions full of faults, and hold each to the invariants."""
    from engine.app.simulate.command import simulate_command

    return simulate_command(flags)


COMMANDS: Final = (
    (
        "simulate",
        simulate,
        "Hunt bugs of the engine: simulated sessions with faults of every kind.",
        (
            "gapless simulate --seeds 20",
            "gapless simulate --seeds 1000 --hours 1 --jobs 2 --json",
            "gapless simulate --seeds 1 --first-seed 17",
            "gapless simulate --plan simulate-plans/seed-17.json",
        ),
    ),
)
"""What `engine.app.cli` registers."""
