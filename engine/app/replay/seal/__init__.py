"""What a strategy may not do while it is replayed, and how that is noticed: the seal.

A replay comes out the same each time because all that a strategy can learn comes from the tape. What else it could
look at (a wall clock, dice of its own, files, the network, threads) is refused with a sentence, in place, with the
line that did it. It is a fence and not a wall: it is for those who forgot, and a strategy that means to can get over.
"""

from engine.app.replay.seal.act import sealed as sealed
from engine.app.replay.seal.watch import Seal as Seal
