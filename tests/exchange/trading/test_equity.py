"""The history of an account's worth has one sample a minute, each under the minute that it ends."""

from decimal import Decimal

from engine.exchange.trading.equity import SAMPLE_NS, SAMPLES_MIN, EquityHistory, Sample

START_NS = 1000 * SAMPLE_NS + 7


def test_a_sample_belongs_to_the_minute_that_was_due_even_after_a_jump() -> None:
    history = EquityHistory(START_NS)
    assert history.due_ns == 1001 * SAMPLE_NS
    history.sample(1001 * SAMPLE_NS, Decimal(1))
    history.sample(1500 * SAMPLE_NS + 3, Decimal(2))
    assert history.due_ns == 1501 * SAMPLE_NS
    assert list(history.between(0, START_NS * 2)) == [
        Sample(1000 * SAMPLE_NS, Decimal(1)),
        Sample(1001 * SAMPLE_NS, Decimal(2)),
    ]
    assert history.before(1001 * SAMPLE_NS) == Sample(1000 * SAMPLE_NS, Decimal(1))
    assert history.before(1000 * SAMPLE_NS) is None


def test_the_oldest_are_forgotten() -> None:
    history = EquityHistory(0)
    for minute in range(1, 2 * SAMPLES_MIN + 1):
        history.sample(minute * SAMPLE_NS, Decimal(minute))
    kept = history.between(0, 3 * SAMPLES_MIN * SAMPLE_NS)
    assert len(kept) == SAMPLES_MIN
    assert kept[-1].equity == 2 * SAMPLES_MIN
