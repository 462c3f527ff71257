"""The conversation of the trading stream, without sockets and without time: login, listen, updates of orders.

Unlike the data streams it has no welcome (the client speaks first), its messages are single objects, and JSON comes in
binary frames (Alpaca's docs, "websocket-streaming"; measured on paper). An acknowledgement lists what is sent from now
on, and what the account may not have is silently missing from it, so it is looked at.

An unknown event, a null, a truncated frame: SDKs have died of each and told nobody (alpaca-py#210). Here all that is
strange becomes an `AccountMessage` with a doubt, a reason to compare the books, and the next message is read as ever.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final, TypeAlias

import msgspec
from attrs import define, field, frozen

from engine.codec.orders import STREAM
from engine.codec.parse_orders import Unreadable, parse_order, parse_update, read_json
from engine.codec.salvage import UNREADABLE
from engine.codec.wire import Encoding, encoding_of
from engine.errors import GaplessError, HandshakeFailed, KeysRefused, LineLost, PlanRefused, SessionHeld, VenueBusy
from engine.model.order import Order
from engine.ports import AccountMessage
from engine.venues.alpaca.endpoints import Keys
from engine.venues.alpaca.reactions import Where, error_of_upgrade, wrong_place

Request: TypeAlias = dict[str, object]

# A sentence with the beginning of a message in it, as much as a log line takes.
QUOTED_CHARS_MAX: Final = 200
# What reading an update can raise: what is nested just below the limit of the JSON parser is too deep to be quoted.
_NO_UPDATE: Final = (Unreadable, RecursionError)


class State(Enum):
    """How far the conversation is."""

    LOGIN = "waiting for the answer to the login"
    LISTEN = "waiting for the acknowledgement of trade_updates"
    LISTENING = "listening"


@frozen
class Told:
    """What one frame was: messages for the books, the next request, and why the line is of no more use."""

    messages: tuple[AccountMessage, ...] = ()
    request: Request | None = field(default=None, repr=False)
    failure: GaplessError | None = None


@define(eq=False)
class AccountProtocol:
    """One line's conversation. ``where`` names the line in sentences."""

    keys: Keys
    where: Where
    state: State = State.LOGIN

    def begin(self) -> Request:
        """What the client says first."""
        return {"action": "auth", "key": self.keys.key_id, "secret": self.keys.secret}

    def received(self, frame: bytes | str) -> Told:
        """The venue said this."""
        try:
            said = _decode(frame)
        except UNREADABLE as error:
            return Told((self._doubt("a message that cannot be read", frame, error),))
        messages: list[AccountMessage] = []
        request: Request | None = None
        for item in said if isinstance(said, list) else [said]:
            told = self._read(item, frame)
            messages += told.messages
            request = told.request or request
            if told.failure is not None:
                return Told(tuple(messages), None, told.failure)
        return Told(tuple(messages), request)

    def _read(self, item: object, frame: bytes | str) -> Told:
        if not isinstance(item, dict):
            return Told((self._doubt("a message that is no object", frame),))
        stream, data = item.get("stream"), item.get("data")
        told = data if isinstance(data, dict) else {}
        if stream == STREAM:
            return Told((read_update(data, frame, self.keys, self.where),))
        if stream == "authorization":
            return self._on_authorization(told, frame)
        if stream == "listening":
            return self._on_listening(told.get("streams"))
        if item.get("action") == "error":
            return Told(failure=self._end(f"the venue says {quoted(frame, self.keys)}"))
        return Told((self._doubt("a message of no known stream", frame),))

    def _on_authorization(self, told: Mapping[str, object], frame: bytes | str) -> Told:
        if told.get("status") == "authorized":
            if self.state is not State.LOGIN:
                return Told()
            self.state = State.LISTEN
            return Told(request={"action": "listen", "data": {"streams": [STREAM]}})
        if told.get("action") == "listen":  # which is only asked for behind a login, so that login is gone
            return Told(failure=self._end("the line lost its login"))
        return Told(
            failure=KeysRefused(
                f"{self.where}: the login was answered with {quoted(frame, self.keys)}: the keys are not accepted: "
                f"check APCA_API_KEY_ID and APCA_API_SECRET_KEY{wrong_place(self.where)}."
            )
        )

    def _on_listening(self, streams: object) -> Told:
        if isinstance(streams, list) and STREAM in streams:
            self.state = State.LISTENING
            return Told()
        if self.state is State.LISTENING:
            return Told(failure=self._end("the venue stopped telling updates of orders"))
        return Told(
            failure=PlanRefused(
                f"{self.where}: the venue took the request for {STREAM} and left it out of its acknowledgement: this "
                "account or token has no updates of orders, and without them no order is sent; use keys that may "
                "trade, or ask Alpaca to enable it."
            )
        )

    def _end(self, why: str) -> GaplessError:
        kind = LineLost if self.state is State.LISTENING else HandshakeFailed
        return kind(f"{self.where}: {why}; connecting again.")

    def _doubt(self, what: str, frame: bytes | str, error: Exception | None = None) -> AccountMessage:
        return AccountMessage(update=None, doubt=doubt_of(f"{self.where}: {what}", frame, self.keys, error))


