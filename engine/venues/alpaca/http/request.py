"""What goes to a server and what comes back, as values."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from attrs import frozen

from engine.ports.broker import Go, at_once

REQUEST_MAX_S: Final = 30.0
"""One request, from the call to the last byte: a full page of 10,000 rows takes a second or two."""

Params: TypeAlias = Mapping[str, str]
Lane: TypeAlias = Literal["urgent", "question", "change"]
"""Kinds of requests that do not wait for each other: cancels and exits not for questions that nobody answers, and
questions not for orders that nobody answers, since that is when they matter."""
NO_PARAMS: Final[Params] = MappingProxyType({})


@frozen(kw_only=True)
class Request:
    """One request. ``body`` is JSON, empty for none. ``path`` is quoted already.

    ``within_s`` counts from the call, so it holds the wait for a connection too; behind it nothing is sent any more.
    ``urgent`` has slots of its own. ``go`` is awaited right before the first byte, behind every wait for a turn, a slot
    and a connection; an `OrderRefused` that it raises withholds the request.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"] = "GET"
    path: str
    params: Params = NO_PARAMS
    body: bytes = b""
    within_s: float = REQUEST_MAX_S
    urgent: bool = False
    go: Go = at_once

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, so that asking twice does no harm."""
        return self.method == "GET"

    @property
    def lane(self) -> Lane:
        """Whose slots it takes."""
        return "urgent" if self.urgent else "question" if self.reads else "change"

    @property
    def said(self) -> str:
        """Its beginning, for sentences."""
        return f"{self.method} {self.path}"


@frozen
class Reply:
    """What came back, whatever its status. ``headers`` has lower-case names; ``round_trip_s`` ends with the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    round_trip_s: float
