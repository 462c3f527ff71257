"""What goes to a server and what comes back, as values."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from attrs import frozen

REQUEST_MAX_S: Final = 30.0
"""One request, from the call to the last byte: a full page of 10,000 rows takes a second or two."""

Params: TypeAlias = Mapping[str, str]
NO_PARAMS: Final[Params] = MappingProxyType({})


def no_objection() -> str:
    """The last look of a request that nobody has second thoughts about."""
    return ""


class Withheld(Exception):
    """The last look objected, with this sentence: not one byte of the request was sent."""


@frozen(kw_only=True)
class Request:
    """One request. ``body`` is JSON, empty for none. ``path`` is quoted already.

    ``within_s`` counts from the call, so it holds the wait for a connection too; behind it nothing is sent any more.
    ``urgent`` has connections of its own. ``last_look`` is asked in the step in which the first byte leaves, behind
    every wait for a turn, a slot and a connection; a sentence withholds the request.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"] = "GET"
    path: str
    params: Params = NO_PARAMS
    body: bytes = b""
    within_s: float = REQUEST_MAX_S
    urgent: bool = False
    last_look: Callable[[], str] = no_objection

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, so that asking twice does no harm."""
        return self.method == "GET"

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
