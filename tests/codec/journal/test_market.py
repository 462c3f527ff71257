"""Every event comes back as it was told, also from an older and to a newer gapless."""

from types import UnionType
from typing import Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple, fields

from engine.codec.journal import decode_market, encode_frames, encode_market
from engine.model.market import EVENT_TYPES, Kind, MarketEvent, Trade

INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {str: st.text(max_size=5), int: INTS, float: FLOATS, bool: st.booleans()}


def values(annotation: Any) -> st.SearchStrategy[Any]:
    if annotation in PLAIN:
        return PLAIN[annotation]
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple:
        if arguments[-1] is ...:
            return st.lists(values(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*map(values, arguments))
    if isinstance(annotation, UnionType):
        return st.one_of(*(st.none() if each is type(None) else values(each) for each in arguments))
    return st.sampled_from(arguments)  # words out of a few


def events() -> st.SearchStrategy[MarketEvent]:
    kinds = [st.builds(one, *(values(each.type) for each in fields(one))) for one in EVENT_TYPES.values()]
    return st.one_of(*kinds)


def told(payload: bytes) -> list[tuple[int, MarketEvent]]:
    return [(at_ns, event) for at_ns, run in decode_market(payload) for event in run]


@given(st.lists(st.tuples(INTS, st.lists(events(), max_size=4)), max_size=4))
def test_every_event_comes_back_as_it_was_told(arrivals: list[tuple[int, list[MarketEvent]]]) -> None:
    assert told(encode_market(arrivals)) == [(at_ns, event) for at_ns, told in arrivals for event in told]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_type_of_its_own(kind: Kind) -> None:
    defaults = {str: "x", int: 1, float: 1.5}
    needed = [defaults.get(one.type, ()) for one in fields(EVENT_TYPES[kind]) if one.required]
    event = EVENT_TYPES[kind](*needed)
    ((_, back),) = told(encode_market([(7, [event])]))
    assert type(back) is EVENT_TYPES[kind]
    assert back == event


def rewritten(event: Trade, values: tuple[Any, ...]) -> list[tuple[int, MarketEvent]]:
    return told(msgspec.msgpack.encode(("m", [(5, "trades", [values])])))


def test_an_event_of_an_older_gapless_has_the_defaults_of_what_it_lacks() -> None:
    event = Trade("SPY", 1, 2.5, 3.0, 4, "V", ("@", "I"))
    assert rewritten(event, astuple(event)[:7]) == [(5, event)]


def test_what_a_newer_gapless_added_at_the_end_is_skipped() -> None:
    event = Trade("SPY", 1, 2.5, 3.0, None, "V", seq=9)
    assert rewritten(event, (*astuple(event), "new", 1)) == [(5, event)]


def test_a_block_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of market events"):
        told(encode_frames([]))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind 'smells'"):
        told(msgspec.msgpack.encode(("m", [(5, "smells", [])])))
