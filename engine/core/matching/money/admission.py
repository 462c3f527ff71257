"""Whether the account can afford an order, and what is to be held for it.

An order either opens or closes, never both: Alpaca refuses to sell more than is held, rather than turn the rest into a
short position. What opens is measured in dollars, what closes in what is held and not promised to other orders.

What an order that opens is worth ("Orders at Alpaca", Buying Power): a buy at its limit, else its stop, else what the
market asks; a short sale at 3 % above what the market asks, or at its limit if that is more.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Final

from attrs import frozen

from engine.core.amounts import QTY_STEP
from engine.core.matching.fees import USD
from engine.core.matching.money.books import Books
from engine.core.matching.money.holds import NO_HOLD, Hold
from engine.core.matching.money.margin import is_option, shares_short, worst_loss
from engine.core.matching.money.power import available_of, contracts_of
from engine.core.rules.refusal import plain
from engine.core.rules.table import Rule
from engine.model.account import Asset
from engine.model.order import ZERO, AssetClass, Order, OrderClass, Side

SHORT_CUSHION: Final = Decimal("1.03")
LEVEL_LONG: Final = 2
"""The options level from which contracts may be bought; 1 is for covered calls and cash-secured puts."""
LEVEL_SPREAD: Final = 3


@frozen(kw_only=True)
class Admission:
    """What one order is measured against. ``others`` is what all other orders hold; ``margin`` and ``cash`` are what
    that leaves of the buying power with and without margin."""

    books: Books
    others: Hold
    margin: Decimal
    cash: Decimal
    shorting: bool
    options_level: int

    def need(self, order: Order, asset: Asset, price: Decimal | None) -> Hold:
        """What a single order has to hold, or raises `Refused`."""
        closing = self._check_intent(order)
        self._check_class(order, closing=closing)
        price = price or self.books.marks.get(order.symbol)
        if is_option(asset):
            return self._need_of_contract(order, asset, price, closing=closing)
        if closing:
            return self._need_of_close(order, asset, price)
        if order.side is Side.SELL:
            self._check_short(order, asset)
        value = self._value(order, price)
        if asset.asset_class is AssetClass.CRYPTO:
            if value > self.cash:
                raise _balance(USD, value, self.cash)
            return Hold(cash=value)
        power = self.margin if asset.marginable else self.cash
        if value > power:
            raise Rule.BUYING_POWER.refusal({"buying_power": plain(power), "cost_basis": plain(value)})
        return Hold(power=value) if asset.marginable else Hold(cash=value)

    def need_of_legs(self, order: Order, legs: Sequence[tuple[Order, Asset]], price: Decimal | None) -> Hold:
        """What a multi-leg order has to hold, or raises `Refused`."""
        if self.options_level < LEVEL_SPREAD:
            raise Rule.OPTIONS_SPREAD.refusal()
        size = order.qty or ZERO
        contracts: list[tuple[Asset, Decimal]] = []
        worth = ZERO
        for leg, asset in legs:
            self._check_intent(leg)
            ratio = (leg.ratio_qty or Decimal(1)) * _sign(leg)
            contracts.append((asset, ratio * size))
            worth += ratio * self.books.price(asset.symbol)
        unit = next((known for known in (order.limit_price, price) if known is not None), worth)
        return self._need_of_contracts(contracts, unit * size, Rule.OPTIONS_POWER)

    def _check_intent(self, order: Order) -> bool:
        """Whether the order closes; it may say itself what it means to do, and then has to be right."""
        inferred = self.books.intent(order.symbol, order.side or Side.BUY)
        if order.position_intent not in (None, inferred):
            raise Rule.INTENT.refusal(inferred=inferred, specified=order.position_intent)
        return inferred.closes

    def _check_class(self, order: Order, *, closing: bool) -> None:
        if order.parent_id:
            return
        if order.order_class in (OrderClass.BRACKET, OrderClass.OTO) and closing:
            raise Rule.NOT_ENTRY.refusal(order_class=order.order_class)
        if order.order_class is OrderClass.OCO and not closing:
            raise Rule.NOT_EXIT.refusal()

    def _check_short(self, order: Order, asset: Asset) -> None:
        if asset.asset_class is AssetClass.CRYPTO:
            raise _balance(asset.symbol.partition("/")[0], order.qty or order.notional or ZERO, ZERO)
        if not self.shorting:
            raise Rule.NO_SHORTING.refusal()
        if order.qty is None or order.qty % 1:
            raise Rule.FRACTIONAL_SHORT.refusal()
        if not asset.shortable:
            raise Rule.NOT_SHORTABLE.refusal(symbol=asset.symbol)

    def _need_of_close(self, order: Order, asset: Asset, price: Decimal | None) -> Hold:
        available = available_of(self.books, self.others, order.symbol)
        qty = order.qty
        if qty is None:  # so many dollars' worth; all there is, where no price says how much that is
            qty = ((order.notional or ZERO) / price).quantize(QTY_STEP, ROUND_CEILING) if price else available
        if qty > available:
            if asset.asset_class is AssetClass.CRYPTO:
                raise _balance(asset.symbol.partition("/")[0], qty, available)
            raise self._too_much(order.symbol, qty, available)
        return Hold(qtys={order.symbol: qty})

    def _need_of_contract(self, order: Order, asset: Asset, price: Decimal | None, *, closing: bool) -> Hold:
        if self.options_level <= 0:
            raise Rule.OPTIONS_DISABLED.refusal()
        if not closing and order.side is Side.BUY and self.options_level < LEVEL_LONG:
            raise Rule.OPTIONS_LONG.refusal()
        unit = order.limit_price or order.stop_price or price or ZERO
        qty = (order.qty or ZERO) * _sign(order)
        is_put_sale = order.side is Side.SELL and not asset.call and not closing
        return self._need_of_contracts(
            [(asset, qty)], unit * qty, Rule.PUT_POWER if is_put_sale else Rule.OPTIONS_POWER
        )

    def _need_of_contracts(self, contracts: Sequence[tuple[Asset, Decimal]], premium: Decimal, poor: Rule) -> Hold:
        """``premium``: what is paid for all of them, before the contract's multiplier, negative if received."""
        if not contracts:
            return NO_HOLD
        underlying, multiplier = contracts[0][0].underlying, contracts[0][0].multiplier
        qtys: dict[str, Decimal] = {}
        for asset, qty in contracts:
            if self.books.qty(asset.symbol) * qty < 0:
                available = available_of(self.books, self.others, asset.symbol)
                if abs(qty) > available:
                    raise self._too_much(asset.symbol, abs(qty), available)
                qtys[asset.symbol] = abs(qty)
        before = contracts_of(self.books, underlying)
        after = _joined(before, contracts)
        covering = shares_short(before)
        shares = (
            available_of(self.books, self.others, underlying) + covering if self.books.qty(underlying) > 0 else covering
        )
        loss = worst_loss(after, shares)
        if loss is None:
            raise Rule.OPTIONS_UNCOVERED.refusal()
        cash = premium * multiplier + loss - (worst_loss(before, covering) or ZERO)
        if cash > self.cash:
            raise poor.refusal(
                {"options_buying_power": plain(self.cash), "cost_basis": plain(cash)},
                required=plain(cash),
                available=plain(self.cash),
            )
        newly_covering = shares_short(after) - covering
        if newly_covering > 0:
            qtys[underlying] = newly_covering
        return Hold(cash=max(cash, ZERO), qtys=qtys)

    def _value(self, order: Order, price: Decimal | None) -> Decimal:
        """Dollars; 0 where no price is known."""
        if order.notional is not None:
            return order.notional
        qty = order.qty or ZERO
        if order.side is Side.SELL:
            return qty * max(order.limit_price or ZERO, (price or ZERO) * SHORT_CUSHION)
        return qty * (order.limit_price or order.stop_price or price or ZERO)

    def _too_much(self, symbol: str, qty: Decimal, available: Decimal) -> Exception:
        existing = abs(self.books.qty(symbol))
        extra = {
            "available": plain(available),
            "existing_qty": plain(existing),
            "held_for_orders": plain(existing - available),
            "symbol": symbol,
        }
        return Rule.QTY_AVAILABLE.refusal(extra, requested=plain(qty), available=plain(available))


def _sign(order: Order) -> int:
    return 0 if order.side is None else order.side.sign


def _balance(asset: str, qty: Decimal, available: Decimal) -> Exception:
    extra = {"available": plain(available), "balance": plain(available), "symbol": USD}
    return Rule.BALANCE.refusal(extra, asset=asset, requested=plain(qty), available=plain(available))


def _joined(
    contracts: Sequence[tuple[Asset, Decimal]], more: Sequence[tuple[Asset, Decimal]]
) -> list[tuple[Asset, Decimal]]:
    """What would be held after ``more``, without contracts that come to nothing."""
    assets = {asset.symbol: asset for asset, _ in (*contracts, *more)}
    qtys = dict.fromkeys(assets, ZERO)
    for asset, qty in (*contracts, *more):
        qtys[asset.symbol] += qty
    return [(assets[symbol], qty) for symbol, qty in qtys.items() if qty]
