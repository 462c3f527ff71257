"""Law: with any venue that acknowledges truthfully, what is acknowledged becomes what is wanted less what was refused.

And never is more than one change under way.
"""

from collections import deque

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from engine.codec.decode import Control
from engine.codec.wire import KINDS_BY_NAME, Family
from engine.errors import (
    GaplessError,
    HandshakeFailed,
    KeysRefused,
    PlanRefused,
    ProtocolRefused,
    SessionHeld,
    SlowClient,
    VenueBusy,
)
from engine.model.market import Kind
from engine.model.stream import Stream
from engine.venues.alpaca.endpoints import Keys
from engine.venues.alpaca.protocol import IMPLIED, SYMBOLS_PER_REQUEST_MAX, MarketProtocol, State, Step
from engine.venues.alpaca.reactions import Where

KEYS = Keys("PKEXAMPLE", "s3cr3t")
WELCOME = Control("success", "connected", None, None)
IN = Control("success", "authenticated", None, None)


def said(code: int, msg: str = "no") -> Control:
    return Control("error", msg, code, None)


def acknowledged(*streams: Stream) -> Control:
    return Control("subscription", "", None, frozenset(streams))


def trades(*symbols: str) -> set[Stream]:
    return {Stream(Kind.TRADES, s) for s in symbols}


def make_protocol(family: Family = Family.STOCKS) -> MarketProtocol:
    return MarketProtocol(family, KEYS, Where("iex", "host:1", "", KEYS.hint))


def logged_in(family: Family = Family.STOCKS) -> MarketProtocol:
    protocol = make_protocol(family)
    protocol.received([WELCOME, IN])
    return protocol


@define
class Venue:
    """A truthful venue: limits, channels it does not have, symbols it does not know, acknowledgements in part."""

    family: Family = Family.STOCKS
    limit: int = 10**9
    lacks: frozenset[Kind] = frozenset()
    bad: frozenset[str] = frozenset()
    forgets: dict[Stream, int] = field(factory=dict)
    held: set[Stream] = field(factory=set)
    requests: int = 0

    def answer(self, request: dict) -> Control:
        self.requests += 1
        streams = {
            Stream(KINDS_BY_NAME[name], symbol)
            for name, symbols in request.items()
            if name != "action"
            for symbol in symbols
        }
        assert streams, "an empty request is an error 400"
        assert len(streams) <= SYMBOLS_PER_REQUEST_MAX
        assert not any(s.kind in IMPLIED for s in streams) or self.family is not Family.STOCKS
        if request["action"] == "unsubscribe":
            self.held -= streams
        elif any(s.kind in self.lacks for s in streams):
            return said(410, "invalid subscribe action for this feed")
        elif any(s.symbol in self.bad for s in streams):
            return said(400, "invalid syntax")
        elif len(self.held | streams) > self.limit:
            return said(405, "symbol limit exceeded")
        else:
            self.held |= {s for s in streams if not self._forgets(s)}
        implied = {Stream(k, s.symbol) for s in self.held if s.kind is Kind.TRADES for k in IMPLIED}
        return acknowledged(*self.held, *(implied if self.family is Family.STOCKS else ()))

    def _forgets(self, stream: Stream) -> bool:
        self.forgets[stream] = self.forgets.get(stream, 0) - 1
        return self.forgets[stream] >= 0


kinds = st.sampled_from([Kind.TRADES, Kind.QUOTES, Kind.BARS, Kind.IMBALANCES, Kind.CORRECTIONS, Kind.CANCELS])
streams = st.builds(Stream, kinds, st.sampled_from(["A", "B", "C", "D", "E", "*"]))
wants = st.frozensets(streams, max_size=14)
venues = st.builds(
    Venue,
    family=st.sampled_from([Family.STOCKS, Family.CRYPTO]),
    limit=st.one_of(st.just(10**9), st.integers(0, 12)),
    lacks=st.frozensets(st.sampled_from([Kind.IMBALANCES, Kind.BARS])),
    bad=st.frozensets(st.sampled_from("AB")),
    forgets=st.dictionaries(streams, st.integers(1, 3), max_size=4),
)


