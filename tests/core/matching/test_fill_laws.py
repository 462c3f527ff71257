"""Whatever the market does, no fill is better or larger than what it cites, and a stricter model never fills more."""

from decimal import Decimal
from random import Random

from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.matching.citation import Execution
from engine.core.matching.fills import try_fill
from engine.core.matching.models import MODELS, FillModel
from engine.core.matching.queue import Queue
from engine.core.matching.view import SymbolView
from engine.model.account import Asset
from engine.model.market import Bar, Book, Luld, MarketEvent, Quote, Status, Trade
from engine.model.order import AssetClass, Order, OrderStatus, OrderType, Side, TimeInForce

D = Decimal
STEP_NS = 10_000_000_000
ASSET = Asset(id="a", symbol="A", name="A", asset_class=AssetClass.US_EQUITY, exchange="X")

prices = st.integers(995, 1005).map(lambda ticks: ticks / 100)
sizes = st.integers(0, 5).map(lambda lots: lots * 100.0)
levels = st.lists(st.tuples(prices, sizes), max_size=4).map(tuple)
ticks = st.one_of(
    st.builds(Quote, st.just("A"), st.just(0), prices, sizes, prices, sizes),
    st.builds(Quote, st.just("A"), st.just(0), st.just(9.99), sizes, st.just(10.01), sizes),
    st.builds(Trade, st.just("A"), st.just(0), prices, sizes, conditions=st.sampled_from([("@",), ("I",), ("Z",)])),
)
rare = st.one_of(
    st.builds(Luld, st.just("A"), st.just(0), st.sampled_from([10.01, 10.5]), st.sampled_from([9.5, 9.99])),
    st.builds(Status, st.just("A"), st.just(0), st.sampled_from("HTQ23")),
    st.builds(Book, st.just("A"), st.just(0), levels, levels, st.booleans()),
)
bars = st.tuples(prices, prices, prices, prices, sizes).map(
    lambda five: Bar("A", 0, five[0], max(five[:4]), min(five[:4]), five[3], five[4])
)


def stamp(event: MarketEvent, number: int) -> MarketEvent:
    """The event, at its own instant."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return type(event)(**(fields | {"ts_ns": number * STEP_NS}))


markets = st.one_of(
    st.lists(st.one_of(ticks, ticks, ticks, rare), min_size=5, max_size=40), st.lists(bars, min_size=3, max_size=15)
).map(lambda events: [stamp(event, number) for number, event in enumerate(events, 1)])


@frozen
class Wish:
    """An order, and after how many events it comes."""

    order: Order
    after: int


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    limit, after = draw(st.one_of(st.none(), prices)), draw(st.integers(0, 12))
    order = Order(
        id="", client_order_id="", symbol="A", asset_id="a", asset_class=AssetClass.US_EQUITY,
        side=draw(st.sampled_from(Side)), type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        time_in_force=TimeInForce.DAY, status=OrderStatus.NEW, qty=D(draw(st.integers(1, 900))),
        limit_price=None if limit is None else D(repr(limit)), submitted_ns=after * STEP_NS + 1,
    )  # fmt: skip
    return Wish(order, after)


Filled = list[tuple[int, Order, Execution]]


def run(market: list[MarketEvent], wanted: list[Wish], model: FillModel) -> Filled:
    """Every fill of some orders, with the number of the event at which it was made and the order before it."""
    view, queue, dice, found = SymbolView("A", ASSET), Queue(), Random(1), list[tuple[int, Order, Execution]]()
    orders: dict[str, Order] = {}
    for number in range(len(market) + 1):
        if number:
            view.take(market[number - 1])
        coming = {str(place): wish.order for place, wish in enumerate(wanted) if wish.after == number}
        for resting, some in ((True, dict(orders)), (False, coming)):
            for name, order in some.items():
                now = evolve(order, id=name)
                while got := try_fill(now, view, model, queue, resting=resting, left_notional=None, dice=dice):
                    assert not view.halted
                    found.append((number, now, got))
                    now = evolve(now, filled_qty=now.filled_qty + got.qty)
                orders[name] = now
    return found


@given(markets, st.lists(wishes(), min_size=1, max_size=5), st.sampled_from(sorted(MODELS)))
@settings(max_examples=150, deadline=None)
def test_no_fill_is_better_or_larger_than_what_it_cites(
    market: list[MarketEvent], wanted: list[Wish], name: str
) -> None:
    taken: dict[tuple[object, ...], Decimal] = {}
    for _, order, got in run(market, wanted, MODELS[name]):
        assert order.side is not None
        assert 0 < got.qty <= order.left_qty
        assert (got.price - got.cites.price) * order.side.sign >= 0, "better than the market"
        assert order.limit_price is None or (order.limit_price - got.price) * order.side.sign >= 0
        assert got.maker or got.price == got.cites.price
        key = (got.cites.kind, got.cites.ts_ns, None if got.cites.kind == "bar" else (order.side, got.cites.price))
        taken[key] = taken.get(key, D(0)) + got.qty
        if MODELS[name].sized:
            assert taken[key] <= got.cites.size


@given(markets, st.lists(wishes(), min_size=1, max_size=5), st.sampled_from(sorted(MODELS)))
@settings(max_examples=150, deadline=None)
def test_what_is_cited_is_what_the_market_told(market: list[MarketEvent], wanted: list[Wish], name: str) -> None:
    told = {event.ts_ns: event for event in market}
    band = None
    for number, order, got in run(market, wanted, MODELS[name]):
        event, price, size = told[got.cites.ts_ns], float(got.cites.price), float(got.cites.size)
        assert got.cites.ts_ns <= number * STEP_NS, "from the future"
        if isinstance(event, Quote):
            offered = (event.ask_price, event.ask_size) if order.side is Side.BUY else (event.bid_price, event.bid_size)
            assert (price, size) == offered
        elif isinstance(event, Trade):
            assert (price, size) == (event.price, event.size)
            assert event.ts_ns >= order.submitted_ns
        elif isinstance(event, Bar):
            assert size == event.volume
            assert price in (event.open, event.high, event.low, event.close)
            assert event.low <= float(got.price) <= event.high
        else:
            assert isinstance(event, Book)
        bands = [event for event in market[:number] if isinstance(event, Luld)]
        band = bands[-1] if bands else None
        assert band is None or band.limit_down <= float(got.price) <= band.limit_up


@given(markets, wishes())
@settings(max_examples=250, deadline=None)
def test_touch_fills_at_least_what_queue_fills_and_that_at_least_what_through_fills(
    market: list[MarketEvent], wish: Wish
) -> None:
    told = {name: run(market, [wish], MODELS[name]) for name in ("touch", "queue", "through")}
    for until in range(len(market) + 1):
        filled = {name: sum(got.qty for number, _, got in told[name] if number <= until) for name in told}
        assert filled["touch"] >= filled["queue"] >= filled["through"]


@given(markets, st.lists(wishes(), min_size=1, max_size=5), st.sampled_from(sorted(MODELS)))
@settings(max_examples=20, deadline=None)
def test_the_same_market_fills_the_same(market: list[MarketEvent], wanted: list[Wish], name: str) -> None:
    assert run(market, wanted, MODELS[name]) == run(market, wanted, MODELS[name])
