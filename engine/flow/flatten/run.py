"""The loop between what `engine.core.flatten` decides and the hands that do it."""

from typing import Final, Protocol

import trio

from engine.core.flatten import Cancel, Close, Flattened, Flattening, Seen
from engine.errors import BrokerUnavailable, OrderRefused, ReplyMissing
from engine.model.order import OrderRequest
from engine.ports import Probe, Step
from engine.ports.steps import ignore

AGAIN_S: Final = 1.0
"""After a no, or no answer: what the venue has not settled by then it may settle in another second."""


class Hands(Protocol):
    """Who looks, cancels and closes, for one symbol; a few seconds each, where the venue answers."""

    @property
    def symbol(self) -> str: ...

    async def look(self) -> Seen:
        """Read what is there: orders first, then positions. Raises `BrokerUnavailable` and `OrderRefused` (no such
        asset)."""
        ...

    async def cancel(self) -> None:
        """Ask for the cancel of every open order, and wait for their end as long as is sensible."""
        ...

    async def close(self, request: OrderRequest) -> None:
        """Send an order and wait for its end as long as is sensible. Raises `OrderRefused`, `ReplyMissing` (what
        became of it is to be seen) and `BrokerUnavailable`."""
        ...


async def run_flatten(hands: Hands, *, probe: Probe = ignore) -> Flattened:
    """Flatten one symbol; returns how that ended and never raises for what the broker says. The caller bounds it."""
    flattening = Flattening(hands.symbol)
    while True:
        try:
            act = flattening.decide(await hands.look())
            if isinstance(act, Flattened):
                return act
            await _do(hands, act, probe)
            continue
        except OrderRefused as refused:
            over = flattening.refused(str(refused))
        except (BrokerUnavailable, ReplyMissing) as failure:
            over = flattening.unanswered(str(failure))
        if over is not None:
            return over  # noqa: ASYNC910 - it looked, which is one
        await trio.sleep(AGAIN_S)


async def _do(hands: Hands, act: Cancel | Close, probe: Probe) -> None:
    if isinstance(act, Cancel):
        probe(Step.FLATTEN_CANCELING)
        await hands.cancel()
        probe(Step.FLATTEN_CANCELED)
    else:
        probe(Step.FLATTEN_CLOSING)
        await hands.close(act.request)
        probe(Step.FLATTEN_CLOSED)
