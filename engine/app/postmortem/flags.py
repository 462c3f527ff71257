"""What can be said to ``gapless report``. Light to import."""

from pathlib import Path
from typing import Annotated

from attrs import frozen

from engine.app.parsing import Flag, Words


@frozen(kw_only=True)
class ReportFlags:
    """The flags of ``report``."""

    session: Annotated[str, Words("SESSION", "The folder of a recorded session, or of a replay's.")]
    output: Annotated[
        Path | None, Flag("Where the page is written; default: report.html in that folder.", "FILE", letter="o")
    ] = None
    tape: Annotated[
        tuple[Path, ...],
        Flag("Of a replay: the tapes that it played; default: those of their names, here or beside the session.",
             "FILE...", ending=".parquet"),
    ] = ()  # fmt: skip
    capital: Annotated[
        float | None, Flag("Dollars that returns are measured by; default: what the session says.", "DOLLARS")
    ] = None
    json: Annotated[bool, Flag("Print one JSON object; the page is written only with --output.")] = False
