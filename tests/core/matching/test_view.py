"""A view knows what can be traded with now and the last price, and never goes back in time."""

from decimal import Decimal
from timeit import timeit

import pytest

from engine.core.matching.view import SymbolView
from engine.model.account import Asset
from engine.model.market import Bar, Book, DailyBar, Luld, MarketEvent, News, Quote, Status, Trade, UpdatedBar
from engine.model.order import AssetClass, Side

D = Decimal


def view_of(symbol: str = "AAPL", asset_class: AssetClass = AssetClass.US_EQUITY) -> SymbolView:
    return SymbolView(symbol, Asset(id="a", symbol=symbol, name=symbol, asset_class=asset_class, exchange="X"))


def quote(ts_ns: int, bid: float = 10.0, ask: float = 10.02, size: float = 100.0) -> Quote:
    return Quote("AAPL", ts_ns, bid, size, ask, size)


def trade(ts_ns: int, price: float, size: float = 100.0, *conditions: str) -> Trade:
    return Trade("AAPL", ts_ns, price, size, 1, "V", conditions or ("@",))


def test_nothing_is_known_before_the_market_tells_it() -> None:
    view = view_of()
    assert (view.bid, view.ask, view.last, view.limit_up, view.limit_down) == (None,) * 5
    assert view.top(Side.BUY) is None
    assert view.newest() is None
    assert not view.halted


def test_prices_are_the_decimals_that_were_written() -> None:
    view = view_of()
    view.take(quote(1, 0.1, 1e-07))
    view.take(trade(2, 189.0))
    assert (view.bid, view.ask, view.last) == (D("0.1"), D("1e-7"), D(189))
    assert str(view.last) == "189"


def test_a_side_with_price_0_has_nobody() -> None:
    view = view_of()
    view.take(quote(1, 0.0, 10.0))
    assert view.bid is None
    assert view.top(Side.SELL) is None
    assert view.market(Side.SELL) is None
    view.take(trade(2, 9.9))
    assert view.market(Side.SELL) == D("9.9")


def test_what_was_taken_of_a_quote_stays_taken_until_the_next() -> None:
    view = view_of()
    view.take(quote(1))
    top = view.top(Side.BUY)
    assert top is not None
    top.taken += 60
    view.take(trade(2, 10.01))
    again = view.top(Side.BUY)
    assert again is not None
    assert again.left == 40
    view.take(quote(3))
    fresh = view.top(Side.BUY)
    assert fresh is not None
    assert fresh.left == 100


@pytest.mark.parametrize(
    ("asset_class", "conditions", "sets_last", "fills"),
    [
        (AssetClass.US_EQUITY, ("@",), True, True),
        (AssetClass.US_EQUITY, ("@", "F", "T"), True, True),
        (AssetClass.US_EQUITY, ("@", "I"), False, True),
        (AssetClass.US_EQUITY, ("M",), False, False),
        (AssetClass.US_EQUITY, ("Q",), False, False),
        (AssetClass.US_EQUITY, ("@", "W"), False, False),
        (AssetClass.US_EQUITY, ("@", "Z", "I"), False, False),
        (AssetClass.US_OPTION, ("I",), True, True),
        (AssetClass.US_OPTION, ("D",), False, False),
        (AssetClass.CRYPTO, (), True, True),
    ],
)
def test_conditions_say_what_a_print_counts_for(
    asset_class: AssetClass, conditions: tuple[str, ...], sets_last: bool, fills: bool
) -> None:
    view = view_of(asset_class=asset_class)
    view.take(Trade("AAPL", 1, 10.0, 5.0, conditions=conditions))
    assert (view.last is not None, view.newest() is not None) == (sets_last, fills)


def test_a_print_of_size_0_is_no_trade() -> None:
    view = view_of()
    view.take(trade(1, 10.0, 0.0))
    assert view.last is None
    assert view.newest() is None


def test_a_trade_that_came_late_neither_sets_the_last_price_nor_fills() -> None:
    view = view_of()
    view.take(trade(10, 10.0))
    view.take(trade(9, 5.0))
    assert view.last == 10
    assert view.newest() is None
    view.take(trade(10, 11.0))
    assert view.last == 11


def test_a_print_is_there_only_until_the_next_event() -> None:
    view = view_of()
    view.take(trade(1, 10.0))
    assert view.newest() is not None
    view.take(quote(2))
    assert view.newest() is None


def test_a_new_session_forgets_quotes_prints_and_bands_but_not_the_last_price() -> None:
    view = view_of()
    for event in (quote(1), trade(2, 10.0), Luld("AAPL", 2, 11.0, 9.0)):
        view.take(event)
    view.new_session(5)
    assert (view.bid, view.limit_up, view.last, view.traded) == (None, None, D(10), False)
    view.take(trade(4, 9.0))
    assert view.last == 10, "it was made before the session"
    view.take(trade(5, 9.0))
    assert view.last == 9


