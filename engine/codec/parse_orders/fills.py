"""Executions as the list of activities tells them: what REST knows of fills, however long ago.

An activity's id is seventeen digits of New York's wall time, two colons and the execution's id. The digits are not in
order across the hour that autumn repeats, so an id is only ever handed back to the venue as the place to go on behind.
"""

from collections.abc import Mapping
from typing import Any, Final

from engine.codec.activities import FILL
from engine.codec.parse_orders.fields import (
    Unreadable,
    need_number,
    need_text,
    read_instant,
    read_map,
    read_rows,
    read_text,
)
from engine.codec.parse_orders.holdings import QUOTE_CURRENCIES, parse_pair
from engine.model.order import Fill, Side

SIDES: Final[Mapping[str, Side]] = {"buy": Side.BUY, "sell": Side.SELL, "sell_short": Side.SELL}
"""The words of Alpaca's OpenAPI for the side of a trade activity, which has one more than orders have."""
STOCK_CHARS_MAX: Final = 5
"""Letters of a stock's symbol without its class; an activity does not tell what kind of asset it is about."""
ID_MARK: Final = "::"


def parse_fills(body: Any) -> tuple[tuple[Fill, ...], str, int]:
    """A page of activities, decoded: its fills in its order, the id of its last row, and how many rows it has.

    Raises `Unreadable`. The id is empty where there are no rows; rows that are no fills are counted and passed over.
    """
    rows = [read_map(row, "an activity") for row in read_rows(body, "the reply")]
    fills = tuple(_fill(row) for row in rows if read_text(row, "activity_type") == FILL)
    return fills, need_text(rows[-1], "id") if rows else "", len(rows)


def _fill(row: Mapping[str, Any]) -> Fill:
    _, mark, execution_id = need_text(row, "id").partition(ID_MARK)
    if not mark or not execution_id:
        raise Unreadable("the id of a fill names no execution")
    side = SIDES.get(read_text(row, "side"))
    ts_ns = read_instant(row, "transaction_time")
    if side is None or not ts_ns:
        raise Unreadable("a fill has no side or no time")
    return Fill(
        execution_id=execution_id,
        order_id=need_text(row, "order_id"),
        symbol=parse_symbol(need_text(row, "symbol")),
        side=side,
        qty=need_number(row, "qty"),
        price=need_number(row, "price"),
        ts_ns=ts_ns,
    )


def parse_symbol(text: str) -> str:
    """A symbol as orders spell it: what is too long for a stock and ends with a currency is a pair."""
    is_pair = len(text) > STOCK_CHARS_MAX and "." not in text and text.endswith(QUOTE_CURRENCIES)
    return parse_pair(text) if is_pair else text