@given(venues, st.lists(st.tuples(wants, st.integers(0, 4)), min_size=1, max_size=6))
def test_acknowledged_becomes_wanted_less_refused_with_one_change_at_a_time(venue, script):
    protocol = make_protocol(venue.family)
    inflight: deque[dict] = deque()
    refused: set[Stream] = set()

    def follow(step: Step) -> None:
        assert step.failure is None
        inflight.extend(r for r in step.requests if r["action"] != "auth")
        refused.update(s for s, _ in step.refused)
        assert len(inflight) <= 1
        assert protocol.awaiting == bool(inflight)

    follow(protocol.received([WELCOME]))
    follow(protocol.want(script[0][0]))
    assert not inflight, "nothing is asked for before the login"
    follow(protocol.received([IN]))
    for wanted, answers in script:
        refused &= wanted | {s for s in wanted if s.kind in IMPLIED} | {Stream(Kind.TRADES, s.symbol) for s in wanted}
        follow(protocol.want(wanted))
        for _ in range(answers):
            if inflight:
                follow(protocol.received([venue.answer(inflight.popleft())]))
    for _ in range(500):
        if not inflight:
            break
        follow(protocol.received([venue.answer(inflight.popleft())]))
    assert protocol.settled
    asked = set(script[-1][0])
    if venue.family is Family.STOCKS:
        asked = {s if s.kind not in IMPLIED else Stream(Kind.TRADES, s.symbol) for s in asked}
        if Stream(Kind.TRADES, "*") in script[-1][0]:
            asked -= {Stream(Kind.TRADES, s.symbol) for s in script[-1][0] if s.kind in IMPLIED} - script[-1][0]
    assert venue.held == asked - refused
    assert venue.held <= protocol.acknowledged


def test_a_large_set_is_split_and_each_part_waits_for_the_one_before():
    venue, protocol = Venue(), logged_in()
    wanted = trades(*(f"S{n}" for n in range(450)))
    step = protocol.want(wanted)
    while step.requests:
        (request,) = step.requests
        step = protocol.received([venue.answer(request)])
    assert venue.requests == 5
    assert venue.held == wanted
    assert protocol.settled


def test_a_symbol_limit_is_found_in_few_requests_and_the_rest_is_refused():
    venue, protocol = Venue(limit=30), logged_in()
    step = protocol.want(trades(*(f"S{n}" for n in range(300))))
    refused: list[Stream] = []
    while step.requests:
        step = protocol.received([venue.answer(step.requests[0])])
        refused += [s for s, _ in step.refused]
    assert len(venue.held) == 30
    assert len(refused) == 270
    assert venue.requests < 20
    step = protocol.want(trades("S0", "NEW"))
    while step.requests:
        step = protocol.received([venue.answer(step.requests[0])])
    assert venue.held == trades("S0", "NEW"), "what is removed makes room"


def test_one_wrong_symbol_does_not_take_its_neighbours_with_it():
    venue, protocol = Venue(bad=frozenset({"B@D"})), logged_in()
    step = protocol.want(trades("AAPL", "MSFT", "B@D", "SPY", "QQQ"))
    refused: list[tuple[Stream, str]] = []
    while step.requests:
        step = protocol.received([venue.answer(step.requests[0])])
        refused += step.refused
    assert venue.held == trades("AAPL", "MSFT", "SPY", "QQQ")
    ((stream, why),) = refused
    assert stream == Stream(Kind.TRADES, "B@D")
    assert "400" in why


def test_what_is_left_out_twice_is_refused_with_a_sentence():
    protocol = logged_in()
    protocol.want(trades("A", "B"))
    step = protocol.received([acknowledged(Stream(Kind.TRADES, "A"))])
    assert step.requests == ({"action": "subscribe", "trades": ["B"]},)
    step = protocol.received([acknowledged(Stream(Kind.TRADES, "A"))])
    ((stream, why),) = step.refused
    assert stream.symbol == "B"
    assert "left out of both acknowledgements" in why
    assert protocol.settled


