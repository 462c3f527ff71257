"""An instant survives being written and read, to the nanosecond, and text that is no instant says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.instant import parse_instant, render_instant

# 1900 to 2200: whole days either side of the epoch, leap years, and the year 2100 that is none.
INSTANTS = st.integers(min_value=-2_208_988_800 * 10**9, max_value=7_258_118_399 * 10**9)


@given(INSTANTS)
def test_what_was_rendered_parses_to_the_same_nanosecond(ns: int) -> None:
    assert parse_instant(render_instant(ns)) == ns


@given(INSTANTS)
def test_rendered_text_has_no_needless_digit(ns: int) -> None:
    text = render_instant(ns)
    assert text.endswith("Z")
    assert "." not in text or text[-2] not in "0."


@given(INSTANTS, st.integers(min_value=-23, max_value=23), st.integers(min_value=0, max_value=59))
def test_an_offset_moves_the_clock_face_and_not_the_instant(ns: int, hours: int, minutes: int) -> None:
    offset_s = hours * 3600 + (minutes * 60 if hours >= 0 else -minutes * 60)
    local = render_instant(ns + offset_s * 10**9)[:-1]
    sign = "+" if hours >= 0 else "-"
    assert parse_instant(f"{local}{sign}{abs(hours):02d}:{minutes:02d}") == ns


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2026-03-02T14:31:07.123456789Z", 1772461867123456789),
        ("2026-03-02t14:31:07.5z", 1772461867500000000),
        ("2026-03-02 14:31:07Z", 1772461867000000000),
        ("2026-03-02T10:31:07-04:00", 1772461867000000000),
        ("2026-03-02T14:31:07.1234567899Z", 1772461867123456789),  # a tenth digit is below what is counted
    ],
)
def test_known_texts_are_known_instants(text: str, ns: int) -> None:
    assert parse_instant(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-03-02",
        "2026-03-02T14:31:07",
        "2026-03-02T14:31:07.Z",
        "2026-03-02T14:31:07.1_0Z",
        "2026-03-02T14:31:07.٣Z",
        "2026-13-02T14:31:07Z",
        "2026-02-30T14:31:07Z",
        "2026-03-02T24:31:07Z",
        "2026-03-02T14:31:60Z",
        " 2026-03-02T14:31:07Z",
        "2026-03-02T14:31:07Z\n",
        "2026-03-02T14:31:07+0100",
    ],
)
def test_text_that_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_instant(text)


def test_the_refusal_shows_the_text_and_an_example() -> None:
    with pytest.raises(ValueError, match=r"'yesterday' is not an RFC 3339 instant such as 2026-"):
        parse_instant("yesterday")
