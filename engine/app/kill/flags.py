"""What can be said to ``gapless kill`` and ``gapless guard``. Light to import."""

from pathlib import Path
from typing import Annotated, Final

from attrs import frozen

from engine.app.config.choices import Venue
from engine.app.parsing import Flag

WITHIN_S: Final = 10.0
"""Enough for cancels, their ends, one closing order a symbol and two looks at each, with some seconds to spare."""
AFTER_S: Final = 30.0
"""Longer than an engine takes to be started again by whoever watches over processes, and shorter than a market needs
to run away from a position that nobody looks after."""


@frozen(kw_only=True)
class KillFlags:
    """The flags of ``kill``."""

    venue: Annotated[Venue | None, Flag("Which venue; default: exchange.", "VENUE")] = None
    state: Annotated[Path | None, Flag("The engine's state folder; default: the account's own.", "DIR")] = None
    strategy: Annotated[tuple[str, ...], Flag("Only this strategy; repeat it.", "NAME")] = ()
    all: Annotated[bool, Flag("Everything on the account, also what no strategy here owns.")] = False
    cancel_only: Annotated[bool, Flag("Cancel orders and keep what is held.")] = False
    reset: Annotated[bool, Flag("Let orders be sent again. Asks for a word of the reason.")] = False
    yes: Annotated[bool, Flag("With --reset: do not ask.")] = False
    because: Annotated[str, Flag("Why; told to whoever resets it.", "TEXT")] = ""
    within: Annotated[float, Flag("How long it may take.", "SECONDS", show_default=True)] = WITHIN_S
    json: Annotated[bool, Flag("Print one JSON object.")] = False
    config: Annotated[Path | None, Flag("Settings; default: gapless.toml if it is there.", "FILE")] = None
    trading_url: Annotated[str | None, Flag("Trading REST.", "URL")] = None


@frozen(kw_only=True)
class GuardFlags:
    """The flags of ``guard``."""

    venue: Annotated[Venue | None, Flag("Which venue; default: exchange.", "VENUE")] = None
    state: Annotated[Path | None, Flag("The engine's state folder; default: the account's own.", "DIR")] = None
    after: Annotated[float, Flag("Act when the heartbeat has stopped for so long.", "SECONDS", show_default=True)] = (
        AFTER_S
    )
    all: Annotated[bool, Flag("Everything on the account, also what no strategy here owns.")] = False
    cancel_only: Annotated[bool, Flag("Cancel orders and keep what is held.")] = False
    within: Annotated[float, Flag("How long acting may take.", "SECONDS", show_default=True)] = WITHIN_S
    json: Annotated[bool, Flag("Print one JSON object at the end.")] = False
    config: Annotated[Path | None, Flag("Settings; default: gapless.toml if it is there.", "FILE")] = None
    trading_url: Annotated[str | None, Flag("Trading REST.", "URL")] = None
