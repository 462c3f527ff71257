"""Contracts end on their last day: exercised, assigned or worthless, and the books balance whatever they come to."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from attrs import define, field

from engine.core.calendar import NEW_YORK, instant_of
from engine.core.matching.ledger import AccountTerms, Ledger
from engine.core.matching.models import MODELS
from engine.core.matching.venue import Matching
from engine.core.rules import Refused
from engine.exchange.assets import build_assets
from engine.model.market import Quote, Trade
from engine.model.order import Fill, OrderRequest, OrderType, OrderUpdate, Side, TimeInForce
from engine.model.settlement import Settlement

START = "2026-03-02 09:30:00"
LAST_DAY = "2026-03-06"
CALL, HIGH_CALL = "AAPL260306C00225000", "AAPL260306C00235000"
PUT, LOW_PUT = "AAPL260306P00235000", "AAPL260306P00225000"


def at(clock: str) -> int:
    return instant_of(datetime.fromisoformat(clock).replace(tzinfo=NEW_YORK))


@define
class Holder:
    """One account that holds things, at a venue that tells what AAPL closes at."""

    venue: Matching
    fills: list[Fill] = field(factory=list)
    updates: list[OrderUpdate] = field(factory=list)
    settlements: list[Settlement] = field(factory=list)

    def hold(self, symbol: str, qty: int, price: str) -> None:
        """Something was bought, or sold (below 0)."""
        side = Side.BUY if qty > 0 else Side.SELL
        fill = Fill(
            execution_id=str(len(self.fills)),
            order_id="o",
            symbol=symbol,
            side=side,
            qty=Decimal(abs(qty)),
            price=Decimal(price),
            ts_ns=at(START),
        )
        self.fills.append(fill)
        self.venue.ledger.apply(fill, self.venue.assets[symbol])

    def close(self, price: float | None) -> list[str]:
        """AAPL closes at this price on the contracts' last day; what became of them."""
        if price is not None:
            close_ns = at(f"{LAST_DAY} 16:00:20")
            self.updates += self.venue.take(Trade("AAPL", close_ns, price, 100.0, conditions=("@", "6")), close_ns)
        return self.pass_to(f"{LAST_DAY} 16:01:00")

    def pass_to(self, clock: str) -> list[str]:
        """Let time pass; what became of contracts."""
        self.updates += self.venue.pass_time(at(clock))
        told = self.venue.drain_settlements()
        self.settlements += told
        return [self._line(settlement) for settlement in told]

    def held(self) -> dict[str, int]:
        """What is held, and that it and the cash follow from the fills alone."""
        again = Ledger(self.venue.ledger.terms)
        for fill in (*self.fills, *self.venue.fills):
            again.apply(fill, self.venue.assets[fill.symbol])
        positions = {each.asset.symbol: int(each.qty) for each in self.venue.positions()}
        assert positions == {each.asset.symbol: each.qty for each in again.positions()}
        assert self.venue.account().cash == again.account().cash
        assert self.venue.ledger.imbalance() == 0
        assert all(self.venue.ledger.drift(symbol) == 0 for symbol in positions)
        return positions

    @staticmethod
    def _line(settlement: Settlement) -> str:
        moved = (
            f"{fill.symbol} {(fill.qty * fill.side.sign).normalize():f} @ {fill.price}" for fill in settlement.fills
        )
        return f"{settlement.kind}: {', '.join(moved)}"


@pytest.fixture
def holder() -> Callable[..., Holder]:
    """Makes the holder of what is given as ``symbol=(qty, price)``."""

    def build(cash: int = 100_000, **held: tuple[int, str]) -> Holder:
        assets = build_assets(["AAPL"], start_ns=at(START))
        made = Holder(Matching(assets, Ledger(AccountTerms(cash=Decimal(cash))), MODELS["touch"], 7, at(START)))
        for symbol, (qty, price) in held.items():
            made.hold(symbol, qty, price)
        return made

    return build


Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("contracts", "close", "told", "left"),
    [
        ({CALL: 2}, 225.01, [f"OPEXC: {CALL} -2 @ 0, AAPL 200 @ 225"], {"AAPL": 200}),
        ({CALL: 2}, 225.00, [f"OPEXP: {CALL} -2 @ 0"], {}),
        ({CALL: -1, "AAPL": 100}, 230.0, [f"OPASN: {CALL} 1 @ 0, AAPL -100 @ 225"], {}),
        ({CALL: -1, "AAPL": 100}, 220.0, [f"OPEXP: {CALL} 1 @ 0"], {"AAPL": 100}),
        ({PUT: 1, "AAPL": 150}, 234.99, [f"OPEXC: {PUT} -1 @ 0, AAPL -100 @ 235"], {"AAPL": 50}),
        ({PUT: 1, "AAPL": 150}, 235.00, [f"OPEXP: {PUT} -1 @ 0"], {"AAPL": 150}),
        ({PUT: -2}, 230.0, [f"OPASN: {PUT} 2 @ 0, AAPL 200 @ 235"], {"AAPL": 200}),
        ({PUT: -2}, 240.0, [f"OPEXP: {PUT} 2 @ 0"], {}),
    ],
)
def test_in_the_money_by_a_cent_decides(
    holder: Make, contracts: dict[str, int], close: float, told: list[str], left: dict[str, int]
) -> None:
    made = holder(**{symbol: (qty, "3") for symbol, qty in contracts.items()})
    assert made.close(close) == told
    assert made.held() == left
    assert made.updates == []


