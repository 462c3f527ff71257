"""What happened since somebody began to ask: counted, because clocks cannot say it.

A broker's answer is as of some moment while it was being made. What was touched after the question is neither proved
nor disproved by it, so a question is asked behind a mark, and what was touched after the mark is left for the next one.
"""

from attrs import define, field


@define
class Fence:
    """A counter of everything that happens, and the last count of each order and symbol."""

    count: int = 0
    _orders: dict[str, int] = field(factory=dict)
    _symbols: dict[str, int] = field(factory=dict)

    def mark(self) -> int:
        """A number greater than that of everything before, and less than that of everything to come."""
        self.count += 1
        return self.count

    def touch(self, client_order_id: str, symbol: str) -> None:
        """Something happened to an order; to its symbol too, where it has one."""
        self.count += 1
        self._orders[client_order_id] = self.count
        if symbol:
            self._symbols[symbol] = self.count

    def order_quiet(self, client_order_id: str, mark: int) -> bool:
        """Whether nothing happened to an order since the mark."""
        return self._orders.get(client_order_id, 0) <= mark

    def symbol_quiet(self, symbol: str, mark: int) -> bool:
        """Whether nothing happened in a symbol since the mark."""
        return self._symbols.get(symbol, 0) <= mark

    def forget(self, client_order_id: str) -> None:
        """An order is not remembered any more."""
        self._orders.pop(client_order_id, None)
