"""Faults of the trading stream's own words: updates of orders that are lost, doubled, late, overtaken or nonsense.

A client that believes this stream loses fills, counts them twice or dies of a name it does not know. Nothing here
touches the orders themselves: what REST tells stays true, so that a client can be held against it.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from attrs import frozen

from engine.exchange.faults.plan import FaultPlan

Message: TypeAlias = Mapping[str, Any]

OVERTAKEN_S: Final = 0.25
"""How long an update that changes places is held: what follows a fill follows within milliseconds."""
STREAM: Final = "trade_updates"
UNKNOWN_EVENT: Final = "order_reticulated"
"""A name that no venue uses."""


@frozen
class Sending:
    """One message and how many seconds of Trio's clock it is late; later messages may overtake it."""

    message: Message
    delay_s: float = 0.0


def distort(plan: FaultPlan, message: Message) -> list[Sending]:
    """What is sent in the place of one message of ``trade_updates``, in order."""
    sent: list[Sending] = []
    if plan.use("null_update"):
        sent.append(Sending({"stream": STREAM, "data": None}))
    if plan.use("unknown_update"):
        sent.append(Sending({"stream": STREAM, "data": {**message["data"], "event": UNKNOWN_EVENT}}))
    if plan.use("drop_update"):
        return sent
    delay_s = 0.0
    if fault := plan.use("delay_update"):
        delay_s = plan.seconds(fault.lag_s or 0.0)
    elif plan.use("swap_updates"):
        delay_s = OVERTAKEN_S
    sent.append(Sending(message, delay_s))
    if plan.use("duplicate_update"):
        sent.append(Sending(message, delay_s))
    return sent
