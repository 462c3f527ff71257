"""Instants cross both encodings to the nanosecond, in every form the wire allows, one by one or a frame at a time."""

from collections.abc import Callable
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it publishes no types
import msgspec
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from msgspec.msgpack import Ext

from engine.codec.instants import parse_ext, parse_exts, parse_text, parse_texts, render_ext, render_text
from engine.model.instant import parse_instant, render_instant

INSTANTS = st.integers(min_value=-2_208_988_800 * 10**9, max_value=7_258_118_399 * 10**9)
SECOND = 1772461867
NOT_INSTANTS = [
    "",
    "2026-03-02T14:31:07",
    "2026-03-02T14:31:07.5",
    "2026-03-02T14:31:07.Z",
    "2026-03-02T14:31:07.1_0Z",
    "2026-03-02T14:31:07.+1Z",
    "2026-03-02T14:31:07.٣Z",
    "2026-03-02T14:31:07.5Z|2026-03-02T14:31:07.5Z",
    "2026-02-30T14:31:07.5Z",
    "2026-03-02T14:31:07.5ZZ",
]


@frozen
class Wire:
    stamp: Any


@given(INSTANTS)
def test_the_timestamp_extension_keeps_the_nanosecond(ns: int) -> None:
    assert parse_ext(render_ext(ns)) == ns
    assert parse_exts([Wire(render_ext(ns))]) == [ns]


@given(INSTANTS)
def test_text_keeps_the_nanosecond_and_reads_as_the_model_writes_it(ns: int) -> None:
    assert render_text(ns) == render_instant(ns)
    assert parse_text(render_text(ns)) == ns


@given(INSTANTS)
def test_another_library_reads_and_writes_the_same_extension(ns: int) -> None:
    theirs = msgpack.unpackb(msgspec.msgpack.encode(render_ext(ns)))
    assert (theirs.seconds, theirs.nanoseconds) == divmod(ns, 10**9)
    assert parse_ext(msgspec.msgpack.decode(msgpack.packb(theirs), type=Ext)) == ns


@pytest.mark.parametrize(
    ("ns", "size"),
    [
        (0, 4),
        (SECOND * 10**9, 4),
        ((2**32 - 1) * 10**9, 4),
        (2**32 * 10**9, 8),
        (SECOND * 10**9 + 1, 8),
        ((2**34 - 1) * 10**9 + 999_999_999, 8),
        (2**34 * 10**9, 12),
        (-1, 12),
    ],
)
def test_an_instant_is_written_in_the_smallest_form_that_holds_it(ns: int, size: int) -> None:
    ext = render_ext(ns)
    assert (ext.code, len(bytes(ext.data))) == (-1, size)
    assert parse_ext(ext) == ns


def test_the_bytes_are_those_of_the_protocol_reference() -> None:
    assert msgspec.msgpack.encode(render_ext(1772461860 * 10**9)).hex() == "d6ff69a59f24"
    assert msgspec.msgpack.encode(render_ext(1772461867123456789)).hex() == "d7ff1d6f345469a59f2b"


@pytest.mark.parametrize(
    "ext",
    [
        Ext(-1, b""),
        Ext(-1, b"12345"),
        Ext(5, b"12345678"),
        Ext(-1, b"\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"),
    ],
)
def test_an_extension_that_is_no_timestamp_is_refused(ext: Ext) -> None:
    with pytest.raises(ValueError):
        parse_ext(ext)
    with pytest.raises(ValueError):
        parse_exts([Wire(render_ext(0)), Wire(ext)])


@given(st.lists(INSTANTS, max_size=8))
def test_a_frame_of_extensions_reads_as_each_alone(instants: list[int]) -> None:
    assert parse_exts([Wire(render_ext(ns)) for ns in instants]) == instants


@given(st.lists(INSTANTS, max_size=8))
def test_a_frame_of_texts_reads_as_each_alone(instants: list[int]) -> None:
    assert parse_texts([Wire(render_text(ns)) for ns in instants]) == instants


@given(st.lists(st.integers(min_value=0, max_value=999_999_999), min_size=2, max_size=8))
def test_a_burst_within_one_second_reads_as_each_alone(fractions: list[int]) -> None:
    instants = [SECOND * 10**9 + fraction for fraction in fractions]
    assert parse_texts([Wire(render_text(ns)) for ns in instants]) == instants


pieces = st.sampled_from(["2026-03-02T14:31:07.", "5Z", "Z", "|", "7", "2026-03-02T14:31:07Z"])


@given(st.lists(st.lists(pieces, min_size=1, max_size=3).map("".join), min_size=1, max_size=4))
def test_a_frame_of_texts_is_refused_exactly_when_one_of_them_is(texts: list[str]) -> None:
    together = _or_refusal(lambda: parse_texts([Wire(text) for text in texts]))
    assert together == _or_refusal(lambda: [parse_instant(text) for text in texts])


def _or_refusal(read: Callable[[], list[int]]) -> list[int] | None:
    try:
        return read()
    except ValueError:
        return None


@pytest.mark.parametrize("text", NOT_INSTANTS)
def test_text_that_is_no_instant_is_refused_alone_and_among_good_ones(text: str) -> None:
    good = "2026-03-02T14:31:07.25Z"
    for texts in ([text], [good, text], [text, good], [good, text, good]):
        with pytest.raises(ValueError):
            parse_texts([Wire(each) for each in texts])


@pytest.mark.parametrize(
    "text", ["2026-03-02T14:31:07Z", "2026-03-02T10:31:07.5-04:00", "2026-03-02T14:31:07.1234567899Z"]
)
def test_unusual_shapes_of_text_are_read_all_the_same(text: str) -> None:
    assert parse_text(text) == parse_instant(text)
    assert parse_texts([Wire("2026-03-02T14:31:07.5Z"), Wire(text)])[1] == parse_instant(text)
