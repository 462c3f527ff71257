"""What each command does with its flags. Light to import: the work is imported where it starts.

Each command is a function of one frozen value, so tests call it without a process.
"""

from pathlib import Path

from engine.app.flags import DoctorFlags, ExchangeFlags, ListFlags, NewFlags, RunFlags


def run(flags: RunFlags) -> int:
    """Run strategies, on the embedded exchange unless told otherwise."""
    import trio

    from engine.app.session import hold_session, plan

    async def session() -> int:
        options, settings = plan(flags.strategies, flags)
        return await hold_session(options, settings, as_json=flags.json)

    return trio.run(session)


def exchange(flags: ExchangeFlags) -> int:
    """Serve the embedded Alpaca on this machine, until Ctrl-C or SIGTERM."""
    import trio

    from engine.app.exchange import plan_exchange, serve_command

    async def serving() -> int:
        return await serve_command(plan_exchange(flags), as_json=flags.json)

    return trio.run(serving)


def list_strategies(flags: ListFlags) -> int:
    """List the strategies that can be run by name, with their parameters."""
    from engine.app.plugins.catalogue import list_all

    return list_all(as_json=flags.json)


def new(flags: NewFlags) -> int:
    """Write NAME.py, a strategy that runs at once; nothing is overwritten."""
    from engine.app.scaffold import write_strategy

    path = write_strategy(flags.name, Path.cwd())
    print(f"Wrote {path.name}. Run it with: gapless run ./{path.name} --for 10")
    return 0


def doctor(flags: DoctorFlags) -> int:
    """Check keys against endpoint, feed against plan, clock and line; each with what to do about it."""
    import trio

    from engine.app.doctor import examine

    return trio.run(examine, flags)
