"""Alerts: the alarms of a session kept, told in the log, and sent to people, off the loop and never in trading's way.

``gapless alert test`` sends a notice through every channel and says which of them took it.
"""

from typing import Final

from engine.app.alerts.flags import AlertFlags


def alert(flags: AlertFlags) -> int:
    """Send a test notice through every channel, and say for each whether it took it."""
    import trio

    from engine.app.alerts.command import alert_command

    return trio.run(alert_command, flags)


COMMANDS: Final = (
    (
        "alert",
        alert,
        "Send a test notice through every alert channel, and say which took it.",
        (
            "gapless alert test",
            "gapless alert test --config live.toml --json",
        ),
    ),
)
"""What `engine.app.cli` registers: name, function, help and examples. Light to import: the work is imported where it
starts."""
