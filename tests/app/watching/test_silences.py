"""Which hours a feed keeps."""

import pytest

from engine.app.watching.silences import market_of
from engine.core.watch.hours import Market


@pytest.mark.parametrize(
    ("feed", "market"),
    [
        ("iex", Market.STOCKS),
        ("sip", Market.STOCKS),
        ("delayed_sip", Market.STOCKS),
        ("boats", Market.NIGHT),
        ("overnight", Market.NIGHT),
        ("test", Market.CRYPTO),
        ("crypto", Market.CRYPTO),
        ("crypto:eu-1", Market.CRYPTO),
        ("indicative", Market.OPTIONS),
        ("opra", Market.OPTIONS),
        ("news", Market.NEWS),
        ("tape", Market.NEWS),
    ],
)
def test_each_feed_keeps_the_hours_of_its_market(feed: str, market: Market) -> None:
    assert market_of(feed) is market
