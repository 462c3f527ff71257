"""Everything that is known about orders, from whatever road it came, and what it means for positions and profit.

`Blotter` is the one reducer; see its module for how it decides. Nothing here waits, reads a clock or draws dice.
"""

from engine.core.blotter.blotter import Blotter as Blotter
from engine.core.blotter.taken import Taken as Taken
