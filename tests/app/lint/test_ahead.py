"""Laws: a strategy that uses the future is found by each way to take it away, and one that does not is not."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from engine.app.lint.ahead import check_future, check_prefix, check_repeat
from engine.app.replay.options import ReplayOptions
from engine.model.journal import Asked
from engine.model.market import MarketEvent, Trade
from engine.ports.tape import Tape
from tests.app.lint.conftest import Lab, decide


def honest(told: Sequence[MarketEvent], _options: ReplayOptions, _tape: Tape) -> Iterator[Asked]:
    """Buys below the mean of what it has seen, and sells what it has at the end."""
    total = 0.0
    for place, event in enumerate(told):
        assert isinstance(event, Trade)
        total += event.price
        if event.price < total / (place + 1):
            yield decide(event)
    yield decide(told[-1], "close")


def one_ahead(told: Sequence[MarketEvent], _options: ReplayOptions, _tape: Tape) -> Iterator[Asked]:
    """Buys where the next trade is higher."""
    for event, later in pairwise(told):
        assert isinstance(event, Trade)
        assert isinstance(later, Trade)
        if later.price > event.price * 1.02:
            yield decide(event)


def minutes_ahead(told: Sequence[MarketEvent], _options: ReplayOptions, _tape: Tape) -> Iterator[Asked]:
    """Buys where the price two minutes later is higher, and leaves the end alone."""
    for event, later in zip(told, told[12:], strict=False):
        assert isinstance(event, Trade)
        assert isinstance(later, Trade)
        if later.price > event.price:
            yield decide(event)


def idle(_told: Sequence[MarketEvent], _options: ReplayOptions, _tape: Tape) -> Iterator[Asked]:
    yield from ()


def test_an_honest_strategy_passes(lab: Lab) -> None:
    bench = lab.bench(honest)
    assert len(bench.whole.decisions) > 20
    for check in (check_repeat, check_prefix, check_future):
        assert check(bench).outcome == "ok", check


def test_the_next_price_is_the_future_too(lab: Lab) -> None:
    verdict = check_future(lab.bench(one_ahead))
    assert verdict.outcome == "finding"
    assert "absurd prices" in verdict.sentence
    assert len(verdict.evidence) == 3
    assert "whole tape" in verdict.evidence[1]


def test_a_look_ahead_of_minutes_is_found_both_ways(lab: Lab) -> None:
    bench = lab.bench(minutes_ahead)
    assert check_prefix(bench).outcome == "finding"
    assert check_future(bench).outcome == "finding"


def test_the_evidence_names_both_sides_and_the_time(lab: Lab) -> None:
    where, whole, cut = check_prefix(lab.bench(minutes_ahead)).evidence
    assert where.startswith("mine at 2026-03-02T14:3")
    assert "buy" in whole
    assert cut.endswith("nothing more")


def test_a_strategy_that_remembers_its_former_run_is_found(lab: Lab) -> None:
    runs: list[int] = []

    def remembering(told: Sequence[MarketEvent], _options: ReplayOptions, _tape: Tape) -> Iterator[Asked]:
        runs.append(1)
        yield decide(told[len(runs)])

    assert check_repeat(lab.bench(remembering)).outcome == "finding"


def test_without_decisions_nothing_is_judged(lab: Lab) -> None:
    for check in (check_prefix, check_future):
        assert check(lab.bench(idle)).outcome == "skipped"
