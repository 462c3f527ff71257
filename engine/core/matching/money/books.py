"""The books: cash, what is held, what was earned and what was paid in fees. They balance after every fill.

Nothing here refuses anything. What an order may do is `engine.core.matching.ledger`'s to say; by the time it has
filled it is a fact, and facts are booked.
"""

from decimal import Decimal, localcontext

from attrs import define, field

from engine.core.matching.fees import USD
from engine.core.matching.money.holding import EXACT, Holding
from engine.model.account import Asset
from engine.model.order import ZERO, AssetClass, Fill, PositionIntent, Side


@define
class Books:
    """Money and positions of one account. Dollars; quantities negative when short."""

    start_cash: Decimal
    cash: Decimal = field(init=False)
    realized: Decimal = ZERO
    """Profit of what was closed, before fees."""
    fees: Decimal = ZERO
    """All of them, in dollars: a fee taken in coins counts at the price of its fill."""
    holdings: dict[str, Holding] = field(factory=dict)
    """What is held, by symbol; nothing is kept of a position of 0."""
    chains: dict[str, dict[str, Holding]] = field(factory=dict)
    """The option contracts among them, by underlying."""
    marks: dict[str, Decimal] = field(factory=dict)
    """Last known prices, by symbol."""
    _flows: dict[str, Decimal] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.cash = self.start_cash

    def apply(self, fill: Fill, asset: Asset) -> Decimal:
        """Book a fill; the position after it.

        A fee in coins makes the position smaller than what was bought, and is paid out of what the whole did cost: the
        average price of the coins that are left stays the price of the fill.
        """
        with localcontext(EXACT):
            coins = ZERO if fill.fee_asset == USD else fill.fee
            if coins and (fill.side is Side.SELL or coins > fill.qty):
                raise ValueError(f"fill {fill.execution_id} pays {coins} {fill.fee_asset} without having bought them")
            qty = fill.qty * fill.side.sign
            holding = self._holding(asset)
            self.realized += holding.trade(qty - coins, fill.price)
            fee = coins * fill.price if coins else fill.fee
            self.fees += fee
            self.cash -= qty * fill.price * asset.multiplier + (ZERO if coins else fee)
            self._flows[fill.symbol] = self._flows.get(fill.symbol, ZERO) + qty - coins
        self.marks.setdefault(fill.symbol, fill.price)
        if not holding.qty:
            self._drop(asset)
        return holding.qty

    def qty(self, symbol: str) -> Decimal:
        """How much is held of a symbol."""
        holding = self.holdings.get(symbol)
        return ZERO if holding is None else holding.qty

    def intent(self, symbol: str, side: Side) -> PositionIntent:
        """What an order does to the position that there is. What is not held cannot be closed."""
        closing = self.qty(symbol) * side.sign < 0
        return PositionIntent(f"{side}_to_{'close' if closing else 'open'}")

    def price(self, symbol: str) -> Decimal:
        """The last known price, 0 if none."""
        return self.marks.get(symbol, ZERO)

    def value(self, symbol: str) -> Decimal:
        """What is held of a symbol is worth this many dollars, negative when short."""
        holding = self.holdings.get(symbol)
        return ZERO if holding is None else holding.qty * self.price(symbol) * holding.asset.multiplier

    def imbalance(self) -> Decimal:
        """What was there and came of it, less what is there. Not 0: something was created or lost."""
        with localcontext(EXACT):
            value = sum((self.value(symbol) for symbol in self.holdings), ZERO)
            cost = sum((holding.cost for holding in self.holdings.values()), ZERO)
            return self.start_cash + self.realized + (value - cost) - self.fees - (self.cash + value)

    def drift(self, symbol: str) -> Decimal:
        """All that was bought, less all that was sold and paid in kind, less the position. Not 0: see `imbalance`."""
        with localcontext(EXACT):
            return self._flows.get(symbol, ZERO) - self.qty(symbol)

    def _holding(self, asset: Asset) -> Holding:
        holding = self.holdings.get(asset.symbol)
        if holding is None:
            holding = self.holdings[asset.symbol] = Holding(asset)
            if asset.asset_class is AssetClass.US_OPTION:
                self.chains.setdefault(asset.underlying, {})[asset.symbol] = holding
        return holding

    def _drop(self, asset: Asset) -> None:
        del self.holdings[asset.symbol]
        chain = self.chains.get(asset.underlying, {})
        chain.pop(asset.symbol, None)
        if not chain:
            self.chains.pop(asset.underlying, None)