@pytest.mark.parametrize(("bought", "sold", "close"), [(CALL, HIGH_CALL, 250.0), (PUT, LOW_PUT, 210.0)])
def test_a_spread_in_the_money_delivers_into_itself_however_poor_the_account(
    holder: Make, bought: str, sold: str, close: float
) -> None:
    made = holder(cash=1_000, **{bought: (1, "8"), sold: (-1, "3")})
    assert [line.split(":")[0] for line in made.close(close)] == ["OPASN", "OPEXC"]
    assert made.held() == {}
    assert made.venue.account().cash == 1_000 - 500 + 1_000


def test_between_the_strikes_only_one_leg_brings_shares(holder: Make) -> None:
    made = holder(**{CALL: (1, "8"), HIGH_CALL: (-1, "3")})
    assert made.close(230.0) == [f"OPEXP: {HIGH_CALL} 1 @ 0", f"OPEXC: {CALL} -1 @ 0, AAPL 100 @ 225"]
    assert made.held() == {"AAPL": 100}


def test_what_cannot_be_afforded_expires_worthless(holder: Make) -> None:
    poor = holder(cash=20_000, **{CALL: (5, "3")})  # 18,500 left, and 74,000 of buying power with it
    assert poor.close(230.0) == [f"OPEXC: {CALL} -3 @ 0, AAPL 300 @ 225", f"OPEXP: {CALL} -2 @ 0"]
    assert poor.held() == {"AAPL": 300}
    bare = holder(**{PUT: (2, "3"), "AAPL": (100, "230"), CALL: (-1, "8")})  # the shares stand behind the call
    assert bare.close(225.0) == [
        f"OPEXP: {CALL} 1 @ 0",
        f"OPEXC: {PUT} -1 @ 0, AAPL -100 @ 235",
        f"OPEXP: {PUT} -1 @ 0",
    ]
    assert bare.held() == {}


def test_without_a_price_of_the_underlying_nothing_is_in_the_money(holder: Make) -> None:
    made = holder(**{CALL: (1, "3")})
    assert made.close(None) == [f"OPEXP: {CALL} -1 @ 0"]


def test_contracts_end_after_the_closing_auction_of_their_last_day_and_not_before(holder: Make) -> None:
    later = "AAPL260313C00225000"
    made = holder(**{CALL: (1, "3"), later: (1, "5")})
    made.venue.take(Trade("AAPL", at(START), 230.0, 100.0), at(START))
    assert made.pass_to(f"{LAST_DAY} 16:00:59") == []
    assert made.close(224.0) == [f"OPEXP: {CALL} -1 @ 0"]
    (settlement,) = made.settlements
    assert settlement.contract.ts_ns == at(f"{LAST_DAY} 16:01:00")
    assert made.held() == {later: 1}
    assert made.pass_to("2026-03-16 09:30:00") == [f"OPEXP: {later} -1 @ 0"]


def test_a_holder_exercises_before_the_last_day_what_no_order_holds(holder: Make) -> None:
    made = holder(**{CALL: (3, "3"), PUT: (1, "3")})
    now_ns = at(START) + 1
    made.venue.take(Quote(CALL, now_ns, 8.0, 10.0, 8.1, 10.0), now_ns)
    order = OrderRequest(
        symbol=CALL,
        side=Side.SELL,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        qty=Decimal(1),
        limit_price=Decimal(9),
    )
    made.venue.submit(order, now_ns)
    assert made.venue.exercise(made.venue.assets[CALL], now_ns) == []
    assert made.pass_to(START) == [f"OPEXC: {CALL} -2 @ 0, AAPL 200 @ 225"]
    made.venue.exercise(made.venue.assets[PUT], now_ns)
    assert made.held() == {"AAPL": 100, CALL: 1}


@pytest.mark.parametrize(
    ("contract", "held", "rule"),
    [
        (CALL, {}, "exercise_nothing"),
        (CALL, {CALL: (-1, "3")}, "exercise_short"),
        (CALL, {CALL: (20, "3")}, "buying_power"),
        (PUT, {PUT: (1, "3"), "AAPL": (99, "230")}, "qty_available"),
    ],
)
def test_an_exercise_is_refused_without_the_means(
    holder: Make, contract: str, held: dict[str, tuple[int, str]], rule: str
) -> None:
    made = holder(**held)
    with pytest.raises(Refused) as refused:
        made.venue.exercise(made.venue.assets[contract], at(START))
    assert refused.value.rule == rule
    assert made.venue.drain_settlements() == []
