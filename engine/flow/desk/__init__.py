"""The desk: sole owner of orders on our side, from the decision to the end of the order."""

from engine.flow.desk.desk import Desk as Desk
from engine.flow.desk.live_order import DeskOrder as DeskOrder
from engine.flow.desk.seams import Judge as Judge
from engine.flow.desk.seams import Prices as Prices
from engine.flow.desk.seams import Switch as Switch
from engine.flow.desk.tuning import DeskTuning as DeskTuning
