"""What can be said to ``gapless alert``. Light to import."""

from pathlib import Path
from typing import Annotated

from attrs import frozen

from engine.app.parsing import Flag, Words


@frozen(kw_only=True)
class AlertFlags:
    """The flags of ``alert``."""

    action: Annotated[str, Words("test", "Send a test notice through every channel, and say which took it.")]
    config: Annotated[Path | None, Flag("Settings; default: gapless.toml if it is there.", "FILE")] = None
    json: Annotated[bool, Flag("Print one JSON object.")] = False
