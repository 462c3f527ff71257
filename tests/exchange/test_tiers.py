"""The free plan has Alpaca's limits on streams, and the other one is held to one of them only."""

import pytest

from engine.codec.wire import Family
from engine.exchange.tiers import FREE, PLUS, TIERS, Tier
from engine.model.market import Kind


def names(count: int) -> frozenset[str]:
    return frozenset(f"S{number}" for number in range(count))


@pytest.mark.parametrize(
    ("tier", "family", "kind", "most"),
    [
        (FREE, Family.STOCKS, Kind.TRADES, 30),
        (FREE, Family.OPTIONS, Kind.QUOTES, 200),
        (FREE, Family.CRYPTO, Kind.BOOKS, 10),
        (PLUS, Family.OPTIONS, Kind.QUOTES, 1000),
    ],
)
def test_one_symbol_more_than_the_limit_is_too_many(tier: Tier, family: Family, kind: Kind, most: int) -> None:
    assert tier.allows(family, {kind: names(most)})
    assert not tier.allows(family, {kind: names(most + 1)})


def test_a_symbol_counts_once_on_however_many_channels() -> None:
    assert FREE.allows(Family.STOCKS, {Kind.TRADES: names(30), Kind.QUOTES: names(30), Kind.BARS: names(20)})
    assert not FREE.allows(Family.STOCKS, {Kind.TRADES: names(30), Kind.BARS: frozenset({"X"})})


@pytest.mark.parametrize(
    ("family", "kind"),
    [(Family.CRYPTO, Kind.TRADES), (Family.NEWS, Kind.NEWS), (Family.OPTIONS, Kind.TRADES)],
)
def test_other_channels_have_no_limit(family: Family, kind: Kind) -> None:
    assert all(tier.allows(family, {kind: names(5000)}) for tier in TIERS.values())
    assert PLUS.allows(Family.STOCKS, {Kind.QUOTES: names(5000)})
