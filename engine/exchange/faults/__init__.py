"""Faults on demand: a script says what goes wrong and when, a plan says it at the right moment and keeps count.

Everything here is arithmetic on a market instant, a number of published events and a seed, so the same script and seed
give the same faults. `engine.exchange.line.switchboard` and the REST side do what the plan says.
"""

from engine.exchange.faults.kinds import KINDS as KINDS
from engine.exchange.faults.kinds import Fault as Fault
from engine.exchange.faults.plan import FaultPlan as FaultPlan
from engine.exchange.faults.script import load_faults as load_faults
from engine.exchange.faults.script import parse_faults as parse_faults
