"""Flattening, carried out: through the desk while the engine lives, and straight to a broker when it does not.

`engine.core.flatten` decides, `run_flatten` does what it says with somebody's `Hands`. There are two pairs of them:
`DeskHands` sees one strategy's own sub-ledger and sends through the desk, so that everything is on disk and booked to
the strategy; `BrokerHands` needs nothing but the broker, for ``gapless kill`` and the guard.
"""

from engine.core.flatten import Flattened as Flattened
from engine.flow.flatten.broker_hands import BrokerHands as BrokerHands
from engine.flow.flatten.desk_hands import ClosingDesk as ClosingDesk
from engine.flow.flatten.desk_hands import DeskHands as DeskHands
from engine.flow.flatten.desk_hands import flatten_strategy as flatten_strategy
from engine.flow.flatten.run import Hands as Hands
from engine.flow.flatten.run import run_flatten as run_flatten
