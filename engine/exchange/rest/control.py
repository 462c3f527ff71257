"""``/_exchange``: look at the exchange and break it while it runs. Ours, not Alpaca's.

    POST   /_exchange/faults   a fault as in a script, as JSON: {"kind": "cut"}; without a moment it happens now
    GET    /_exchange/faults   what stands or waits, and how often each kind has hit
    DELETE /_exchange/faults   from here on nothing goes wrong on purpose
    GET    /_exchange          what was published, served and broken so far
    GET    /_exchange/changes  the requests to change something that came last, whatever became of them

For this machine only: a request from another machine is refused, whatever address the exchange listens on, and so is
one that a web page sends (those carry an ``Origin``): a page must not be able to reach through a browser.
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, Final

import attrs
import msgspec

from engine.errors import Misconfigured
from engine.exchange.faults.kinds import Fault
from engine.exchange.faults.script import parse_fault
from engine.exchange.line.switchboard import Switchboard
from engine.exchange.rest.http import Request, Response
from engine.exchange.rest.received import Changes

PREFIX: Final = "/_exchange"
FAULTS_MAX: Final = 100
"""In one request: each is looked at whenever events are published."""
STANDING_MAX: Final = 1000
"""In all, as in a script."""


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _told(fault: Fault) -> dict[str, Any]:
    """A fault by the names of its fields, without what was not said."""
    return attrs.asdict(fault, filter=lambda attribute, value: value not in (attribute.default, None, {}))


def _reply(status: int, body: object) -> Response:
    return Response(status, msgspec.json.encode(body))


class ControlDesk:
    """Answers requests to ``/_exchange``. ``summary`` tells what was published, served and broken, ``changes``
    what was asked for."""

    def __init__(
        self, board: Switchboard, summary: Callable[[], Mapping[str, Any]], changes: Callable[[], Changes] = Changes
    ) -> None:
        self._board = board
        self._summary = summary
        self._changes = changes

    def answer(self, request: Request, peer: str) -> Response:
        """The reply to one request from ``peer``, an address."""
        if not _is_local(peer) or "origin" in request.headers:
            return _reply(403, {"message": "only this machine controls the exchange, and no web page"})
        match request.method, request.path.rstrip("/"):
            case "GET", "/_exchange":
                return _reply(200, self._summary())
            case "GET", "/_exchange/changes":
                return _reply(200, [each.told() for each in self._changes().requests])
            case "GET", "/_exchange/faults":
                standing = [_told(fault) for fault in self._board.plan.standing()]
                return _reply(200, {"faults": standing, **self._board.plan.summary()})
            case "DELETE", "/_exchange/faults":
                self._board.clear()
                return _reply(200, {"faults": []})
            case "POST", "/_exchange/faults":
                return self._add(request.body)
        return _reply(
            404,
            {"message": "there are GET /_exchange, GET /_exchange/changes, and GET, POST and DELETE /_exchange/faults"},
        )

    def _add(self, body: bytes) -> Response:
        try:
            asked = msgspec.json.decode(body)
            tables = asked if isinstance(asked, list) else [asked]
            if len(tables) > FAULTS_MAX or not all(isinstance(table, dict) for table in tables):
                raise Misconfigured(f"The request must hold a fault, or a list of at most {FAULTS_MAX}.")
            faults = [parse_fault(table, source="the request") for table in tables]
        except (ValueError, RecursionError) as error:  # msgspec raises UnicodeDecodeError too
            return _reply(400, {"message": f"the request is not JSON: {error}"})
        except Misconfigured as error:
            return _reply(400, {"message": str(error)})
        if len(self._board.plan.standing()) + len(faults) > STANDING_MAX:
            return _reply(422, {"message": f"{STANDING_MAX} faults stand or wait at most: DELETE /_exchange/faults"})
        for fault in faults:
            self._board.add(fault)
        return _reply(200, {"faults": [_told(fault) for fault in faults]})
