"""What can be said to ``gapless verify``. Light to import."""

from typing import Annotated

from attrs import frozen

from engine.app.parsing import Flag, Words


@frozen(kw_only=True)
class VerifyFlags:
    """The flags of ``verify``."""

    session: Annotated[str, Words("SESSION", "The folder of a session that 'gapless run --record' wrote.")]
    strategy: Annotated[tuple[str, ...], Flag("Only this strategy; repeat it.", "NAME")] = ()
    json: Annotated[bool, Flag("Print one JSON object.")] = False