def test_the_first_price_of_a_session_is_an_auction_and_the_second_is_not() -> None:
    view, auctions = view_of(), []
    told: list[MarketEvent] = [quote(1), quote(2), trade(4, 10.0, 100.0, "@", "O"), quote(5)]
    for event in told:
        if event.ts_ns == 4:
            view.new_session(3)
        view.take(event)
        auctions.append(view.auction)
    assert auctions == [True, False, True, False]


@pytest.mark.parametrize("codes", [("H", "T"), ("P", "T"), ("2", "3")])
def test_a_halt_lasts_until_trading_resumes_and_takes_the_quotes_with_it(codes: tuple[str, str]) -> None:
    view = view_of()
    view.take(quote(1))
    view.take(trade(1, 10.0))
    halted = []
    for ts_ns, code in enumerate((codes[0], "Q", codes[1]), 2):
        view.take(Status("AAPL", ts_ns, code))
        halted.append(view.halted)
    assert halted == [True, True, False], "Q resumes quotes, not trading"
    assert (view.bid, view.traded, view.last) == (None, False, D(10))


def test_a_status_that_is_no_halt_changes_nothing() -> None:
    view = view_of()
    view.take(quote(1))
    for code in "56789ACDEF":
        view.take(Status("AAPL", 2, code, tape="A"))
    assert not view.halted
    assert view.bid == 10


def test_the_newest_band_counts() -> None:
    view = view_of()
    view.take(Luld("AAPL", 1, 11.0, 9.0))
    view.take(Luld("AAPL", 2, 11.5, 9.5))
    assert (view.limit_down, view.limit_up) == (D("9.5"), D("11.5"))


def test_bars_count_only_where_there_is_nothing_else() -> None:
    view = view_of()
    view.take(Bar("AAPL", 0, 10.0, 11.0, 9.0, 10.5, 1000.0))
    assert (view.last, view.farthest(Side.BUY), view.farthest(Side.SELL)) == (D("10.5"), D(11), D(9))
    view.take(UpdatedBar("AAPL", 0, 10.0, 12.0, 9.0, 12.0, 1000.0))
    view.take(DailyBar("AAPL", 0, 10.0, 12.0, 9.0, 12.0, 1000.0))
    assert view.last == D("10.5")
    view.take(trade(59, 10.0))
    view.take(Bar("AAPL", 60, 10.0, 11.0, 9.0, 10.7, 1000.0))
    assert view.last == 10
    assert view.bar is None


def test_kinds_that_say_nothing_about_trading_are_ignored() -> None:
    view = view_of()
    before = view.version
    view.take(News("", 1, 1, "AAPL is a company", symbols=("AAPL",)))
    assert view.version == before


def test_a_book_is_what_stands_behind_the_quote() -> None:
    view = view_of("BTC/USD", AssetClass.CRYPTO)
    view.take(Book("BTC/USD", 1, ((99.0, 1.0),), ((101.0, 1.0), (102.0, 2.0), (103.0, 3.0)), reset=True))
    assert (view.bid, view.ask) == (D(99), D(101)), "no quote was told, so the book says it"
    view.take(Quote("BTC/USD", 2, 99.0, 0.5, 101.0, 0.5))
    view.take(Book("BTC/USD", 3, (), ((102.0, 0.0), (104.0, 0.25))))
    top = view.top(Side.BUY)
    assert top is not None
    found = [top, *view.deeper(Side.BUY)]
    assert [(offer.cites.kind, offer.cites.price, offer.cites.size) for offer in found] == [
        ("quote", D(101), D("0.5")),
        ("book", D(103), D(3)),
        ("book", D(104), D("0.25")),
    ]


def test_a_book_from_before_a_halt_is_forgotten() -> None:
    view = view_of()
    view.take(Book("AAPL", 1, ((99.0, 1.0),), ((101.0, 1.0),), reset=True))
    view.take(Status("AAPL", 2, "T"))
    view.take(Book("AAPL", 3, ((98.0, 1.0),), ()))
    assert (view.bid, view.ask) == (None, None)


def test_what_is_displayed_at_a_price_is_known_as_deep_as_the_market_tells() -> None:
    view = view_of()
    assert view.displayed(Side.BUY, D(10)) is None
    view.take(quote(1, 10.0, 10.02, 300.0))
    assert view.displayed(Side.BUY, D("10.01")) == 0
    assert view.displayed(Side.BUY, D(10)) == 300
    assert view.displayed(Side.BUY, D("9.99")) is None
    assert view.displayed(Side.SELL, D("10.01")) == 0
    assert view.displayed(Side.SELL, D("10.02")) == 300
    assert view.displayed(Side.SELL, D("10.03")) is None
    view.take(Book("AAPL", 2, ((9.99, 40.0),), (), reset=True))
    assert view.displayed(Side.BUY, D("9.99")) == 40


def test_an_event_costs_next_to_nothing() -> None:
    # Measured at 0.3 us; the bound only finds what makes it many times slower, on any machine.
    view, event, print_ = view_of(), quote(1), trade(1, 10.0)

    def both() -> None:
        view.take(event)
        view.take(print_)

    assert min(timeit(both, number=2000) for _ in range(5)) / 4000 < 10e-6
