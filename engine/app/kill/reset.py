"""``gapless kill --reset``: a person lets orders be sent again, having read why they were stopped.

It asks for a word of the reason, because "are you sure" is answered before it is read. A script says ``--yes``.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import trio

from engine.app.kill.flags import KillFlags
from engine.app.kill.place import Place, find_folder, open_reach
from engine.errors import Misconfigured
from engine.store import Latches

KEPT: Final = 4
"""The exit code when a person answered otherwise: it stays tripped."""
WORD_MIN: Final = 4
"""Letters of a word that nobody types without having looked."""


async def reset(place: Place, flags: KillFlags) -> int:
    """Free what is tripped, or the named strategies alone; 0 when it is free. Raises `Misconfigured`, `StoreFailed`."""
    async with open_reach(place) as reach:
        folder = await find_folder(place, reach)
    if folder is None:
        raise Misconfigured("There is no state folder of this account, so nothing is tripped. Name it by --state.")
    latches = Latches(folder)
    standing = latches.all()
    wanted = {scope: standing[scope] for scope in sorted(standing) if not flags.strategy or scope in flags.strategy}
    if not flags.yes and wanted and not await trio.to_thread.run_sync(_agreed, wanted):
        sys.stderr.write("gapless: that is no word of a reason: it stays tripped.\n")
        return KEPT
    for scope in wanted:
        latches.reset(scope)
    left = latches.all()
    if flags.json:
        print(msgspec.json.encode({"reset": list(wanted), "tripped": dict(left)}).decode(), flush=True)
    else:
        print(_told(wanted, left), flush=True)
    return 0


def _told(freed: Mapping[str, str], left: Mapping[str, str]) -> str:
    lines = [f"Reset: {', '.join(freed)}." if freed else "Nothing was tripped."]
    lines += [f"Still tripped: {scope}: {reason}" for scope, reason in left.items()]
    return "\n".join(lines)


def _agreed(wanted: Mapping[str, str]) -> bool:
    """Show the reasons and ask for a word of one of them."""
    if not sys.stdin.isatty():
        raise Misconfigured("--reset asks a person, and nobody is at this terminal: add --yes.")
    for scope, reason in wanted.items():
        print(f"{scope} is tripped: {reason}")
    print(
        f"To let orders be sent again, type one word of the reason ({WORD_MIN} letters or more): ", end="", flush=True
    )
    return is_word_of(sys.stdin.readline(), wanted.values())


def is_word_of(answer: str, reasons: Iterable[str]) -> bool:
    """Whether the answer is one of the longer words of a reason, in whatever case."""
    words = {word for reason in reasons for word in re.findall(r"\w+", reason.lower()) if len(word) >= WORD_MIN}
    return answer.strip().lower() in words
