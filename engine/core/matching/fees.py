"""What a fill costs, as data with the date that the data is from.

Crypto costs a part of what is received: of the coins on a buy (so the position is smaller than what was filled), of the
dollars on a sell. Stocks and options are free of commission at Alpaca but pass on what regulators and exchanges take.
Alpaca adds those up over the day and rounds the sum up to a cent; here each fill pays its own, unrounded but for the
sixth decimal, which comes closer to that than a cent for each of a hundred partial fills would.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Final

from attrs import frozen

from engine.core.amounts import QTY_STEP
from engine.model.account import Asset
from engine.model.order import ZERO, AssetClass, Side

USD: Final = "USD"
BASIS_POINT: Final = Decimal("0.0001")
USD_STEP: Final = Decimal("0.000001")
"""Fees are rounded up to this, so that small fills are not free."""


@frozen(kw_only=True)
class FeeSchedule:
    """Rates of one venue on one day. Dollars, but for the basis points of what is received."""

    name: str
    as_of: str = ""
    crypto_taker_bp: Decimal = ZERO
    crypto_maker_bp: Decimal = ZERO
    per_dollar_sold: Decimal = ZERO
    per_share_sold: Decimal = ZERO
    per_share_sold_max: Decimal = ZERO
    """The most that ``per_share_sold`` comes to for one fill."""
    per_share: Decimal = ZERO
    per_contract: Decimal = ZERO
    per_contract_sold: Decimal = ZERO

    def fee_of(
        self, side: Side, qty: Decimal, price: Decimal, asset: Asset, *, maker: bool = False
    ) -> tuple[Decimal, str]:
        """What a fill costs, and in what: ``USD``, or the coin that was bought."""
        if asset.asset_class is AssetClass.CRYPTO:
            rate = (self.crypto_maker_bp if maker else self.crypto_taker_bp) * BASIS_POINT
            if side is Side.BUY:
                return (qty * rate).quantize(QTY_STEP, ROUND_CEILING), asset.symbol.partition("/")[0]
            return (qty * price * rate).quantize(USD_STEP, ROUND_CEILING), USD
        fee = self._regulatory(side, qty, price, asset)
        return fee.quantize(USD_STEP, ROUND_CEILING), USD

    def _regulatory(self, side: Side, qty: Decimal, price: Decimal, asset: Asset) -> Decimal:
        fee = qty * asset.multiplier * self.per_share
        is_option = asset.asset_class is AssetClass.US_OPTION
        if is_option:
            fee += qty * self.per_contract
        if side is Side.SELL:
            fee += qty * price * asset.multiplier * self.per_dollar_sold
            fee += (
                qty * self.per_contract_sold if is_option else min(qty * self.per_share_sold, self.per_share_sold_max)
            )
        return fee


NO_FEES: Final = FeeSchedule(name="no fees")
PAPER_FEES: Final = FeeSchedule(name="paper", as_of="2026-08", crypto_taker_bp=Decimal(25), crypto_maker_bp=Decimal(15))
"""A paper account: the first tier of crypto fees (docs, "Crypto Spot Trading Fees"; 25 bp measured on paper), and no
regulatory ones."""
ALPACA_FEES: Final = FeeSchedule(
    name="alpaca",
    as_of="2025-08",
    crypto_taker_bp=Decimal(25),
    crypto_maker_bp=Decimal(15),
    per_dollar_sold=ZERO,  # the SEC's fee: 0 since 2025-05-14
    per_share_sold=Decimal("0.000166"),  # FINRA's trading activity fee
    per_share_sold_max=Decimal("8.30"),
    per_share=Decimal("0.0000265"),  # consolidated audit trail; a contract counts as what it stands for
    per_contract=Decimal("0.04685"),  # options regulatory fee 0.02685 and OCC's clearing fee 0.02
    per_contract_sold=Decimal("0.00279"),  # FINRA's, for options
)
"""A live account's first tier: alpaca.markets/support/regulatory-fees and docs.alpaca.markets, "Regulatory Fees"."""
