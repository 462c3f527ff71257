"""The conversation on one line, without sockets and without time: welcome, login, subscribe, acknowledge.

The venue ties neither acknowledgements nor errors to requests, and each acknowledgement lists the whole set. So one
change at a time is under way, whatever comes next is its answer, and what to send is always worked out afresh from
three sets: wanted, acknowledged, refused. A change that fails is halved until the streams at fault stand alone.

`MarketProtocol` is told what the venue said (`received`) and what is wanted (`want`) and answers with a `Step`.
"""

from collections import deque
from collections.abc import Iterable, Sequence, Set
from enum import Enum
from typing import Final, TypeAlias

from attrs import define, field, frozen

from engine.codec.decode import Control
from engine.codec.wire import KIND_NAMES, Family
from engine.errors import GaplessError, HandshakeFailed
from engine.model.market import Kind
from engine.model.stream import ANY, Stream
from engine.venues.alpaca.endpoints import Keys
from engine.venues.alpaca.reactions import Do, Where, error_of, reaction_to, sentence_of

Request: TypeAlias = dict[str, str | list[str]]

# Alpaca's own C# client splits at 100; thousands at once were acknowledged only in part (CS#724, CS#763).
SYMBOLS_PER_REQUEST_MAX: Final = 100
# Far below the frame sizes at which servers were seen to close with 1009 (PYOLD#319).
REQUEST_BYTES_MAX: Final = 16 * 1024
# A line that loses its login this often has another trouble than its login.
LOGINS_MAX: Final = 3

IMPLIED: Final = frozenset({Kind.CORRECTIONS, Kind.CANCELS})
"""Kinds that come with trades and are never asked for by themselves."""


class State(Enum):
    """How far the conversation is."""

    WELCOME = "waiting for the welcome"
    LOGIN = "waiting for the answer to the login"
    READY = "ready"


@frozen
class Step:
    """What to do after the venue, or the session, said something."""

    requests: tuple[Request, ...] = field(default=(), repr=False)  # a login holds the secret
    acknowledged: frozenset[Stream] | None = None
    refused: tuple[tuple[Stream, str], ...] = ()
    alarms: tuple[str, ...] = ()
    failure: GaplessError | None = None


@frozen
class Change:
    """A request that is under way: streams to add or to remove."""

    add: bool
    streams: tuple[Stream, ...]

    @property
    def request(self) -> Request:
        """As the venue wants it, channel by channel."""
        request: Request = {"action": "subscribe" if self.add else "unsubscribe"}
        channels: dict[str, list[str]] = {}
        for stream in self.streams:
            channels.setdefault(KIND_NAMES[stream.kind], []).append(stream.symbol)
        request.update(channels)
        return request


@define
class _Draft:
    """A `Step` in the making."""

    requests: list[Request] = field(factory=list)
    acknowledged: frozenset[Stream] | None = None
    refused: list[tuple[Stream, str]] = field(factory=list)
    alarms: list[str] = field(factory=list)
    failure: GaplessError | None = None

    def step(self) -> Step:
        return Step(tuple(self.requests), self.acknowledged, tuple(self.refused), tuple(self.alarms), self.failure)


