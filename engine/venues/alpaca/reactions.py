"""What each error of the venue means for us, and the sentence that tells a person what to do about it.

Alpaca's error frames are a number and two words, and they are tied to no request. One table turns each number into a
declared reaction, so that a fatal error stops the session with advice, a passing one is waited out, and a code nobody
has seen yet is backed off from rather than guessed at.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import frozen

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
from engine.venues.alpaca.endpoints import Environment


class Do(StrEnum):
    """What to do next."""

    FATAL = "stop the session"
    WAIT = "wait for the line to be free"
    BACKOFF = "come back later"
    REDUCE = "ask for less"
    REFUSE = "give up this change, keep the line"
    ALARM = "tell a person, reconnect"
    REAUTH = "log in again on this line"
    IGNORE = "go on"


@frozen
class Reaction:
    """A reaction, the error it raises (``None`` where the line lives on) and its advice."""

    do: Do
    advice: str
    error: type[GaplessError] | None = None


REACTIONS: Final[Mapping[int, Reaction]] = MappingProxyType(
    {
        400: Reaction(Do.REFUSE, "the request is malformed or a symbol is not one: check how the symbol is written"),
        401: Reaction(Do.REAUTH, "the line lost its login: logging in again", HandshakeFailed),
        402: Reaction(
            Do.FATAL, "the keys are not accepted: check APCA_API_KEY_ID and APCA_API_SECRET_KEY", KeysRefused
        ),
        403: Reaction(Do.IGNORE, "the line is logged in already"),
        404: Reaction(Do.BACKOFF, "the login came too late: connecting again", VenueBusy),
        405: Reaction(Do.REDUCE, "the plan's symbol limit is reached: subscribe to fewer symbols or raise the plan"),
        406: Reaction(
            Do.WAIT,
            "another session holds the one connection of this endpoint: close the other program; a session that "
            "died uncleanly frees itself within about 90 s",
            SessionHeld,
        ),
        407: Reaction(
            Do.ALARM,
            "the venue dropped messages because this client reads too slowly: reconnecting and backfilling; "
            "use fewer streams or a faster machine",
            SlowClient,
        ),
        408: Reaction(
            Do.FATAL, "the account is not enabled for this API version: ask Alpaca to enable it", ProtocolRefused
        ),
        409: Reaction(
            Do.FATAL, "the account's plan does not hold this feed: choose another (such as iex) or upgrade", PlanRefused
        ),
        410: Reaction(Do.REFUSE, "this feed has no such channel: take the stream from another feed"),
        411: Reaction(Do.FATAL, "the token lacks the scope for market data: issue one that has it", PlanRefused),
        412: Reaction(Do.FATAL, "options speak MessagePack only: set the encoding to msgpack", ProtocolRefused),
        413: Reaction(Do.REFUSE, "option quotes cannot be subscribed with *: name the contracts"),
        500: Reaction(Do.BACKOFF, "the venue has an internal error: connecting again", VenueBusy),
    }
)
UNKNOWN: Final = Reaction(Do.BACKOFF, "this error is unknown to this version: connecting again", VenueBusy)


@frozen
class Where:
    """Which line an error happened on, as sentences need it. ``key_hint`` is at most two characters of the key."""

    feed: str
    host: str
    environment: Environment = ""
    key_hint: str = ""

    def __str__(self) -> str:
        return f"{self.feed} ({self.host})"


def reaction_to(code: int | None) -> Reaction:
    """The declared reaction to an error frame's code."""
    return UNKNOWN if code is None else REACTIONS.get(code, UNKNOWN)


def sentence_of(code: int | None, msg: str, where: Where) -> str:
    """The sentence for an error frame: where, what the venue said, what to do."""
    advice = reaction_to(code).advice
    if code == 402:
        advice = f"{advice}{wrong_place(where)}"
    number = "an error without a code" if code is None else f"error {code}"
    return f"{where}: {number} ({_printable(msg)}): {advice}."


def error_of(code: int | None, msg: str, where: Where) -> GaplessError:
    """The error that an error frame raises; for codes whose line lives on, call it only when patience is spent."""
    return (reaction_to(code).error or VenueBusy)(sentence_of(code, msg, where))


def wrong_place(where: Where) -> str:
    """Paper keys on a live endpoint and the reverse are the usual cause of 402: say so where they show."""
    hint, environment = where.key_hint, where.environment
    if environment == "broker" or "sandbox" in where.host:
        if hint in ("PK", "AK"):
            kind = "paper" if hint == "PK" else "live"
            return (
                f"; these are {kind} trading keys (they start with {hint}), and the sandbox takes Broker API keys "
                "only: use the production host or broker keys"
            )
        return "; the sandbox takes Broker API sandbox keys only"
    if environment == "live" and hint == "PK":
        return "; these are paper keys (they start with PK) on a live endpoint: use the paper venue or live keys"
    if environment == "paper" and hint == "AK":
        return "; these are live keys (they start with AK) on the paper endpoint: use the live venue or paper keys"
    if hint == "PK":
        return "; keys that start with PK are paper keys, and live endpoints refuse them"
    if hint == "AK":
        return "; keys that start with AK are live keys, and paper endpoints refuse them"
    return ""


def error_of_upgrade(status: int, headers: Iterable[tuple[bytes, bytes]], where: Where) -> GaplessError:
    """The error that an HTTP answer other than 101 to the WebSocket upgrade raises."""
    what = f"{where}: the WebSocket upgrade was answered with HTTP {status}"
    if status in (401, 403):
        return KeysRefused(f"{what}: the keys or this address are not accepted here{wrong_place(where)}.")
    if status == 404:
        return ProtocolRefused(f"{what}: wrong path or feed; check the data stream URL and the feed's name.")
    if status == 429 or status >= 500:
        wait_s = _retry_after_s(headers)
        asked = "" if wait_s is None else f", it asks for {wait_s:g} s"
        return VenueBusy(f"{what}: the venue is busy{asked}; connecting again later.", retry_after_s=wait_s)
    return ProtocolRefused(f"{what}: the venue refuses this client; check the data stream URL.")


# A day: a longer wait is a date gone wrong, and the supervisor caps waits anyway.
RETRY_AFTER_MAX_S: Final = 86_400.0


def _retry_after_s(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    """``Retry-After`` in seconds; its date form needs a wall clock, which is not here, so it is left to backoff."""
    for name, value in headers:
        text = value.strip()
        if name.lower() == b"retry-after" and text.isdigit():
            return min(float(text), RETRY_AFTER_MAX_S)
    return None


# Error texts are two or three words; a page of HTML would drown the advice.
_QUOTED_MAX: Final = 120


def _printable(msg: str) -> str:
    """A server's text as it may stand in a sentence: one short line."""
    return "".join(c if c.isprintable() else " " for c in msg[:_QUOTED_MAX]).strip() or "no message"
