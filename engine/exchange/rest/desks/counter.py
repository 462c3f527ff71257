"""Which desk answers which path of the trading API, and what a refusal looks like on the wire."""

from typing import Protocol

from engine.codec.order_requests import BadBody
from engine.core.rules.refusal import Refused
from engine.exchange.clock import MarketClock
from engine.exchange.made.prehistory import Action
from engine.exchange.rest.data.asking import BadRequest
from engine.exchange.rest.desks.accounts import AccountDesk
from engine.exchange.rest.desks.activities import ActivityDesk
from engine.exchange.rest.desks.announcements import AnnouncementDesk
from engine.exchange.rest.desks.events import EventDesk
from engine.exchange.rest.desks.hours import HoursDesk
from engine.exchange.rest.desks.listings import ListingDesk
from engine.exchange.rest.desks.orders import OrderDesk
from engine.exchange.rest.desks.portfolio import PortfolioDesk
from engine.exchange.rest.desks.positions import PositionDesk
from engine.exchange.rest.desks.replies import BAD_REQUEST, NOT_FOUND, Calls, NotThere, refuse
from engine.exchange.rest.desks.watchlists import WatchlistDesk
from engine.exchange.rest.http import Request, Response
from engine.exchange.trading.brokerage import Brokerage


class Desk(Protocol):
    """Answers the calls of one part of the API."""

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path, unquoted, in its steps; ``None`` where it is none of this desk's."""
        ...


class TradingDesk:
    """Answers what is asked of the market's hours and, with a ``brokerage``, of the account that trades on it.

    ``actions`` are the splits and dividends that were announced.
    """

    def __init__(self, clock: MarketClock, brokerage: Brokerage | None, actions: tuple[Action, ...] = ()) -> None:
        self._desks: tuple[Desk, ...] = (HoursDesk(clock), AnnouncementDesk(actions))
        if brokerage is not None:
            self._desks += _desks_of(brokerage)

    def answer(self, steps: list[str], request: Request) -> Response | None:
        """The reply to a request whose path, unquoted, has these ``steps``; ``None`` where there is no such path."""
        for desk in self._desks:
            if (calls := desk.calls(steps)) is not None:
                return _answer(calls, request)
        return None


def _desks_of(brokerage: Brokerage) -> tuple[Desk, ...]:
    return (
        OrderDesk(brokerage),
        PositionDesk(brokerage),
        AccountDesk(brokerage),
        ActivityDesk(brokerage),
        PortfolioDesk(brokerage),
        ListingDesk(brokerage),
        WatchlistDesk(brokerage),
        EventDesk(brokerage),
    )


def _answer(calls: Calls, request: Request) -> Response:
    call = calls.get("GET" if request.method == "HEAD" else request.method)
    if call is None:
        return refuse(405, "method not allowed.")
    try:
        return call(request)
    except Refused as refused:
        return refuse(refused.status, refused.message, refused.code, refused.extra)
    except BadBody as bad:
        return refuse(bad.status, bad.message, bad.code)
    except BadRequest as bad_request:
        return refuse(400, str(bad_request), BAD_REQUEST)
    except OverflowError:
        return refuse(400, "a date or number is out of range", BAD_REQUEST)
    except NotThere as missing:
        return refuse(404, str(missing), NOT_FOUND)
