"""Numbers as people read them."""

import pytest

from engine.app.postmortem.units import bps, dollars, duration, milliseconds, number, percent, price, quantity, times


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (dollars(1234.5), "$1,234.50"),
        (dollars(-0.004, signed=True), "$0.00"),
        (dollars(-3.2, signed=True), "-$3.20"),
        (dollars(3.2, signed=True), "+$3.20"),
        (dollars(1e15), "$1e+15"),
        (dollars(None), "n/a"),
        (percent(0.1234), "12.34 %"),
        (percent(-0.00012, signed=True), "-0.0120 %"),
        (percent(0.0), "0.00 %"),
        (percent(1e14), "1e+16 %"),
        (percent(None), "n/a"),
        (number(-0.001), "0.00"),
        (number(1e13), "1e+13"),
        (number(None), "n/a"),
        (bps(1.234), "1.23 bp"),
        (bps(None), "n/a"),
        (price(101.5), "101.50"),
        (price(0.12345), "0.1235"),
        (price(101.123), "101.1230"),
        (price(None), "n/a"),
        (quantity(10.0), "10"),
        (quantity(0.00125), "0.00125"),
        (duration(0.5), "0.5 s"),
        (duration(59.96), "60 s"),
        (duration(3725), "1 h 2 min"),
        (duration(90_061), "1 d 1 h"),
        (duration(None), "n/a"),
        (milliseconds(0.1234), "0.12 ms"),
        (milliseconds(12.34), "12.3 ms"),
        (milliseconds(1234.5), "1,234 ms"),
        (milliseconds(61_000), "1 min 1 s"),
        (milliseconds(None), "n/a"),
        (times(1), "once"),
        (times(1200), "1,200 times"),
    ],
)
def test_a_number_is_written_so(told: str, shown: str) -> None:
    assert told == shown
