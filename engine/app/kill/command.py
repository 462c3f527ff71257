"""``gapless kill`` from flags to exit code: 0 flat, 4 not flat within the time, 2 a flag or a setting is wrong."""

from typing import Final

from engine.app.kill.act import kill
from engine.app.kill.aim import Aim
from engine.app.kill.flags import KillFlags
from engine.app.kill.place import find_place
from engine.app.kill.reset import reset
from engine.app.kill.tell import tell
from engine.errors import Misconfigured

BY_HAND: Final = "somebody ran it."


async def kill_command(flags: KillFlags) -> int:
    """Trip the switch and get out, or with ``--reset`` let orders be sent again. Raises `GaplessError`."""
    if flags.all and flags.strategy:
        raise Misconfigured("--all means everything on the account, and --strategy one of its parts: give one of them.")
    if flags.yes and not flags.reset:
        raise Misconfigured("--yes answers the question of --reset: give both, or leave it away.")
    place = find_place(flags)
    if flags.reset:
        return await reset(place, flags)
    aim = Aim(
        reason=flags.because or BY_HAND,
        by="gapless kill",
        within_s=flags.within,
        strategies=tuple(dict.fromkeys(flags.strategy)),
        everything=flags.all,
        cancel_only=place.cancel_only,
    )
    return tell(await kill(place, aim), as_json=flags.json)
