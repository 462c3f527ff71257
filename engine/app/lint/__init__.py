"""``gapless lint``: whether a strategy can be trusted in a replay, and live, by running it again and again.

Nothing is read off its code. Each check is a replay under a condition that must not matter (a tape without a future,
other dice, another order of tasks), and a decision that differs is shown from both sides.
"""

from typing import Final

from engine.app.lint.flags import LintFlags


def lint(flags: LintFlags) -> int:
    """Look for what makes a backtest lie or a live run surprise; exit code 1 if anything was found."""
    from engine.app.lint.command import lint_command

    return lint_command(flags)


COMMANDS: Final = (
    (
        "lint",
        lint,
        "Look for look-ahead, races, chance and other traps in strategies.",
        (
            "gapless lint sma_cross",
            "gapless lint ./mine.py --tape spy.parquet --from 2026-03-02T14:30:00Z",
            "gapless lint sma_cross --set symbol=AAPL --only prefix --only future --json",
        ),
    ),
)
"""What `engine.app.cli` registers: name, function, help and examples. Light to import."""
