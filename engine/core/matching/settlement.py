"""Option contracts end: their holder exercises them, or their last day is over.

Alpaca's rules ("Options Trading Overview", Expiration; its support pages on automatic exercise): the underlying's
closing price says what a contract is worth on its last day. In the money by a cent, one that was bought is exercised
and one that was sold is assigned; all others expire worthless. A call needs the money for its shares, a put the shares
themselves, free of orders and of calls that they cover. No update tells of any of this, only the account's activities.

Where the account cannot afford an exercise, Alpaca closes the position before the close, as well as it can, and else
has it not exercised. Here nobody trades for the account: as many contracts as it can afford are exercised, and the
others expire worthless. Those that were sold come first: nobody asks whether the account can afford them, and what they
bring or take is what the bought leg of a spread delivers or gets. Where no closing price is known, nothing is in the
money.
"""

from decimal import Decimal

from engine.core.amounts import CENT
from engine.core.calendar import Phase, TradingDay, day_at, phase_at
from engine.core.matching.money.margin import is_option
from engine.core.matching.orders.pit import Pit
from engine.core.matching.orders.timing import last_day
from engine.core.rules import Rule, plain
from engine.model.account import Asset, Position
from engine.model.order import ZERO, Side
from engine.model.settlement import SettlementKind


def exercise(pit: Pit, contract: Asset, now_ns: int) -> None:
    """The holder exercises all contracts that no order holds. Raises `Refused`."""
    position = pit.register.ledger.position(contract.symbol)
    if position is None or (position.side is Side.BUY and not position.available_qty):
        raise Rule.EXERCISE_NOTHING.refusal()
    if position.side is Side.SELL:
        raise Rule.EXERCISE_SHORT.refusal()
    day = day_at(now_ns)
    if day is not None and now_ns >= day.close_ns and phase_at(now_ns) is not Phase.CORE:
        raise Rule.EXERCISE_TIME.refusal()
    qty = position.available_qty
    units, means = qty * contract.multiplier, _means(pit, contract)
    if units > means:
        if contract.call:
            raise Rule.BUYING_POWER.refusal()
        raise Rule.QTY_AVAILABLE.refusal(requested=plain(units), available=plain(means))
    pit.register.settle(SettlementKind.EXERCISED, contract, qty, now_ns, pit.assets[contract.underlying])


def expire(pit: Pit, day: TradingDay, ts_ns: int) -> None:
    """End every contract whose last day is this one, or is over: its closing prices are known (``pit.closes``)."""
    positions = pit.register.ledger.positions()
    over = [each for each in positions if is_option(each.asset) and last_day(each.asset).date <= day.date]
    for position in sorted(over, key=lambda each: each.qty > 0):
        _expire(pit, position, ts_ns)


def _expire(pit: Pit, position: Position, ts_ns: int) -> None:
    contract, qty, register = position.asset, position.qty, pit.register
    taken = ZERO
    if _in_the_money(pit, contract):
        taken = qty if qty < 0 else min(qty, _means(pit, contract) // contract.multiplier)
    if taken:
        kind = SettlementKind.ASSIGNED if qty < 0 else SettlementKind.EXERCISED
        register.settle(kind, contract, taken, ts_ns, pit.assets[contract.underlying])
    if taken != qty:
        register.settle(SettlementKind.EXPIRED, contract, qty - taken, ts_ns)


def _in_the_money(pit: Pit, contract: Asset) -> bool:
    close = pit.closes.get(contract.underlying)
    if close is None:
        return False
    return (close - contract.strike if contract.call else contract.strike - close) >= CENT


def _means(pit: Pit, contract: Asset) -> Decimal:
    """How much of the underlying the account can buy at a call's strike, or deliver for a put.

    Buying back what was sold short needs no buying power.
    """
    pit.mark()
    ledger, underlying = pit.register.ledger, pit.assets[contract.underlying]
    held = ledger.position(underlying.symbol)
    if not contract.call:
        return ZERO if held is None or held.side is Side.SELL else held.available_qty
    account = ledger.account()
    power = account.buying_power if underlying.marginable else account.non_marginable_buying_power
    return power // contract.strike + (ZERO if held is None else max(-held.qty, ZERO))
