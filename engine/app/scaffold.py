"""``gapless new``: the first version of a strategy, in a file that runs as it stands.

It is short on purpose: one loop over bars, a parameter, a line of output. What a person needs next is one word away
on ``ctx``, so nothing is commented out here to be uncommented.
"""

import keyword
from pathlib import Path
from string import Template
from typing import Final

from engine.errors import Misconfigured

_RESERVED: Final = frozenset({"engine", "strategies", "strategy", "frozen", "trio", "test"})
"""Names that would hide something the file itself imports, or a module it is likely to need."""

_TEXT: Final = Template('''\
"""$title: say here what it trades and why."""

from engine import Context, frozen, strategy


@frozen
class Params:
    """What can be set with --set NAME=VALUE."""

    symbol: str = "SPY"


@strategy(params=Params)
async def $name(ctx: Context, p: Params) -> None:
    """Tell the close of every minute bar."""
    async with ctx.bars(p.symbol) as bars:
        async for bar in bars:
            ctx.log(f"{bar.symbol} closed at {bar.close:.2f}")
''')


def write_strategy(name: str, folder: Path) -> Path:
    """Write ``NAME.py`` into ``folder`` and return its path; raises `Misconfigured` and never overwrites."""
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii() or name.startswith("_"):
        raise Misconfigured(f"{name!r} cannot be the name of a strategy: use letters, digits and _, as in my_strategy.")
    if name in _RESERVED:
        raise Misconfigured(f"A file called {name}.py would hide the module {name!r}; choose another name.")
    path = folder / f"{name}.py"
    text = _TEXT.substitute(name=name, title=name.replace("_", " ").capitalize())
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Misconfigured(f"{path} exists already and is not overwritten; choose another name.") from None
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from None
    return path
