"""What the client reads is what the exchange meant, and what it asks for is what the exchange reads."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.codec.account import render_account, render_asset, render_contract, render_position
from engine.codec.activities import activities_of, render_activity
from engine.codec.order_requests import parse_order as read_order_request
from engine.codec.order_requests import parse_replace as read_replace_request
from engine.codec.orders import render_order, render_update
from engine.codec.parse_orders import (
    parse_account,
    parse_asset,
    parse_contract,
    parse_fills,
    parse_order,
    parse_orders,
    parse_positions,
    parse_update,
    read_json,
    render_order_request,
    render_replace_request,
)
from engine.model.account import Account, Asset, HeldPosition, Position
from engine.model.order import (
    AssetClass,
    Fill,
    Leg,
    Order,
    OrderChange,
    OrderClass,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    PositionIntent,
    ReplaceRequest,
    Side,
    TimeInForce,
)
from engine.model.settlement import Settlement

DAY = date(2026, 3, 2)
EXAMPLES = settings(max_examples=25, deadline=None)

ids = st.uuids().map(str)
words = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=20)
numbers = st.decimals("-1e9", "1e9", places=9)
amounts = st.decimals("1e-9", "1e9", places=9)
maybe = st.none() | amounts
prices = st.decimals("0.01", "1e5", places=2)
instants = st.integers(10**9, 4_102_444_800_000_000_000)
times = st.just(0) | instants
symbols = st.sampled_from(["AAPL", "BRK.B", "BTC/USD", "USDT/USDC", "AAPL260320C00200000"])
simple_classes = st.sampled_from([each for each in OrderClass if each is not OrderClass.MLEG])


def plain_orders(**fixed: Any) -> st.SearchStrategy[Order]:
    """Orders of one symbol, told all there is to tell."""
    return st.builds(
        Order,
        id=ids, client_order_id=words, symbol=symbols, asset_id=ids, asset_class=st.sampled_from(AssetClass),
        side=st.sampled_from(Side), type=st.sampled_from(OrderType), time_in_force=st.sampled_from(TimeInForce),
        status=st.sampled_from(OrderStatus), order_class=simple_classes, qty=maybe, notional=maybe,
        filled_qty=st.just(Decimal(0)) | amounts, filled_avg_price=st.none() | numbers, limit_price=st.none() | numbers,
        stop_price=maybe, trail_price=maybe, trail_percent=maybe, extended_hours=st.booleans(),
        position_intent=st.none() | st.sampled_from(PositionIntent), replaced_by=st.just("") | ids,
        replaces=st.just("") | ids, created_ns=instants, updated_ns=instants, submitted_ns=instants, filled_ns=times,
        expires_ns=times, expired_ns=times, canceled_ns=times, failed_ns=times, replaced_ns=times,
        **fixed,
    ).flatmap(lambda order: maybe.map(lambda hwm: with_mark(order, hwm)))  # fmt: skip


def with_mark(order: Order, hwm: Decimal | None) -> Order:
    """Only a trailing stop is told with its water mark."""
    return evolve(order, hwm=hwm) if order.type is OrderType.TRAILING_STOP else order


@st.composite
def families(draw: st.DrawFn) -> tuple[Order, ...]:
    """An order and its legs."""
    order = draw(plain_orders())
    legs = draw(st.lists(plain_orders(parent_id=st.just(order.id)), max_size=3, unique_by=lambda leg: leg.id))
    return (evolve(order, legs=tuple(leg.id for leg in legs)), *legs)


@st.composite
def multileg(draw: st.DrawFn) -> tuple[Order, ...]:
    """An order of several contracts, without a symbol of its own; the legs have its type."""
    whole = draw(plain_orders())
    parent = evolve(
        whole, symbol="", asset_id="", asset_class=None, side=None, order_class=OrderClass.MLEG, position_intent=None
    )
    legs = draw(st.lists(plain_orders(parent_id=st.just(parent.id)), min_size=2, max_size=4, unique_by=lambda o: o.id))
    legs = [
        evolve(leg, type=parent.type, order_class=OrderClass.MLEG, ratio_qty=draw(amounts), hwm=None) for leg in legs
    ]
    parent = evolve(parent, hwm=None if parent.type is not OrderType.TRAILING_STOP else parent.hwm)
    return (evolve(parent, legs=tuple(leg.id for leg in legs)), *legs)


def over_the_wire(told: object) -> Any:
    """What the other side decodes."""
    return read_json(msgspec.json.encode(told))


@EXAMPLES
@given(families() | multileg())
def test_an_order_by_rest_is_read_as_the_exchange_has_it(family: tuple[Order, ...]) -> None:
    assert parse_order(over_the_wire(render_order(family[0], family[1:]))) == family


@EXAMPLES
@given(st.lists(families(), max_size=3))
def test_a_list_of_orders_keeps_its_order_and_each_its_legs(listed: list[tuple[Order, ...]]) -> None:
    told = over_the_wire([render_order(family[0], family[1:]) for family in listed])
    assert parse_orders(told) == tuple(listed)


@EXAMPLES
@given(families(), st.sampled_from(OrderChange), instants, times, ids, numbers, amounts, words)
def test_an_update_is_read_as_the_exchange_has_it(
    family: tuple[Order, ...],
    change: OrderChange,
    ts_ns: int,
    asked_ns: int,
    execution_id: str,
    price: Decimal,
    qty: Decimal,
    event_id: str,
) -> None:
    order = evolve(family[0], cancel_requested_ns=asked_ns)
    fills = change in (OrderChange.FILL, OrderChange.PARTIAL_FILL)
    fill = Fill(
        execution_id=execution_id, order_id=order.id, symbol=order.symbol, side=order.side or Side.BUY, qty=qty,
        price=price, ts_ns=ts_ns,
    )  # fmt: skip
    update = OrderUpdate(
        change=change, order=order, ts_ns=ts_ns, event_id=event_id, execution_id=execution_id if fills else "",
        fill=fill if fills else None, position_qty=-qty if fills else None,
    )  # fmt: skip
    assert parse_update(over_the_wire(render_update(update, family[1:]))) == (update, (order, *family[1:]))


@EXAMPLES
@given(multileg(), instants, amounts, numbers)
def test_a_fill_of_several_legs_is_told_by_its_legs_alone(
    family: tuple[Order, ...], ts_ns: int, qty: Decimal, price: Decimal
) -> None:
    parent, legs = family[0], family[1:]
    fills = tuple(
        Fill(
            execution_id=f"e-{leg.id}", order_id=leg.id, symbol=leg.symbol, side=leg.side or Side.BUY, qty=qty,
            price=price, ts_ns=ts_ns,
        )
        for leg in legs
    )  # fmt: skip
    whole = evolve(fills[0], order_id=parent.id, symbol="", execution_id="whole")
    update = OrderUpdate(
        change=OrderChange.FILL, order=parent, ts_ns=ts_ns, event_id="", execution_id="whole", fill=whole,
        leg_fills=fills, position_qtys={leg.symbol: qty for leg in legs},
    )  # fmt: skip
    assert parse_update(over_the_wire(render_update(update, legs))) == (evolve(update, fill=None), family)


@EXAMPLES
@given(plain_orders(), instants, amounts, amounts, ids)
def test_a_fill_is_the_same_by_the_stream_and_by_the_activities(
    order: Order, ts_ns: int, qty: Decimal, price: Decimal, execution_id: str
) -> None:
    fill = Fill(
        execution_id=execution_id, order_id=order.id, symbol=order.symbol, side=order.side or Side.BUY, qty=qty,
        price=price, ts_ns=ts_ns,
    )  # fmt: skip
    update = OrderUpdate(
        change=OrderChange.FILL, order=order, ts_ns=ts_ns, event_id="0" * 26, execution_id=execution_id, fill=fill
    )
    rows = [
        render_activity(activity) for activity in activities_of(update) if not isinstance(activity.cause, Settlement)
    ]
    streamed, _ = parse_update(over_the_wire(render_update(update)))
    fills, mark, count = parse_fills(over_the_wire(rows))
    assert fills == (fill,) == (streamed.fill,)
    assert (mark, count) == (rows[0]["id"], 1)


requests = st.builds(
    OrderRequest,
    symbol=symbols, side=st.sampled_from(Side), type=st.sampled_from(OrderType),
    time_in_force=st.sampled_from(TimeInForce), qty=maybe, notional=maybe, limit_price=st.none() | numbers,
    stop_price=maybe, trail_price=maybe, trail_percent=maybe, extended_hours=st.booleans(),
    client_order_id=st.just("") | words, order_class=simple_classes, take_profit_limit=maybe, stop_loss_stop=maybe,
    stop_loss_limit=maybe, position_intent=st.none() | st.sampled_from(PositionIntent),
)  # fmt: skip
legs = st.builds(
    Leg,
    symbol=symbols, ratio_qty=amounts, side=st.sampled_from(Side),
    position_intent=st.none() | st.sampled_from(PositionIntent),
)  # fmt: skip


@EXAMPLES
@given(requests)
def test_an_order_asked_for_is_the_order_that_the_exchange_reads(request: OrderRequest) -> None:
    assert read_order_request(msgspec.json.encode(render_order_request(request))) == request


@EXAMPLES
@given(requests, st.lists(legs, min_size=2, max_size=4))
def test_an_order_of_several_legs_names_them_and_no_symbol(request: OrderRequest, asked: list[Leg]) -> None:
    whole = evolve(
        request, symbol="", side=Side.BUY, order_class=OrderClass.MLEG, legs=tuple(asked), position_intent=None
    )
    told = render_order_request(whole)
    assert not {"symbol", "side"} & told.keys()
    assert read_order_request(msgspec.json.encode(told)) == whole


@EXAMPLES
@given(
    st.builds(
        ReplaceRequest,
        qty=maybe, time_in_force=st.none() | st.sampled_from(TimeInForce), limit_price=st.none() | numbers,
        stop_price=maybe, trail=maybe, client_order_id=st.just("") | words,
    )
)  # fmt: skip
def test_a_change_asked_for_is_the_change_that_the_exchange_reads(change: ReplaceRequest) -> None:
    assert read_replace_request(msgspec.json.encode(render_replace_request(change))) == change


assets = st.builds(
    Asset,
    id=ids, symbol=st.sampled_from(["AAPL", "BRK.B"]), name=words, asset_class=st.just(AssetClass.US_EQUITY),
    exchange=words, tradable=st.booleans(), active=st.booleans(), marginable=st.booleans(),
    shortable=st.just(True), easy_to_borrow=st.booleans(), fractionable=st.booleans(),
)  # fmt: skip
pairs = st.builds(
    Asset,
    id=ids, symbol=st.sampled_from(["BTC/USD", "USDT/USDC", "ETH/BTC"]), name=words,
    asset_class=st.just(AssetClass.CRYPTO), exchange=st.just("CRYPTO"), marginable=st.just(False),
    shortable=st.just(False), easy_to_borrow=st.just(False), min_order_size=amounts, min_trade_increment=amounts,
    price_increment=amounts,
)  # fmt: skip


@EXAMPLES
@given(assets | pairs)
def test_an_asset_is_read_as_the_exchange_has_it(asset: Asset) -> None:
    assert parse_asset(over_the_wire(render_asset(asset))) == asset


@EXAMPLES
@given(amounts, st.booleans(), st.booleans())
def test_a_contract_is_read_as_the_exchange_has_it(strike: Decimal, call: bool, tradable: bool) -> None:
    stock = Asset(id="s", symbol="AAPL", name="Apple", asset_class=AssetClass.US_EQUITY, exchange="NASDAQ")
    contract = Asset(
        id="c", symbol="AAPL260320C00200000", name="AAPL 200", asset_class=AssetClass.US_OPTION, exchange="",
        tradable=tradable, marginable=False, shortable=False, easy_to_borrow=False, fractionable=False,
        extended_hours=False, min_order_size=Decimal(1), min_trade_increment=Decimal(1),
        price_increment=Decimal("0.01"), multiplier=Decimal(100), underlying="AAPL", strike=strike,
        expires="2026-03-20", call=call,
    )  # fmt: skip
    assert parse_contract(over_the_wire(render_contract(contract, stock))) == contract


@EXAMPLES
@given(assets | pairs, numbers.filter(bool), prices, st.just(Decimal(0)) | prices)
def test_a_position_is_read_as_the_exchange_has_it(asset: Asset, qty: Decimal, entry: Decimal, price: Decimal) -> None:
    held = Position(asset=asset, qty=qty, cost=qty * entry, available_qty=abs(qty), price=price)
    told = HeldPosition(
        symbol=asset.symbol, qty=qty, entry_price=entry, price=price, asset_class=asset.asset_class
    )  # fmt: skip
    assert parse_positions(over_the_wire([render_position(held)])) == (told,)


@EXAMPLES
@given(st.lists(numbers, min_size=15, max_size=15), st.booleans())
def test_an_account_is_read_as_the_exchange_has_it(figures: list[Decimal], shorting: bool) -> None:
    names = [name for name in Account.__attrs_attrs__ if name.name != "shorting_enabled"]
    told = {each.name: figure for each, figure in zip(names, figures, strict=True)}
    told["multiplier"] = abs(told["multiplier"]) or Decimal(4)
    account = Account(**told, shorting_enabled=shorting)
    wire = render_account(
        account, account_id="a", account_number="PA1", created_at="2026-01-02T00:00:00Z", as_of=DAY, options_level=3,
        suspended=False,
    )  # fmt: skip
    assert parse_account(over_the_wire(wire)) == account
