"""What can be said to ``gapless top``. Light to import."""

from typing import Annotated

from attrs import frozen

from engine.app.parsing import Flag, Words


@frozen(kw_only=True)
class TopFlags:
    """The flags of ``top``."""

    engine: Annotated[
        tuple[str, ...], Words("[PID|NAME]", "Which engine: its pid, session or strategy; needed where several run.")
    ] = ()
    once: Annotated[bool, Flag("Show one moment and leave.")] = False
    json: Annotated[bool, Flag("Print JSON: one object, or one a second without --once.")] = False
