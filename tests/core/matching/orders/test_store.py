"""Every open order is remembered, and of those that ended the newest."""

from attrs import evolve

from engine.core.matching.orders.store import Orders
from engine.model.order import AssetClass, Order, OrderStatus, OrderType, Side, TimeInForce


def _order(number: int, symbol: str = "AAPL") -> Order:
    return Order(
        id=f"o{number}",
        client_order_id=f"c{number}",
        symbol=symbol,
        asset_id="a",
        asset_class=AssetClass.US_EQUITY,
        side=Side.BUY,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        status=OrderStatus.NEW,
    )


def _end(orders: Orders, number: int) -> None:
    orders.put(evolve(orders[f"o{number}"], status=OrderStatus.CANCELED))


def test_orders_are_found_by_either_id_and_listed_by_submission() -> None:
    orders = Orders()
    for number in (2, 1, 3):
        orders.put(_order(number, "MSFT" if number == 1 else "AAPL"))
    assert [order.id for order in orders] == ["o2", "o1", "o3"]
    assert orders.by_client_id("c1") is orders["o1"]
    assert orders.get("o9") is orders.by_client_id("c9") is None
    assert [order.id for order in orders.open()] == ["o2", "o1", "o3"]
    assert [order.id for order in orders.open("AAPL")] == ["o2", "o3"]


def test_what_ended_is_not_open_and_still_there() -> None:
    orders = Orders()
    orders.put(_order(1))
    _end(orders, 1)
    assert orders.open() == orders.open("AAPL") == ()
    assert (len(orders), orders.open_count) == (1, 0)
    assert orders.by_client_id("c1") is not None


def test_the_oldest_ended_order_is_forgotten_with_its_client_s_id() -> None:
    orders = Orders(ended_max=2)
    for number in range(5):
        orders.put(_order(number))
    for number in (1, 0, 3):
        _end(orders, number)
    assert [order.id for order in orders] == ["o0", "o2", "o3", "o4"]
    assert orders.by_client_id("c1") is None


def test_an_ended_order_that_is_told_of_again_is_counted_once() -> None:
    orders = Orders(ended_max=1)
    orders.put(_order(1))
    _end(orders, 1)
    _end(orders, 1)
    assert "o1" in orders


def test_legs_are_those_that_are_remembered() -> None:
    orders = Orders()
    orders.put(_order(2))
    assert [leg.id for leg in orders.legs(evolve(_order(1), legs=("o2", "o3")))] == ["o2"]


def test_an_entry_is_not_forgotten_while_its_exits_work() -> None:
    """The exits of a bracket that is good till canceled may outlive thousands of other orders."""
    orders = Orders(ended_max=1)
    orders.put(evolve(_order(0), legs=("o1",)))
    orders.put(evolve(_order(1), parent_id="o0"))
    _end(orders, 0)
    for number in (2, 3):
        orders.put(_order(number))
        _end(orders, number)
    assert [order.id for order in orders] == ["o0", "o1"]
    _end(orders, 1)
    assert [order.id for order in orders] == ["o1"]


def test_against_an_order_is_what_is_open_on_the_other_side_of_its_symbol() -> None:
    orders = Orders()
    for number, side in enumerate((Side.SELL, Side.BUY, Side.SELL, Side.SELL)):
        orders.put(evolve(_order(number, "MSFT" if number == 2 else "AAPL"), side=side))
    assert [order.id for order in orders.against(_order(9))] == ["o0", "o3"]
    _end(orders, 0)
    assert [order.id for order in orders.against(_order(9))] == ["o3"]
    assert orders.against(evolve(_order(9), side=None)) == ()
