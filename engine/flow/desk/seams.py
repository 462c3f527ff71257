"""What the desk needs of its neighbours in the flow, as Protocols: who judges an order, who stops it, who knows prices.

They are written apart because those neighbours in turn work through the desk (the kill switch flattens by it), and
because a test of the desk wants to say yes or no by itself.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

from engine.model.account import Asset, HeldPosition
from engine.model.intent import Purpose
from engine.model.order import Order, OrderRequest


class Verdict(Protocol):
    """What became of a request that was let through. ``clash`` is an open order of ours that it would trade with."""

    @property
    def request(self) -> OrderRequest: ...

    @property
    def clash(self) -> Order | None: ...

    @property
    def adds_risk(self) -> bool: ...


class Judge(Protocol):
    """Rules, limits and the kill switch, asked before anything is sent (`engine.flow.risk.Vet`)."""

    def check(
        self,
        strategy: str,
        request: OrderRequest,
        purpose: Purpose,
        asset: Asset | None,
        *,
        legs: Mapping[str, Asset] | None = None,
        replaces: Order | None = None,
    ) -> Verdict:
        """Raises `OrderRefused` or one of its kinds. The answer holds until something is awaited."""
        ...

    def count(self, strategy: str) -> None:
        """An order is being sent."""
        ...

    async def learn_price(self, strategy: str, symbol: str) -> None:
        """Look a price up where a limit needs one and no stream tells it; the caller bounds it."""
        ...

    def note(self, strategy: str, ok: bool, client_order_id: str = "") -> None:
        """The venue took an order of this strategy, or said no to it; told again when that changes."""
        ...

    def check_day(self) -> None:
        """Measure the day's losses."""
        ...


class Switch(Protocol):
    """The kill switch (`engine.flow.account.killswitch.KillSwitch`)."""

    def tripped(self, strategy: str) -> str:
        """Why nothing that adds risk may be sent for this strategy; empty when it may."""
        ...

    def elsewhere(self, strategy: str) -> str:
        """Why another process gets this strategy out, and nothing may be sent for it; empty where none does."""
        ...

    async def trip(self, scope: str, reason: str, by: str) -> None:
        """Trip it for ``account`` or a strategy."""
        ...


class Prices(Protocol):
    """Last known prices (`engine.flow.account.marks.Marks`)."""

    def price(self, symbol: str) -> tuple[Decimal, float] | None:
        """The last price in dollars and its age in seconds; ``None``: unknown."""
        ...

    def take_positions(self, positions: Iterable[HeldPosition], told_ns: int) -> None:
        """The broker's own prices of what is held."""
        ...
