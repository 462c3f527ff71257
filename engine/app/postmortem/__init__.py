"""``gapless report``: what became of a recorded session, as one page that needs no network, as text, and as JSON."""

from typing import Final

from engine.app.postmortem.flags import ReportFlags


def report(flags: ReportFlags) -> int:
    """Tell what became of a recorded session: profit, trades, fills, and what happened to its lines."""
    from engine.app.postmortem.command import report_command

    return report_command(flags)


COMMANDS: Final = (
    (
        "report",
        report,
        "Write what became of a recorded session as one page: profit, trades, fills, gaps.",
        (
            "gapless report sessions/2026-03-02T143000Z-sma_cross",
            "gapless report monday -o monday.html",
            "gapless report monday --json",
        ),
    ),
)
"""What `engine.app.cli` registers: name, function, help and examples. Light to import: the work is imported where it
starts."""
