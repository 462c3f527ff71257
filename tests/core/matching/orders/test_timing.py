"""Seven edges make a trading day; each kind of order ends at one of them."""

from datetime import datetime

import pytest

from engine.core.calendar import NEW_YORK, instant_of, new_york
from engine.core.matching.orders.timing import expiry_ns, next_edge_ns
from engine.exchange.assets import build_assets
from engine.model.order import TimeInForce


def _at(text: str) -> int:
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


def _edges(start: str, count: int) -> list[str]:
    ts_ns, found = _at(start), []
    for _ in range(count):
        ts_ns = next_edge_ns(ts_ns)
        found.append(f"{new_york(ts_ns):%a %H:%M}")
    return found


def test_the_edges_of_an_ordinary_day() -> None:
    told = ["Mon 04:00", "Mon 09:30", "Mon 09:31", "Mon 16:00", "Mon 16:01", "Mon 20:00", "Tue 04:00"]
    assert _edges("2026-03-02 00:00", 7) == told


def test_a_half_day_closes_early_and_a_weekend_has_no_edges_before_sunday_evening() -> None:
    told = ["Fri 13:00", "Fri 13:01", "Fri 17:00", "Sun 20:00", "Mon 04:00"]
    assert _edges("2026-11-27 10:00", 5) == told


@pytest.mark.parametrize(
    ("time", "extended", "made", "ends"),
    [
        ("day", False, "2026-03-02 10:00", "2026-03-02 16:00"),
        ("day", False, "2026-03-02 16:00", "2026-03-03 16:00"),
        ("day", False, "2026-02-28 12:00", "2026-03-02 16:00"),
        ("day", False, "2026-11-27 10:00", "2026-11-27 13:00"),
        ("day", True, "2026-03-02 17:00", "2026-03-02 20:00"),
        ("day", True, "2026-03-02 20:00", "2026-03-03 20:00"),
        ("opg", False, "2026-03-02 09:00", "2026-03-02 09:31"),
        ("opg", False, "2026-03-02 19:30", "2026-03-03 09:31"),
        ("cls", False, "2026-03-02 10:00", "2026-03-02 16:01"),
        ("ioc", False, "2026-03-02 10:00", "2026-03-02 16:00"),
        ("gtc", False, "2026-03-02 10:00", "2026-06-01 16:00"),
    ],
)
def test_when_an_order_ends(time: str, extended: bool, made: str, ends: str) -> None:
    stock = build_assets(["AAPL"])["AAPL"]
    end_ns = expiry_ns(TimeInForce(time), extended_hours=extended, asset=stock, now_ns=_at(made))
    assert f"{new_york(end_ns):%Y-%m-%d %H:%M}" == ends


def test_an_option_s_order_does_not_outlive_its_contract() -> None:
    assets = build_assets(["AAPL"])
    contract = next(asset for asset in assets.values() if asset.underlying == "AAPL")
    end_ns = expiry_ns(TimeInForce.GTC, extended_hours=False, asset=contract, now_ns=_at("2026-03-02 10:00"))
    assert f"{new_york(end_ns):%Y-%m-%d %H:%M}" == f"{contract.expires} 16:00"
