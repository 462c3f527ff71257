"""One session of Alpaca's market-data stream, server side, without a socket: what is answered to what.

The rules that clients trip over live here and nowhere else: the welcome comes first, login has ten seconds, a second
login is an error, subscriptions add up and each change is answered with the whole set, a refused change leaves the set
as it was, corrections and cancellations come with trades. Requests and the time go in; a `Reply` comes out, and whoever
owns the socket does what it says in that order, so an acknowledgement is always ahead of the data it promises.
"""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, Final

from attrs import define, field, frozen

from engine.codec.wire import KIND_NAMES, KINDS_BY_NAME, Encoding, Family
from engine.exchange.faults.kinds import CLOSING_CODES
from engine.exchange.faults.plan import FaultPlan
from engine.exchange.line.endpoints import IMPLIED, Endpoint
from engine.exchange.line.slots import Slots
from engine.exchange.tiers import PLUS, Tier
from engine.model.market import Kind
from engine.model.stream import ANY, Stream

AUTH_WITHIN_S: Final = 10.0
"""Alpaca's own figure: a connection that has not logged in by then is told 404 and closed."""

SYMBOL_CHARS_MAX: Final = 32
"""A contract has 21 characters, and nothing that is traded has more."""
SUBSCRIPTIONS_MAX: Final = 250_000
"""Of one connection, counted by channel and symbol: every US stock on every channel is half of it."""

ERRORS: Final[Mapping[int, str]] = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    408: "v2 not enabled",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    411: "insufficient scope",
    412: "option messages are only available in MsgPack format",
    413: "star subscription is not allowed for option quotes",
    500: "internal error",
}
_TOKEN_KEYS: Final = frozenset({"oauth", "access_token"})
"""Key ids that say that the secret is a token."""


def error_message(code: int) -> dict[str, Any]:
    """The control message of an error code."""
    return {"T": "error", "code": code, "msg": ERRORS.get(code, "unknown error")}


def success_message(text: str) -> dict[str, Any]:
    """The control message of a success, such as ``connected``."""
    return {"T": "success", "msg": text}


@frozen
class Reply:
    """What to do now: say these control messages, then serve ``wanted`` (``None``: as before), then perhaps close."""

    say: tuple[Mapping[str, Any], ...] = ()
    wanted: frozenset[Stream] | None = None
    close: bool = False


@frozen
class Keys:
    """Which keys are accepted; ``pairs`` empty means any that are not empty."""

    pairs: frozenset[tuple[str, str]] = frozenset()

    def accept(self, key: object, secret: object) -> bool:
        """Whether these keys may log in."""
        if not (isinstance(key, str) and isinstance(secret, str) and key and secret):
            return False
        if not self.pairs or (key, secret) in self.pairs:
            return True
        return key in _TOKEN_KEYS and any(secret == each for _, each in self.pairs)

    def accept_headers(self, headers: Mapping[str, str]) -> str | None:
        """The key id that the headers of an upgrade (names in lower case) log in with, or ``None``."""
        key, secret = headers.get("apca-api-key-id"), headers.get("apca-api-secret-key")
        if self.accept(key, secret):
            return key
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return "oauth" if scheme.lower() == "bearer" and self.accept("oauth", token) else None


class _State(Enum):
    WELCOME = auto()
    LOGIN = auto()
    READY = auto()
    STALLED = auto()