class MarketProtocol:
    """One line's conversation. ``where`` names the line in sentences."""

    def __init__(self, family: Family, keys: Keys, where: Where) -> None:
        self._family = family
        self._keys = keys
        self._where = where
        self._logins = 0
        self._wanted: frozenset[Stream] = frozenset()
        self._acknowledged: frozenset[Stream] = frozenset()
        self._asked: set[Stream] = set()  # ever asked for on this line: only these are ever removed
        self._asked_again: set[Stream] = set()  # once left out of an acknowledgement
        self._kept: set[Stream] = set()  # the venue would not remove them
        self._refused: dict[Stream, str] = {}
        self._exhausted: dict[Kind, str] = {}  # kinds whose symbol limit is reached, with the sentence
        self._halves: deque[Change] = deque()
        self._change: Change | None = None
        self.state = State.WELCOME

    @property
    def awaiting(self) -> bool:
        """Whether a change is under way whose answer has not come."""
        return self._change is not None

    @property
    def acknowledged(self) -> frozenset[Stream]:
        """What the venue says it sends, with what comes along with trades."""
        if self._family is not Family.STOCKS:
            return self._acknowledged
        along = (Stream(kind, s.symbol) for s in self._acknowledged if s.kind is Kind.TRADES for kind in IMPLIED)
        return self._acknowledged | frozenset(along)

    @property
    def settled(self) -> bool:
        """Whether nothing is left to ask for."""
        return self.state is State.READY and not self.awaiting and self._next_change() is None

    def want(self, streams: Set[Stream]) -> Step:
        """Make these the wanted streams; what was refused is asked for again once it was not wanted in between."""
        wanted = self._with_trades(streams)
        self._refused = {s: why for s, why in self._refused.items() if s in wanted}
        self._asked_again &= wanted
        self._wanted = wanted
        draft = _Draft()
        self._go_on(draft)
        return draft.step()

    def received(self, controls: Iterable[Control]) -> Step:
        """The venue said this; the step tells what follows. After a failure the line is of no more use."""
        draft = _Draft()
        for control in controls:
            if control.type == "error":
                self._on_error(control, draft)
            elif control.type == "subscription":
                self._on_acknowledgement(control.subscribed or frozenset(), draft)
            elif control.type == "success":
                self._on_success(control, draft)
            if draft.failure is not None:
                break
        else:
            self._go_on(draft)
        return draft.step()

    def _with_trades(self, streams: Set[Stream]) -> frozenset[Stream]:
        """What has to be asked for: corrections and cancels come with trades, so trades stand in for them."""
        if self._family is not Family.STOCKS:
            return frozenset(streams)
        implied = {s for s in streams if s.kind in IMPLIED}
        direct = frozenset(streams) - implied
        if Stream(Kind.TRADES, ANY) in direct:
            return direct
        return direct | {Stream(Kind.TRADES, s.symbol) for s in implied}

    def _on_success(self, control: Control, draft: _Draft) -> None:
        if control.msg == "authenticated":
            self.state = State.READY
        elif control.msg == "connected" and self.state is State.WELCOME:
            self._log_in(draft)

    def _log_in(self, draft: _Draft) -> None:
        self._logins += 1
        self.state = State.LOGIN
        draft.requests.append({"action": "auth", "key": self._keys.key_id, "secret": self._keys.secret})

    def _on_error(self, control: Control, draft: _Draft) -> None:
        reaction = reaction_to(control.code)
        sentence = sentence_of(control.code, self._keys.redact(control.msg), self._where)
        match reaction.do:
            case Do.REFUSE | Do.REDUCE if self._change is not None:
                self._on_refusal(self._change, reaction.do, sentence, draft)
            case Do.REFUSE | Do.REDUCE if self.state is not State.READY:
                draft.failure = HandshakeFailed(sentence)  # the login was not understood: no answer will follow
            case Do.REFUSE | Do.REDUCE:
                draft.alarms.append(sentence)
            case Do.IGNORE:
                self.state = State.READY
            case Do.REAUTH if self._logins < LOGINS_MAX:
                self._change = None  # it was not carried out; it is asked for again after the login
                self._log_in(draft)
            case Do.ALARM:
                draft.alarms.append(sentence)
                draft.failure = error_of(control.code, self._keys.redact(control.msg), self._where)
            case _:
                draft.failure = error_of(control.code, self._keys.redact(control.msg), self._where)

    def _on_refusal(self, change: Change, do: Do, sentence: str, draft: _Draft) -> None:
        """The set is unchanged: halve the change, or, of a single stream, take the refusal as final."""
        self._change = None
        if len(change.streams) > 1:
            middle = len(change.streams) // 2
            halves = (Change(change.add, change.streams[:middle]), Change(change.add, change.streams[middle:]))
            self._halves.extendleft(reversed(halves))
            return
        stream = change.streams[0]
        if not change.add:
            self._kept.add(stream)
            draft.alarms.append(f"{sentence} (while unsubscribing {stream})")
            return
        self._refuse(stream, sentence, draft)
        if do is Do.REDUCE:
            self._exhausted[stream.kind] = sentence

    def _refuse(self, stream: Stream, sentence: str, draft: _Draft) -> None:
        self._refused[stream] = sentence
        draft.refused.append((stream, f"{stream} was refused: {sentence}"))

    def _on_acknowledgement(self, subscribed: frozenset[Stream], draft: _Draft) -> None:
        if self.state is not State.READY:
            draft.failure = HandshakeFailed(
                f"{self._where}: an acknowledgement came while {self.state.value}; connecting again."
            )
            return
        change, self._change = self._change, None
        implied = {s for s in subscribed if s.kind in IMPLIED} if self._family is Family.STOCKS else set()
        self._acknowledged = subscribed - implied
        self._asked_again -= self._acknowledged
        draft.acknowledged = self.acknowledged
        if change is None:
            return
        if change.add:
            self._find_left_out(change, draft)
        else:
            self._kept |= self._acknowledged.intersection(change.streams)
            self._exhausted.clear()  # there may be room again

    def _find_left_out(self, change: Change, draft: _Draft) -> None:
        """Large requests were seen to be acknowledged in part: ask once more, then say so."""
        for stream in change.streams:
            if stream in self._acknowledged or stream not in self._wanted:
                continue
            if stream in self._asked_again:
                self._refuse(stream, f"{self._where}: asked for twice and left out of both acknowledgements.", draft)
            else:
                self._asked_again.add(stream)

    def _go_on(self, draft: _Draft) -> None:
        """Send the next change, if there is one and its turn has come."""
        if self.state is not State.READY or self.awaiting:
            return
        self._refuse_exhausted(draft)
        change = self._next_change()
        if change is None:
            return
        self._change = change
        self._asked.update(change.streams)
        draft.requests.append(change.request)

    def _refuse_exhausted(self, draft: _Draft) -> None:
        """Where one stream of a kind met the symbol limit, the rest of the kind would too, one request each."""
        if not self._exhausted or self._to_remove():  # a removal makes room
            return
        symbols = {s.symbol for s in self._acknowledged}
        for stream in sorted(self._to_add()):
            why = self._exhausted.get(stream.kind)
            if why is not None and stream.symbol not in symbols:
                self._refuse(stream, why, draft)

    def _to_add(self) -> frozenset[Stream]:
        return self._wanted - self._acknowledged - self._refused.keys()

    def _to_remove(self) -> frozenset[Stream]:
        return (self._acknowledged & self._asked) - self._wanted - self._kept

    def _next_change(self) -> Change | None:
        """Halves of a refused change first, then removals (they make room), then additions."""
        add, remove = self._to_add(), self._to_remove()
        while self._halves:
            half = self._halves[0]
            streams = tuple(s for s in half.streams if s in (add if half.add else remove))
            if streams:
                return Change(half.add, streams)
            self._halves.popleft()
        if remove:
            return Change(False, _portion(sorted(remove)))
        return Change(True, _portion(sorted(add))) if add else None


def _portion(streams: Sequence[Stream]) -> tuple[Stream, ...]:
    """As many of the first streams as one request may hold, at least one."""
    size = 0
    for count, stream in enumerate(streams[:SYMBOLS_PER_REQUEST_MAX]):
        size += len(stream.symbol.encode()) + 3  # quotes and a comma in JSON; MessagePack takes less
        if size > REQUEST_BYTES_MAX and count:
            return tuple(streams[:count])
    return tuple(streams[:SYMBOLS_PER_REQUEST_MAX])
