"""What the strategy's side needs of the desk, as a Protocol: `engine.flow.desk.Desk` has all of it, and more."""

from collections.abc import Callable, Mapping
from typing import Protocol

from engine.flow.flatten import ClosingDesk
from engine.model.account import StrategyPosition
from engine.model.order import Fill


class OrderDesk(ClosingDesk, Protocol):
    """The desk, as far as one strategy's run sees it."""

    def positions(self, strategy: str) -> Mapping[str, StrategyPosition]: ...

    def listen_fills(self, strategy: str, put: Callable[[Fill], None]) -> Callable[[], None]:
        """Tell ``put`` each execution of the strategy's orders once; returns what ends that."""
        ...
