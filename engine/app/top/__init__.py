"""``gapless top``: one look at a running engine, from another terminal.

An engine serves its overview on a local socket that only its user can open; looking at it costs it a millisecond or
two four times a second, and who looks and does not read is dropped. Nothing can be done to an engine this way.
"""

from typing import Final

from engine.app.top.flags import TopFlags


def top(flags: TopFlags) -> int:
    """Show a running engine: tasks, channels, orders, positions, gaps, alarms."""
    import trio

    from engine.app.top.command import top_command
    from engine.errors import Misconfigured

    if not hasattr(trio.socket, "AF_UNIX"):
        raise Misconfigured("gapless top needs Unix sockets, which this system has not; use the dashboard instead.")
    return trio.run(top_command, flags)


COMMANDS: Final = (
    (
        "top",
        top,
        "Look at a running engine: what it does, holds, and lacks.",
        ("gapless top", "gapless top sma_cross", "gapless top --once --json"),
    ),
)
"""What `engine.app.cli` registers: name, function, help and examples. Light to import: the work is imported where it
starts."""
