"""``gapless record``: write a market down without trading in it. ``gapless journal``: what a session's folder holds."""

from typing import Final

from engine.app.record.flags import JournalFlags, RecordFlags


def record(flags: RecordFlags) -> int:
    """Record market data without a strategy; a session that crashed goes on in its folder."""
    import trio

    from engine.app.record.command import record_command

    return trio.run(record_command, flags)


def journal(flags: JournalFlags) -> int:
    """Show what the folder of a recorded session holds, whole or torn."""
    from engine.app.record.show import journal_command

    return journal_command(flags)


COMMANDS: Final = (
    (
        "record",
        record,
        "Record market data without a strategy.",
        (
            "gapless record --symbols SPY,AAPL --for 60",
            "gapless record monday --venue paper --symbols SPY --channels trades --raw",
            "gapless record --tape spy.parquet --speed 0 --until-tape-ends",
        ),
    ),
    (
        "journal",
        journal,
        "Show what the folder of a recorded session holds.",
        ("gapless journal sessions/monday", "gapless journal sessions/monday --last 20 --json"),
    ),
)
"""What `engine.app.cli` registers: name, function, help and examples. Light to import: the work is imported where it
starts."""
