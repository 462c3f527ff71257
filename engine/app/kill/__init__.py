"""``gapless kill``: stop trading and get out, from another process, whatever the engine is doing.

It shares nothing with a running engine but the files of the state folder. First the latch is written, which the engine
obeys from its next send on and after any restart; then the broker is spoken to directly, because an engine that hangs
cannot be asked. The engine in turn does not flatten for a latch that was written here: two that close one position
would open the opposite one.

Without ``--all`` only what the strategies of this folder's order file hold is closed, and only their orders are
canceled: a person's own positions on the account are not ours to sell.
"""

from typing import Final

from engine.app.kill.flags import GuardFlags, KillFlags


def kill(flags: KillFlags) -> int:
    """Trip the kill switch, cancel and flatten; works without a running engine and beside one that hangs."""
    import trio

    from engine.app.kill.command import kill_command

    return trio.run(kill_command, flags)


def guard(flags: GuardFlags) -> int:
    """Watch an engine's heartbeat, and do what ``kill`` does when it stops."""
    import trio

    from engine.app.kill.guard import guard_command

    return trio.run(guard_command, flags)


COMMANDS: Final = (
    (
        "kill",
        kill,
        "Stop trading: cancel and flatten, whatever the engine does.",
        (
            "gapless kill --venue paper",
            "gapless kill --venue paper --strategy sma_cross --cancel-only",
            "gapless kill --venue live --all --json",
            "gapless kill --venue paper --reset",
        ),
    ),
    (
        "guard",
        guard,
        "Watch an engine, and do what 'kill' does when its heartbeat stops.",
        ("gapless guard --venue paper --after 30", "gapless guard --venue live --cancel-only"),
    ),
)
"""What `engine.app.cli` registers: name, function, help and examples. Light to import: the work is imported where it
starts."""
