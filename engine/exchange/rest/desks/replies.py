"""What a desk of the trading API answers with, and how it reads what only it is asked."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Final, TypeAlias, TypeVar

import msgspec

from engine.exchange.clock import NEW_YORK, instant_of
from engine.exchange.rest.data.asking import BadRequest
from engine.exchange.rest.http import NO_CONTENT, Request, Response
from engine.model.instant import parse_instant

BAD_REQUEST: Final = 40010000
NOT_FOUND: Final = 40410000
UNPROCESSABLE: Final = 42210000
NOTHING: Final[Mapping[str, str]] = {}

Call: TypeAlias = Callable[[Request], Response]
Calls: TypeAlias = Mapping[str, Call]
"""What can be done with one path: by method."""

_Wire = TypeVar("_Wire", bound=msgspec.Struct)


class NotThere(Exception):
    """What is asked for does not exist: HTTP 404 with this text."""


def reply(body: object, status: int = 200) -> Response:
    """A body, as JSON."""
    return Response(status, msgspec.json.encode(body))


def no_content() -> Response:
    """Done, and nothing to say about it."""
    return Response(NO_CONTENT)


def failure_body(code: int | None, message: str, extra: Mapping[str, str] = NOTHING) -> dict[str, object]:
    """The body of a refusal: the venue leaves ``code`` out where its gateway speaks."""
    return {**({} if code is None else {"code": code}), "message": message, **extra}


def refuse(status: int, message: str, code: int | None = None, extra: Mapping[str, str] = NOTHING) -> Response:
    """A refusal in the venue's shape."""
    return reply(failure_body(code, message, extra), status)


def read_body(body: bytes, wire: type[_Wire]) -> _Wire:
    """A body of JSON; raises `BadRequest`."""
    try:
        return msgspec.json.decode(body or b"{}", type=wire)
    except (ValueError, RecursionError):
        raise BadRequest("request body format is invalid") from None


def read_instant(asked: Mapping[str, str], name: str) -> int | None:
    """RFC 3339, or a date and with it its first instant in New York; raises `BadRequest`."""
    text = asked.get(name)
    if not text:
        return None
    try:
        if len(text) > len("2026-03-02"):
            return parse_instant(text)
        return instant_of(datetime.combine(date.fromisoformat(text), time(), NEW_YORK))
    except (ValueError, OverflowError):
        raise BadRequest(f"invalid {name}: {text} is neither RFC 3339 nor a date") from None


def read_words(asked: Mapping[str, str], name: str) -> frozenset[str]:
    """Words with commas between them; empty when none are asked for."""
    return frozenset(word.strip() for word in asked.get(name, "").split(",") if word.strip())