def test_corrections_and_cancels_are_never_asked_for_but_bring_their_trades():
    protocol = logged_in()
    step = protocol.want({Stream(Kind.CORRECTIONS, "A"), Stream(Kind.CANCELS, "B"), Stream(Kind.TRADES, "B")})
    assert step.requests == ({"action": "subscribe", "trades": ["A", "B"]},)
    step = protocol.received([acknowledged(*trades("A", "B"))])
    assert step.acknowledged is not None
    assert Stream(Kind.CORRECTIONS, "A") in step.acknowledged, "implied where the acknowledgement is silent"
    assert protocol.settled


def test_what_we_never_asked_for_is_not_removed():
    protocol = logged_in()
    protocol.want(trades("A"))
    step = protocol.received([acknowledged(*trades("A"), Stream(Kind.IMBALANCES, "A"))])
    assert step.requests == ()
    assert protocol.settled


def test_the_login_is_sent_on_the_welcome_and_is_not_printed():
    step = make_protocol().received([WELCOME])
    assert step.requests == ({"action": "auth", "key": "PKEXAMPLE", "secret": "s3cr3t"},)
    assert "s3cr3t" not in repr(step)
    assert "EXAMPLE" not in repr(step)


@pytest.mark.parametrize("phase", ["welcome", "login", "ready", "change"])
@pytest.mark.parametrize(
    ("code", "errors"),
    [
        (400, (HandshakeFailed, HandshakeFailed, None, None)),
        (401, (None, None, None, None)),
        (402, (KeysRefused,) * 4),
        (403, (None, None, None, None)),
        (404, (VenueBusy,) * 4),
        (405, (HandshakeFailed, HandshakeFailed, None, None)),
        (406, (SessionHeld,) * 4),
        (407, (SlowClient,) * 4),
        (408, (ProtocolRefused,) * 4),
        (409, (PlanRefused,) * 4),
        (410, (HandshakeFailed, HandshakeFailed, None, None)),
        (411, (PlanRefused,) * 4),
        (412, (ProtocolRefused,) * 4),
        (413, (HandshakeFailed, HandshakeFailed, None, None)),
        (500, (VenueBusy,) * 4),
        (599, (VenueBusy,) * 4),
    ],
)
def test_each_code_at_each_phase_has_its_outcome(code, errors, phase):
    protocol = make_protocol()
    phases = ["welcome", "login", "ready", "change"]
    protocol.received([[], [WELCOME], [WELCOME, IN], [WELCOME, IN]][phases.index(phase)])
    if phase == "change":
        protocol.want(trades("A"))
    step = protocol.received([said(code)])
    error: type[GaplessError] | None = errors[phases.index(phase)]
    assert (type(step.failure) if step.failure else None) is error
    if error is None and code in (400, 405, 410, 413):
        assert bool(step.refused) == (phase == "change")
        assert bool(step.alarms) == (phase == "ready")
    if code == 407:
        assert step.alarms
    if code == 401:
        assert [r["action"] for r in step.requests] == ["auth"]


def test_a_lost_login_is_renewed_and_the_change_is_asked_for_again_but_not_for_ever():
    protocol = logged_in()
    for _ in range(2):
        protocol.want(trades("A"))
        step = protocol.received([said(401, "not authenticated")])
        assert [r["action"] for r in step.requests] == ["auth"]
        step = protocol.received([IN])
        assert [r["action"] for r in step.requests] == ["subscribe"]
    assert isinstance(protocol.received([said(401)]).failure, HandshakeFailed)


def test_already_authenticated_counts_as_authenticated():
    protocol = make_protocol()
    protocol.received([WELCOME])
    protocol.received([said(403, "already authenticated")])
    assert protocol.state is State.READY


def test_a_server_that_quotes_the_keys_is_redacted():
    step = make_protocol().received([said(402, "key PKEXAMPLE with s3cr3t is wrong")])
    assert "EXAMPLE" not in str(step.failure)
    assert "s3cr3t" not in str(step.failure)
    assert "PK" in str(step.failure)
