"""What can be said to ``gapless simulate``. Light to import."""

from pathlib import Path
from typing import Annotated, Final

from attrs import frozen

from engine.app.parsing import Flag

HOURS: Final = 1.0
"""Of each session: long enough for twenty faults and more, with time to mend between them."""
SEEDS: Final = 10
"""A look of some seconds; the long runs say how many they want."""
KEEP: Final = Path("simulate-plans")


@frozen(kw_only=True)
class SimulateFlags:
    """The flags of ``simulate``. ``jobs`` 0: as many as there are cores."""

    seeds: Annotated[int, Flag("How many sessions.", "N", show_default=True)] = SEEDS
    first_seed: Annotated[int, Flag("The seed of the first one.", "S", show_default=True)] = 1
    hours: Annotated[float, Flag("Simulated hours of each.", "H", show_default=True)] = HOURS
    jobs: Annotated[int, Flag("Processes; default: one a core.", "J")] = 0
    plan: Annotated[tuple[Path, ...], Flag("Play this plan in place of seeds; repeat it.", "FILE", ending=".json")] = ()
    no_shrink: Annotated[bool, Flag("Do not look for the fewest faults that still fail.")] = False
    keep: Annotated[Path, Flag("Where plans that failed are kept.", "DIR", show_default=True)] = KEEP
    json: Annotated[bool, Flag("Print one JSON object at the end.")] = False
