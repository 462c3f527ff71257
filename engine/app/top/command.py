"""``gapless top`` from flags to exit code: 0 left, 2 which engine is not clear, 4 the engine is away."""

import os
import sys
from typing import Final

from engine.app.screen.view import wants_tables
from engine.app.top.attach import Found, attach_to, choose, find_engines, look_once, read_line
from engine.app.top.draw import render_text
from engine.app.top.flags import TopFlags
from engine.app.top.place import runtime_folder
from engine.errors import Misconfigured

JSON_EVERY_S: Final = 1.0
"""A program that follows gets a line a second; what it stores of that is its own."""
TEXT_EVERY_S: Final = 5.0
"""As often as ``gapless run`` writes its line where there is no terminal."""


async def top_command(flags: TopFlags) -> int:
    """Show an engine once or until somebody leaves. Raises `GaplessError`."""
    if len(flags.engine) > 1:
        raise Misconfigured(f"One engine is looked at, and {len(flags.engine)} were named.")
    found = choose(await find_engines(runtime_folder(os.environ)), flags.engine[0] if flags.engine else "")
    if flags.once:
        _print(await look_once(found.path), as_json=flags.json)
    elif wants_tables(as_json=flags.json, isatty=sys.stdout.isatty):
        from engine.app.top.view import show_live

        await show_live(found.path)
    else:
        await _follow(found, as_json=flags.json)
    return 0


async def _follow(found: Found, *, as_json: bool) -> None:
    """One overview after the other on stdout. Raises `EngineAway` when the engine ends."""
    async with attach_to(found.path, "stream", JSON_EVERY_S if as_json else TEXT_EVERY_S) as attached:
        while True:
            _print(await attached.next_line(), as_json=as_json)


def _print(line: bytes, *, as_json: bool) -> None:
    seen = read_line(line)  # also before it is printed as it came: a refusal is no overview
    sys.stdout.write((line.decode() if as_json else render_text(seen) + "\n") + "\n")
    sys.stdout.flush()
