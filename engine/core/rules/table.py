"""Alpaca's refusals as data: status, body code, words, and who says that these are the words.

One row a rule, in the order in which an order meets them. A row is a template: ``{price}`` and the like are filled in
by whoever refuses. Docs list it, tests walk it, and a wording that turns out to be different at the venue is mended in
one place.

The fourth column is the source:

``reference``   Alpaca's OpenAPI, its SDKs' tests or payloads recorded from a paper account
``docs``        a page of docs.alpaca.markets; ``docs: options`` is "Options Trading Overview", section "Error
                Responses" (2026-09), ``docs: orders`` is "Orders at Alpaca"
``learn``       alpaca.markets/learn, "How to fix common Trading API errors at Alpaca" (2026)
``measured``    quoted by users from a real response of the venue: an issue, or several public logs that agree
``unverified``  that it is refused is documented, the words are ours, in the venue's style

Alpaca says that words may change without notice and codes do not; the codes are overloaded all the same.
"""

from collections.abc import Mapping
from enum import Enum, unique

from engine.core.rules.refusal import NOTHING, Refused


@unique
class Rule(Enum):
    """One rule: HTTP status, body code, words, source."""

    # What is wrong with the order by itself
    CLIENT_ORDER_ID_LONG = (422, 40010001, "client_order_id must be no more than 128 characters", "measured")
    CLIENT_ORDER_ID_TAKEN = (422, 40010001, "client_order_id must be unique", "reference")
    OUT_OF_RANGE = (422, 40010001, "{field} is out of range", "unverified")
    QTY_REQUIRED = (422, 40010001, "qty or notional is required", "reference")
    QTY_AND_NOTIONAL = (422, 40010001, "only one of qty or notional is accepted", "reference")
    QTY_POSITIVE = (422, 40010001, "qty must be > 0", "measured")
    NOTIONAL_MINIMUM = (422, 40010001, "notional must be >= 1.00", "learn; the code is unverified")
    NOTIONAL_CENTS = (422, 42210000, "notional value must be limited to 2 decimal places", "measured")
    MARKET_PRICES = (422, 40010001, "market orders require no stop or limit price", "learn, measured")
    LIMIT_PRICE_REQUIRED = (422, 40010001, "limit orders require a limit price", "learn")
    LIMIT_PRICE_POSITIVE = (422, 40010001, "limit price must be > 0", "measured")
    LIMIT_STOP_PRICE = (422, 40010001, "limit orders require no stop price", "unverified")
    STOP_PRICE_REQUIRED = (422, 40010001, "stop orders require a stop price", "learn")
    STOP_PRICE_POSITIVE = (422, 40010001, "stop price must be > 0", "unverified")
    STOP_LIMIT_PRICE = (422, 40010001, "stop orders require no limit price", "unverified")
    STOP_LIMIT_PRICES = (422, 40010001, "stop limit orders require both stop and limit price", "learn")
    TRAIL_PRICES = (422, 40010001, "trailing stop orders require no stop or limit price", "unverified")
    TRAIL_REQUIRED = (
        422,
        40010001,
        "trailing stop orders must specify one of trail_price or trail_percent",
        "learn",
    )
    TRAIL_PRICE_POSITIVE = (422, 40010001, "trail_price must be greater than 0", "unverified")
    TRAIL_PERCENT_MINIMUM = (422, 40010001, "trail_percent must be greater than or equal to 0.1", "measured")
    TRAIL_FORBIDDEN = (422, 40010001, "{type} orders must not have {field}", "learn, for market orders")

    # Bracket, OCO and OTO
    CLASS_TYPE = (422, 40010001, "{order_class} orders must be market or limit orders", "measured: alpaca-java#44")
    OCO_TYPE = (422, 40010001, "oco orders must be limit orders", "measured; the code is unverified")
    CLASS_TIME = (
        422,
        40010001,
        '{order_class} orders support only "day" or "gtc" time_in_force',
        "measured for oto, docs: orders for all",
    )
    CLASS_HOURS = (
        403,
        40310000,
        "{order_class} orders do not support extended hours trading",
        "measured for oto, docs: orders for all",
    )
    TAKE_PROFIT_REQUIRED = (422, 40010001, "{order_class} orders require take_profit.limit_price", "measured")
    STOP_LOSS_REQUIRED = (422, 40010001, "{order_class} orders require stop_loss.stop_price", "measured")
    OTO_BOTH = (422, 40010001, "oto orders accept only one of take_profit or stop_loss", "unverified; docs: orders")
    EXITS_CROSSED = (
        422,
        42210000,
        "take_profit.limit_price must be {relation} stop_loss.stop_price",
        "measured, both relations",
    )
    TAKE_PROFIT_BASE = (422, 42210000, "take_profit.limit_price must be {bound}", "measured: >= base_price + 0.01")
    STOP_LOSS_BASE = (422, 42210000, "stop_loss.stop_price must be {bound}", "measured: <= base_price - 0.01")

    # The asset
    ASSET_UNKNOWN = (422, 42210000, 'asset "{symbol}" not found', "measured")
    ASSET_INACTIVE = (422, 40010001, "asset {symbol} is not active", "measured")
    ASSET_NOT_TRADABLE = (422, 42210000, 'asset "{symbol}" is not tradable', "measured")

    # Stocks
    NOT_FRACTIONABLE = (403, 40310000, 'asset "{symbol}" is not fractionable', "learn")
    FRACTIONAL_TIME = (422, 42210000, "fractional orders must be DAY orders", "learn, measured")
    FRACTIONAL_CLASS = (422, 42210000, "fractional orders must be simple orders", "measured")
    FRACTIONAL_TYPE = (
        422,
        42210000,
        "fractional orders must be market, limit, stop or stop limit orders",
        "unverified; docs: fractional trading",
    )
    SUB_PENNY = (
        422,
        42210000,
        "invalid {field} {price}. sub-penny increment does not fulfill minimum pricing criteria",
        "docs: orders",
    )
    TRAIL_TIME = (422, 42210000, "trailing stop orders must be DAY or GTC orders", "unverified; docs: orders")
    HOURS_TYPE = (422, 42210000, "extended hours order must be DAY or GTC limit orders", "learn, measured")
    HOURS_STOP = (422, 42210000, "stop orders are not eligible for extended hours trading", "measured")
    AUCTION_TYPE = (422, 42210000, "{time} orders must be market or limit orders", "unverified; docs: orders")
    OPG_WINDOW = (403, 40310000, "opg orders must be submitted after 7:00pm and before 9:28am", "measured")
    CLS_WINDOW = (403, 40310000, "cls orders must be submitted after 7:00pm and before 3:55pm", "measured")
    HALTED = (
        422,
        42210000,
        'market order rejected due to trading halt on symbol: "{symbol}", please place a limit order instead',
        "learn; the code is unverified",
    )
    HARD_TO_BORROW_TIME = (
        422,
        42210000,
        'only day orders are allowed for hard-to-borrow asset "{symbol}"',
        "measured",
    )

    # Crypto
    CRYPTO_TIME = (422, 42210000, "invalid crypto time_in_force", "measured: alpaca-py#681")
    CRYPTO_TYPE = (422, 40010001, "invalid order type for crypto order", "measured")
    CRYPTO_CLASS = (422, 42210000, "crypto orders not allowed for advanced order_class: {order_class}", "measured")
    CRYPTO_HOURS = (422, 42210000, "extended hours is not supported for crypto trading", "unverified")
    COST_MINIMUM = (403, 40310000, "cost basis must be >= minimal amount of order {minimum}", "reference, measured")

    # Options
    CONTRACT_UNKNOWN = (422, 42210000, 'contract "{symbol}" not found', "docs: options")
    CONTRACT_INACTIVE = (422, 42210000, 'contract "{symbol}" is not active', "docs: options")
    CONTRACT_NOT_TRADABLE = (422, 42210000, 'contract "{symbol}" is not tradable', "docs: options")
    CONTRACT_EXPIRED = (422, 42210000, 'contract "{symbol}" is expired', "docs: options")
    CONTRACT_EXPIRES = (
        422,
        42210000,
        'contract "{symbol}" expires soon, unable to open new positions',
        "docs: options",
    )
    OPTION_NOTIONAL = (422, 42210000, "notional orders are not supported for options trading", "docs: options")
    OPTION_FRACTION = (422, 42210000, "qty must be integer for options trading", "docs: options")
    OPTION_TYPE = (422, 42210000, "invalid order type for options trading", "docs: options")
    OPTION_TIME = (
        422,
        42210000,
        "order_time_in_force provided not supported for options trading",
        "docs: options",
    )
    OPTION_CLASS = (422, 42210000, "complex orders not supported for options trading", "docs: options")
    OPTION_HOURS = (422, 42210000, "extended hours is not supported for options trading", "docs: options")
    OPTION_CLOSED = (
        422,
        42210000,
        "options market orders are only allowed during market hours",
        "docs: options",
    )
    OPTION_CENTS = (422, 42210000, "{field} must be limited to 2 decimal places", "measured")

    # Orders of several option legs
    LEG_COUNT = (422, 42210000, "mleg orders must have at least 2 legs and at most 4 legs", "measured")
    LEGS_SYMBOL = (422, 42210000, "symbol is not allowed for mleg orders", "unverified; measured that it is refused")
    LEGS_TYPE = (422, 42210000, "invalid order type for mleg order", "unverified; docs: options level 3")
    LEGS_TIME = (422, 42210000, "invalid time in force", "docs: options")
    LEGS_LIMIT_REQUIRED = (422, 42210000, "limit price is required for limit orders", "docs: options")
    LEGS_LIMIT_FORBIDDEN = (422, 42210000, "limit price is only valid for limit orders", "docs: options")
    LEGS_SAME = (422, 42210000, "leg symbols must be unique", "unverified; reference")
    LEGS_RATIO = (422, 42210000, "leg ratio_qty must be a whole number > 0", "unverified")
    LEGS_PRIME = (422, 42210000, "leg ratio quantities must be relatively prime", "unverified; docs: options level 3")
    LEG_UNKNOWN = (422, 42210000, "asset not found for {symbol}", "docs: options")
    LEGS_UNDERLYING = (422, 42210000, "underlying asset mismatch: {one} != {other}", "docs: options")

    # Changing and canceling
    ORDER_NOT_FOUND = (404, 40410000, "order not found", "reference")
    REPLACE_STATUS = (422, 42210000, "cannot replace order in {status} status", "docs: options, measured")
    REPLACE_CLOSED = (422, 42210000, "unable to replace order, order is not open", "measured")
    REPLACED_ALREADY = (422, 42210000, "order already replaced", "docs: options")
    REPLACE_NOTHING = (422, 42210000, "order parameters are not changed", "docs: options")
    REPLACE_FILLED_QTY = (422, 42210000, "qty must be > filled_qty", "docs: options")
    REPLACE_FRACTION = (422, 40010001, "qty must be integer", "reference")
    REPLACE_FRACTIONAL = (422, 42210000, "fractional orders cannot be replaced", "unverified; reference")
    REPLACE_CLASS_QTY = (422, 42210000, "qty cannot be changed for advanced orders", "measured")
    CANCEL_STATUS = (422, 42210000, 'order is already in "{status}" state', "reference")

    # What the account has, holds and may
    SUSPENDED = (403, 40310000, "new orders are rejected by user request", "unverified; reference: suspend_trade")
    OPEN_ORDERS = (
        403,
        40310000,
        "too many open orders: this exchange keeps {most} at a time, cancel some first",
        "unverified: Alpaca names no bound",
    )
    POSITION_NOT_FOUND = (404, 40410000, "position does not exist", "reference, measured")
    BUYING_POWER = (403, 40310000, "insufficient buying power", "reference, measured")
    QTY_AVAILABLE = (
        403,
        40310000,
        "insufficient qty available for order (requested: {requested}, available: {available})",
        "reference",
    )
    BALANCE = (
        403,
        40310000,
        "insufficient balance for {asset} (requested: {requested}, available: {available})",
        "reference, measured",
    )
    NO_SHORTING = (403, 40310000, "account is not allowed to short", "reference")
    NOT_SHORTABLE = (422, 42210000, 'asset "{symbol}" cannot be sold short', "measured")
    FRACTIONAL_SHORT = (422, 42210000, "fractional orders cannot be sold short", "learn, measured")
    NOT_ENTRY = (422, 42210000, "{order_class} orders must be entry orders", "measured: alpaca-trade-api-js#248")
    NOT_EXIT = (422, 42210000, "oco orders must be exit orders", "measured; the code is unverified")
    INTENT = (
        422,
        42210000,
        "position intent mismatch, inferred: {inferred}, specified: {specified}",
        "docs: options",
    )
    OPTIONS_DISABLED = (403, 40310000, "account not authorized to trade options", "docs: options")
    OPTIONS_LONG = (403, 40310000, "account not eligible to trade long option contracts", "docs: options")
    OPTIONS_SPREAD = (
        403,
        40310000,
        "account not eligible to trade spreads or uncovered contracts",
        "docs: options",
    )
    OPTIONS_UNCOVERED = (
        403,
        40310000,
        "account not eligible to trade uncovered option contracts",
        "docs: options, measured",
    )
    OPTIONS_POWER = (
        403,
        40310000,
        "insufficient options buying power (required: {required}, available: {available})",
        "docs: options",
    )
    PUT_POWER = (
        403,
        40310000,
        "insufficient options buying power for cash-secured put (required: {required}, available: {available})",
        "docs: options, measured",
    )

    # Exercising an option
    EXERCISE_NOTHING = (403, 40310000, "no available position for the specified contract", "reference")
    EXERCISE_SHORT = (403, 40310001, "cannot exercise short position", "reference")
    EXERCISE_TIME = (
        422,
        42210000,
        "exercise requests are not accepted between market close and midnight",
        "unverified; docs: options",
    )

    # What the account's other orders forbid
    SHORT_WHILE_BUYING = (403, 40310000, "cannot open a short sell while a long buy order is open", "measured")
    BUY_WHILE_SHORTING = (403, 40310000, "cannot open a long buy while a short sell order is open", "measured")
    WASH_TRADE = (
        403,
        40310000,
        "potential wash trade detected. use complex orders",
        "reference, measured; 422/42210000 until 2024: alpaca-java#145",
    )

    def __init__(self, status: int, code: int, message: str, source: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.source = source

    def refusal(self, extra: Mapping[str, str] = NOTHING, **values: object) -> Refused:
        """The refusal that this rule gives: its words with ``values`` filled in, and further keys of the body.

        >>> Rule.ASSET_UNKNOWN.refusal(symbol="ZZZZ").message
        'asset "ZZZZ" not found'
        """
        return Refused(self.name.lower(), self.status, self.code, self.message.format(**values), extra)
