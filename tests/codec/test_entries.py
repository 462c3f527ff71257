"""What was written is read back as it was, types and all; what is no entry of ours is refused with its place."""

from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec.entries import parse_entry, render_entry
from engine.model.account import AccountFee, StrategyPosition
from engine.model.entry import Adjusted, Carried, Charged, Entry, Heard, Intended, Saved, Stood
from engine.model.intent import Intent, Outcome, Purpose, Ticket
from engine.model.order import (
    AssetClass,
    Fill,
    Leg,
    Order,
    OrderClass,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionIntent,
    ReplaceRequest,
    Side,
    TimeInForce,
)

VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
# No amount that is not a number: it would differ from itself.
NATURAL: dict[Any, st.SearchStrategy[Any]] = {Decimal: st.decimals(allow_nan=False, allow_infinity=False)}
for kind in (Leg, OrderRequest, ReplaceRequest, Fill, Order, Intent, Ticket, AccountFee, StrategyPosition):
    amounts = {field.name: NATURAL[field.type] for field in kind.__attrs_attrs__ if field.type in NATURAL}
    st.register_type_strategy(kind, st.builds(kind, **amounts))
ENTRIES: dict[type[Any], st.SearchStrategy[Any]] = {
    kind: st.from_type(kind) for kind in (Intended, Stood, Carried, Heard)
} | {
    Adjusted: st.builds(Adjusted, qty=NATURAL[Decimal], price=NATURAL[Decimal]),
    Charged: st.builds(Charged, shares=st.dictionaries(st.text(), NATURAL[Decimal], max_size=3)),
    Saved: st.builds(Saved, strategy=st.text(), values=st.dictionaries(st.text(), VALUE, max_size=3)),
}
ORDER = Order(
    id="7",
    client_order_id="x-s-1",
    symbol="BTC/USD",
    asset_id="b",
    asset_class=AssetClass.CRYPTO,
    side=Side.SELL,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    status=OrderStatus.PARTIALLY_FILLED,
    order_class=OrderClass.BRACKET,
    limit_price=Decimal("1E-9"),
    legs=("8", "9"),
    position_intent=PositionIntent.SELL_TO_CLOSE,
)
FILL = Fill(
    execution_id="e", order_id="7", symbol="BTC/USD", side=Side.SELL, qty=Decimal("0.10"), price=Decimal(3), ts_ns=4
)
TICKET = Ticket(client_order_id="x-s-1", strategy="s", intent=None, outcome=Outcome.TAKEN, order=ORDER, fills=(FILL,))


def exactly(value: object) -> object:
    """The value with its types said, so that a word is not taken for its enumeration nor 1.50 for 1.5."""
    if hasattr(value, "__attrs_attrs__"):
        return type(value), [exactly(getattr(value, field.name)) for field in value.__attrs_attrs__]
    if isinstance(value, tuple | list):
        return type(value), [exactly(item) for item in value]
    if isinstance(value, dict):
        return {name: exactly(item) for name, item in value.items()}
    return type(value), str(value)


def test_every_kind_of_entry_is_tried() -> None:
    assert set(ENTRIES) == set(get_args(Entry))


@given(st.one_of(*ENTRIES.values()))
def test_what_is_written_is_read_back(entry: Entry) -> None:
    assert exactly(parse_entry(render_entry(entry))) == exactly(entry)


def test_amounts_are_text_and_what_is_not_set_is_not_there() -> None:
    assert render_entry(Stood(ticket=TICKET)) == (
        '{"ticket":{"client_order_id":"x-s-1","strategy":"s","intent":null,"outcome":"taken","order":{"id":"7",'
        '"client_order_id":"x-s-1","symbol":"BTC/USD","asset_id":"b","asset_class":"crypto","side":"sell",'
        '"type":"limit","time_in_force":"gtc","status":"partially_filled","order_class":"bracket",'
        '"limit_price":"1E-9","position_intent":"sell_to_close","legs":["8","9"]},"fills":[{"execution_id":"e",'
        '"order_id":"7","symbol":"BTC/USD","side":"sell","qty":"0.10","price":"3","ts_ns":4}]},"entry":"stood"}'
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "Expecting value"),
        ("[" * 100_000, "nested too deeply"),
        ("null", "no entry of any kind"),
        ("[]", "no entry of any kind"),
        ("{}", "no entry of any kind"),
        ('{"entry":"later"}', "no entry of any kind"),
        ('{"entry":["heard"]}', "no entry of any kind"),
        ('{"entry":"heard","source":"events"}', "required field missing @ entry.mark"),
        ('{"entry":"heard","source":"events","mark":7}', "@ entry.mark"),
        ('{"entry":"heard","source":"events","mark":"7","more":1}', "extra fields found (more) @ entry"),
        (render_entry(Stood(ticket=TICKET)).replace('"0.10"', "0.10"), "@ entry.ticket.fills[0].qty"),
        (render_entry(Stood(ticket=TICKET)).replace('"0.10"', '"ten"'), "@ entry.ticket.fills[0].qty"),
        (render_entry(Stood(ticket=TICKET)).replace("gtc", "gtd"), "@ entry.ticket.order.time_in_force"),
        (render_entry(Stood(ticket=TICKET)).replace('"ts_ns":4', '"ts_ns":4.5'), "@ entry.ticket.fills[0].ts_ns"),
        (render_entry(Stood(ticket=TICKET)).replace('"ts_ns":4', '"ts_ns":true'), "@ entry.ticket.fills[0].ts_ns"),
    ],
)
def test_what_is_no_entry_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_entry(text)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), Decimal(1), {1, 2}])
def test_what_json_has_no_word_for_is_not_written(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        render_entry(Saved(strategy="s", values={"x": value}))


def test_every_enumeration_is_read_as_itself() -> None:
    request = OrderRequest(
        symbol="SPY", side=Side.BUY, type=OrderType.STOP, time_in_force=TimeInForce.OPG, qty=Decimal("1.50")
    )
    intent = Intent(
        client_order_id="x-s-2", strategy="s", seq=2, request=request, purpose=Purpose.KILL, at_ns=1, valid_until_ns=2
    )
    entry = Intended(intent=intent)
    assert exactly(parse_entry(render_entry(entry))) == exactly(entry)
