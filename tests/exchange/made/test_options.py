"""Options are quoted around what their underlying trades at, in regular hours, until they expire."""

from itertools import islice, pairwise, takewhile

from engine.core.calendar import Phase, phase_at
from engine.exchange.contracts import list_contracts, parse_contract
from engine.exchange.made.options import NEAREST, option_rows
from engine.exchange.made.pricing import expiry_ns, value_contract
from engine.exchange.market import Row
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import Quote, Trade

MONDAY = parse_instant("2026-03-02T14:30:00Z")
FRIDAY_LATE = parse_instant("2026-03-06T20:59:30Z")
PRICES = {"AAPL": 230.0, "SPY": 580.0}


def made(count: int, start_ns: int = MONDAY, spot: dict[str, float] | None = None) -> list[Row]:
    return list(islice(option_rows(1, start_ns, PRICES, spot or dict(PRICES)), count))


def test_rows_are_in_order_and_the_same_for_a_seed() -> None:
    rows = made(3000)
    assert all(one[0] <= two[0] for one, two in pairwise(rows))
    assert all(due_ns == event.ts_ns for due_ns, event in rows)
    assert rows == made(3000) != list(islice(option_rows(2, MONDAY, PRICES, PRICES), 3000))


def test_every_listed_contract_is_quoted_soon_and_the_nearest_most_often() -> None:
    rows = list(takewhile(lambda row: row[0] < MONDAY + 130 * NS_PER_S, option_rows(1, MONDAY, PRICES, PRICES)))
    quotes = [event.symbol for _, event in rows if isinstance(event, Quote)]
    listed = {
        contract.symbol
        for symbol, price in PRICES.items()
        for contract in list_contracts(symbol, price, parse_contract("X260302C00000000").expires)  # type: ignore[union-attr]  # it is one
    }
    assert set(quotes) == listed
    often = sorted(set(quotes), key=quotes.count)[-2 * NEAREST :]
    assert {parse_contract(symbol).expires.day for symbol in often} == {6}  # type: ignore[union-attr]  # all are
    assert quotes.count(often[0]) > 5


def test_quotes_bracket_the_value_and_trades_are_at_a_quote() -> None:
    last: dict[str, Quote] = {}
    traded = 0
    for _, event in made(4000):
        contract = parse_contract(event.symbol)
        assert contract is not None
        if isinstance(event, Quote):
            value, _ = value_contract(contract, PRICES[contract.root], event.ts_ns)
            assert event.bid_price < value + 0.01 and event.ask_price > value - 0.01
            assert 0 <= event.bid_price < event.ask_price
            assert bool(event.bid_price) == bool(event.bid_size)
            assert len(event.conditions) == 1
            last[event.symbol] = event
        elif isinstance(event, Trade):
            quote = last[event.symbol]
            assert event.price in (quote.bid_price, quote.ask_price) and event.price > 0
            assert event.id is None and not event.tape and len(event.conditions) == 1
            traded += 1
    assert traded > 100


def test_they_follow_the_underlying() -> None:
    spot = dict(PRICES)
    rows = option_rows(1, MONDAY, PRICES, spot)
    name = "AAPL260306C00230000"
    before = next(event for _, event in rows if isinstance(event, Quote) and event.symbol == name)
    spot["AAPL"] = 250.0
    after = [event for _, event in islice(rows, 200) if isinstance(event, Quote) and event.symbol == name][-1]
    assert after.bid_price > before.ask_price + 10


def test_nothing_is_told_outside_regular_hours_or_of_what_has_expired() -> None:
    rows = made(2000, FRIDAY_LATE)
    assert {phase_at(due_ns) for due_ns, _ in rows} == {Phase.CORE}
    assert rows[-1][0] > FRIDAY_LATE + 2 * 86_400 * NS_PER_S  # the rows go on on Monday
    for due_ns, event in rows:
        contract = parse_contract(event.symbol)
        assert contract is not None and due_ns < expiry_ns(contract.expires)