def read_update(data: object, raw: bytes | str, keys: Keys, where: Where) -> AccountMessage:
    """The ``data`` of a message of ``trade_updates``, by whatever road it came. Never raises for what is in it.

    ``raw`` is what it was read from, for sentences.
    """
    event_id = _event_id(data)
    try:
        update, orders = parse_update(data)
    except _NO_UPDATE as error:
        doubt = doubt_of(f"{where}: an update of an order that cannot be read", raw, keys, error)
        return AccountMessage(update=None, orders=_orders_in(data), doubt=doubt, event_id=event_id)
    return AccountMessage(update=update, orders=orders, event_id=event_id)


def doubt_of(what: str, raw: bytes | str, keys: Keys, error: Exception | None = None) -> str:
    """The sentence of a doubt: what, why, and the beginning of what raised it."""
    text = _text(raw)
    # A reason may quote half of a key, which is not to be found any more: where there is a key, there is no reason.
    why = f" ({error})" if error is not None and keys.redact(text) == text else ""
    return f"{what}{why}: {quoted(raw, keys)}"


def quoted(raw: bytes | str, keys: Keys) -> str:
    """The beginning of what a venue said as it may stand in a sentence: one line, without keys."""
    text = keys.redact(_text(raw))[:QUOTED_CHARS_MAX]  # cut behind that, for the same reason
    return "".join(char if char.isprintable() else " " for char in text).strip() or "nothing"


def _text(raw: bytes | str) -> str:
    return raw if isinstance(raw, str) else raw.decode("utf-8", "replace")


def error_of_account_upgrade(status: int, headers: Iterable[tuple[bytes, bytes]], where: Where) -> GaplessError:
    """As `error_of_upgrade`; but here HTTP 429 is the limit of one connection an account (alpaca-py#740)."""
    failure = error_of_upgrade(status, headers, where)
    if status != 429:
        return failure
    return SessionHeld(
        f"{where}: the WebSocket upgrade was answered with HTTP 429: another session holds the one connection of this "
        "account: close the other program; a session that died uncleanly frees itself within about 90 s.",
        retry_after_s=failure.retry_after_s if isinstance(failure, VenueBusy) else None,
    )


def _decode(frame: bytes | str) -> object:
    if encoding_of(frame) is Encoding.MSGPACK and isinstance(frame, bytes):
        return msgspec.msgpack.decode(frame)
    return read_json(frame.encode() if isinstance(frame, str) else frame)


def _orders_in(data: object) -> tuple[Order, ...]:
    """What an update that could not be read still told of its order."""
    try:
        return parse_order(data.get("order")) if isinstance(data, dict) else ()
    except _NO_UPDATE:
        return ()


def _event_id(data: object) -> str:
    event_id = data.get("event_id") if isinstance(data, dict) else None
    return event_id if isinstance(event_id, str) else ""
