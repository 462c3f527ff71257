"""Bugs to be planted, one at a time, in a copy of the engine: what shows that a simulation can find any."""

from typing import Final

from engine.testing.simulate.mutants.journal import JOURNAL
from engine.testing.simulate.mutants.lines import LINES
from engine.testing.simulate.mutants.market import MARKET
from engine.testing.simulate.mutants.mutant import Mutant as Mutant
from engine.testing.simulate.mutants.mutant import plant as plant
from engine.testing.simulate.mutants.orders import ORDERS

MUTANTS: Final = (*MARKET, *LINES, *ORDERS, *JOURNAL)
"""All of them; names are unique."""
EQUIVALENT: Final = tuple(mutant.name for mutant in MUTANTS if mutant.hidden)
"""Those that no simulated session can show, each with its reason in ``hidden``."""
