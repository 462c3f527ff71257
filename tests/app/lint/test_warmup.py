"""Laws: a strategy that starts in the middle of a day decides as if it had run before, or is told how long not."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from engine.app.lint.warmup import check_warmup, pasts_of
from engine.app.replay.options import ReplayOptions
from engine.codec.entries import render_entry
from engine.model.entry import Saved, Stood
from engine.model.intent import Outcome, Ticket
from engine.model.journal import Asked, JournalRecord, Kept
from engine.model.market import Kind, MarketEvent, Trade
from engine.model.order import Fill, Side
from engine.ports.tape import Tape
from tests.app.lint.conftest import Lab, Rule, decide, trades


def bought(event: MarketEvent) -> Ticket:
    """Ten shares, bought at this event."""
    fill = Fill(
        execution_id="1",
        order_id="a",
        symbol="SPY",
        side=Side.BUY,
        qty=Decimal(10),
        price=Decimal(100),
        ts_ns=event.ts_ns,
    )
    return Ticket(client_order_id="a", strategy="mine", intent=None, outcome=Outcome.DROPPED, fills=(fill,))


def over_mean(window: int, *, warm: bool) -> Rule:
    """Buys at each trade above the mean of the last ones; ``warm``: it reads the ones before its start."""

    def rule(told: Sequence[MarketEvent], _options: ReplayOptions, tape: Tape) -> Iterator[Asked]:
        first = told[0]
        before = tape.history(Kind.TRADES, "SPY", 0, first.ts_ns - 1, before_ns=first.ts_ns - 1) if warm else []
        prices = [event.price for event in before if isinstance(event, Trade)]
        for event in told:
            assert isinstance(event, Trade)
            prices.append(event.price)
            last = prices[-window:]
            if event.price > sum(last) / len(last):
                yield decide(event)

    return rule


def test_history_before_the_start_is_enough(lab: Lab) -> None:
    assert check_warmup(lab.bench(over_mean(20, warm=True))).outcome == "ok"


def test_without_it_the_bars_until_it_is_equal_are_counted(lab: Lab) -> None:
    verdict = check_warmup(lab.bench(over_mean(20, warm=False)))
    assert verdict.outcome == "finding"
    assert verdict.sentence.endswith(
        ("for 1 minute bar.", "for 2 minute bars.", "for 3 minute bars.", "for 4 minute bars.")
    )


def test_a_mean_of_everything_never_gets_equal(lab: Lab) -> None:
    assert "minute bar" in check_warmup(lab.bench(over_mean(10_000, warm=False))).sentence


def holding(told: Sequence[MarketEvent], _options: ReplayOptions, _tape: Tape) -> Iterator[JournalRecord]:
    """Buys some trades after its start, by counting them, and holds it from then on."""
    for place, event in enumerate(told):
        if place in (3, len(told) - 5):
            yield decide(event)
        if place == 3:
            yield Kept(0, event.ts_ns, "mine", render_entry(Stood(ticket=bought(event))))


def counting(told: Sequence[MarketEvent], _options: ReplayOptions, _tape: Tape) -> Iterator[JournalRecord]:
    """The same, and nobody but itself knows of it."""
    return (record for record in holding(told, _options, _tape) if isinstance(record, Asked))


def test_what_it_holds_is_no_matter_of_warm_up(lab: Lab) -> None:
    verdict = check_warmup(lab.bench(holding))
    assert verdict.outcome == "skipped"
    assert "10 SPY" in verdict.sentence


def test_what_it_only_believes_to_hold_is_found(lab: Lab) -> None:
    assert check_warmup(lab.bench(counting)).outcome == "finding"


def test_it_is_started_where_it_has_no_past() -> None:
    early, late = decide(trades()[0]), decide(trades()[50])
    kept = Kept(0, late.at_ns, "mine", render_entry(Stood(ticket=bought(trades()[50]))))
    saved = Kept(0, early.at_ns, "mine", render_entry(Saved(strategy="mine", values={"day": 1})))
    assert pasts_of((early, kept), (late.at_ns, late.at_ns + 1)) == {late.at_ns: "", late.at_ns + 1: "10 SPY"}
    assert pasts_of((saved,), (late.at_ns,)) == {late.at_ns: "something saved in ctx.state"}
