"""What the exchange saw after an instant: the only side whose word counts about what was sent."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec
import trio
from attrs import define

from engine.exchange.rest.received import Received
from engine.exchange.serve import Running
from engine.model.instant import NS_PER_S
from engine.model.order import ZERO, Side

LOOK_S: Final = 0.05
ENTRIES: Final = frozenset({"POST", "PATCH"})


def adding(requests: Iterator[Received] | list[Received], sides: Mapping[str, Side]) -> list[Received]:
    """The requests that would add risk: orders on the side on which a symbol is opened, and changes of orders."""
    return [each for each in requests if each.method in ENTRIES and _adds(each, sides)]


def _adds(request: Received, sides: Mapping[str, Side]) -> bool:
    if request.method == "PATCH":
        return True
    body = msgspec.json.decode(request.body, type=dict[str, object])
    return body.get("side") == sides[str(body["symbol"])].value


def crossings(running: Running, sides: Mapping[str, Side]) -> list[str]:
    """Fills that left a position on the side on which nobody ever wanted one."""
    held: dict[str, Decimal] = dict.fromkeys(sides, ZERO)
    wrong = []
    for fill in running.brokerage.matching.fills:
        held[fill.symbol] += fill.side.sign * fill.qty
        if held[fill.symbol] * sides[fill.symbol].sign < 0:
            wrong.append(f"{fill.symbol} is {held[fill.symbol]} after {fill.execution_id}")
    return wrong


@define
class Flatness:
    """Looks at the account until cancelled: since when nothing has been held and no order open, market time."""

    running: Running
    since_ns: int | None = None

    async def serve(self) -> None:
        """Look, many times a second."""
        while True:
            self.look()
            await trio.sleep(LOOK_S)

    def look(self) -> None:
        """Look once."""
        matching = self.running.brokerage.matching
        if matching.positions() or matching.open_orders():
            self.since_ns = None
        elif self.since_ns is None:
            self.since_ns = self.running.market.clock.now_ns()

    def after_s(self, at_ns: int) -> float | None:
        """How long after an instant it became flat and stayed so; ``None`` if it did not."""
        return None if self.since_ns is None else max(0.0, (self.since_ns - at_ns) / NS_PER_S)