class _Refused(Exception):
    """A change of subscriptions that is answered with an error."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@define
class Session:
    """One connection's session. ``line`` is its number, unique in this exchange."""

    endpoint: Endpoint
    encoding: Encoding
    line: int
    slots: Slots
    keys: Keys
    plan: FaultPlan
    tier: Tier = PLUS
    deadline_s: float | None = None
    """When `expire` is to be called, on the clock of ``now_s``; ``None`` when nothing is awaited."""
    _state: _State = _State.WELCOME
    _wanted: dict[Kind, frozenset[str]] = field(factory=dict)

    @property
    def authenticated(self) -> bool:
        """Whether the login was accepted."""
        return self._state is _State.READY

    def open(self, headers: Mapping[str, str], now_s: float) -> Reply:
        """The connection was accepted: welcome it, and log it in if its headers (lower case) hold good keys."""
        if self.plan.use("stall_login", "connect"):
            self._state = _State.STALLED
            return Reply()
        if fault := self.plan.use("error", "connect"):
            return Reply((error_message(fault.code or 500),), close=True)
        self._state, self.deadline_s = _State.LOGIN, now_s + AUTH_WITHIN_S
        welcome = success_message("connected")
        key = self.keys.accept_headers(headers)
        if key is None:
            return Reply((welcome,))
        reply = self._login(key, now_s)
        return Reply((welcome, *reply.say), close=reply.close)

    def expire(self, now_s: float) -> Reply:
        """The time at ``deadline_s`` has come."""
        if self._state is not _State.LOGIN or self.deadline_s is None or now_s < self.deadline_s:
            return Reply()
        return Reply((error_message(404),), close=True)

    def receive(self, request: Mapping[str, Any] | None, now_s: float) -> Reply:
        """Answer a request; ``None`` is one that could not be read."""
        if self._state is _State.STALLED:
            return Reply()
        action = request.get("action") if request is not None else None
        if request is None or action not in ("auth", "subscribe", "unsubscribe"):
            return Reply((error_message(400),))
        if action == "auth":
            return self._authenticate(request, now_s)
        if self._state is not _State.READY:
            return Reply((error_message(401),))
        if fault := self.plan.use("error", "subscribe"):
            code = fault.code or 500
            return Reply((error_message(code),), close=code in CLOSING_CODES)
        try:
            return self._change(self._asked(request), adds=action == "subscribe")
        except _Refused as refused:
            return Reply((error_message(refused.code),))

    def _authenticate(self, request: Mapping[str, Any], now_s: float) -> Reply:
        if self._state is _State.READY:
            return Reply((error_message(403),))
        if self.plan.use("stall_login", "auth"):
            self._state, self.deadline_s = _State.STALLED, None
            return Reply()
        if not self.keys.accept(request.get("key"), request.get("secret")):
            return self._refuse_login(402, now_s)
        return self._login(str(request["key"]), now_s)

    def _login(self, key: str, now_s: float) -> Reply:
        if fault := self.plan.use("error", "auth"):
            return self._refuse_login(fault.code or 500, now_s)
        if self.endpoint.msgpack_only and self.encoding is not Encoding.MSGPACK:
            return self._refuse_login(412, now_s)
        if self.endpoint.path in self.tier.refused:
            return self._refuse_login(409, now_s)
        if not self.slots.claim((self.endpoint.path, key), self.line, now_s):
            return self._refuse_login(406, now_s)
        self._state, self.deadline_s = _State.READY, None
        return Reply((success_message("authenticated"),))

    def _refuse_login(self, code: int, now_s: float) -> Reply:
        """The socket stays usable for another login, which gets its own ten seconds, except after 404, 407 and 500."""
        self.deadline_s = now_s + AUTH_WITHIN_S
        return Reply((error_message(code),), close=code in CLOSING_CODES - {406})

    def _asked(self, request: Mapping[str, Any]) -> dict[Kind, frozenset[str]]:
        """The channels and symbols of a request; raises `_Refused` when it is not acceptable as a whole."""
        asked: dict[Kind, frozenset[str]] = {}
        for name, symbols in request.items():
            if name == "action" or symbols is None or symbols == []:
                continue
            kind = KINDS_BY_NAME.get(name)
            if kind is None or not isinstance(symbols, list) or not all(isinstance(each, str) for each in symbols):
                raise _Refused(400)
            asked[kind] = frozenset(symbols)
        if not asked:
            raise _Refused(400)
        if not asked.keys() <= set(self.endpoint.kinds):
            raise _Refused(410)
        if any(ANY in asked.get(kind, ()) for kind in self.endpoint.no_wildcard):
            raise _Refused(413)
        named = frozenset().union(*asked.values()) - {ANY}
        if not all(0 < len(symbol) <= SYMBOL_CHARS_MAX and self.endpoint.takes(symbol) for symbol in named):
            raise _Refused(400)
        return asked

    def _change(self, asked: Mapping[Kind, frozenset[str]], *, adds: bool) -> Reply:
        wanted = dict(self._wanted)
        for kind, symbols in asked.items():
            now = wanted.get(kind, frozenset())
            wanted[kind] = now | symbols if adds else now - symbols
        if self.endpoint.family is Family.STOCKS:
            for kind in IMPLIED:
                wanted[kind] = wanted.get(Kind.TRADES, frozenset())
        limit = self.plan.active("symbol_limit")
        if adds and limit is not None and len(frozenset().union(*wanted.values())) > (limit.limit or 0):
            self.plan.hits["symbol_limit"] += 1
            raise _Refused(405)
        crowded = sum(len(symbols) for symbols in wanted.values()) > SUBSCRIPTIONS_MAX
        if adds and (crowded or not self.tier.allows(self.endpoint.family, wanted)):
            raise _Refused(405)
        self._wanted = wanted
        streams = frozenset(Stream(kind, symbol) for kind, symbols in wanted.items() for symbol in symbols)
        return Reply((self._acknowledgement(),), wanted=streams)

    def _acknowledgement(self) -> Mapping[str, Any]:
        """The whole set, every channel of the endpoint named."""
        lists: dict[str, Sequence[str]] = {
            KIND_NAMES[kind]: sorted(self._wanted.get(kind, ())) for kind in self.endpoint.kinds
        }
        return {"T": "subscription", **lists}
