"""The exchange's REST side: keys, budgets of requests, faults, and who answers which path.

Market data and trading are served together, since their paths never meet. A reply leaves in one place, `respond`, so
that a call can be carried out and yet look as if it had failed.
"""

import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from itertools import count
from typing import Final, Protocol
from urllib.parse import unquote

import trio
from attrs import evolve

from engine.exchange.faults.calls import CallFaults, Verdict, judge_call
from engine.exchange.made.prehistory import PreHistory
from engine.exchange.market import Market
from engine.exchange.rest.admission import Budget, Gate, Headers, spent
from engine.exchange.rest.control import PREFIX, ControlDesk
from engine.exchange.rest.data.asking import NotForPlan
from engine.exchange.rest.data_routes import MarketRoutes
from engine.exchange.rest.desks import TradingDesk
from engine.exchange.rest.desks.replies import BAD_REQUEST, NOT_FOUND, refuse
from engine.exchange.rest.history import NOT_FOR_PLAN, HistoryFaults
from engine.exchange.rest.http import HttpServer, Request, Response
from engine.exchange.rest.received import Changes, Received
from engine.exchange.tiers import PLUS, Tier
from engine.exchange.trading.brokerage import Brokerage

DATA_PATHS: Final = ("/v2/stocks/", "/v1beta1/", "/v1beta3/", "/v1/")
"""How the paths of market data begin; all others are the trading API's."""
NO_KEYS: Final = (401, "request is not authorized", 40110000)
NEEDS_NO_KEYS: Final = ("v1beta3", "crypto")
"""How the paths of crypto data begin, which Alpaca tells to anybody."""
TOO_MANY: Final = 429
UNCOUNTED: Final = frozenset({401, 403, 500, 502, 503, 504})
"""Statuses of a gateway in front of the API, whose replies do not tell of the budget (Alpaca's OpenAPI)."""


class RestFaults(HistoryFaults, CallFaults, Protocol):
    """What a fault plan says about REST calls."""

    def page_delay_s(self) -> float: ...

    def cut_body(self) -> bool: ...


class RestServer:
    """Answers REST requests about a market and, with a ``brokerage``, about the account that trades on it.

    ``keys`` are the key ids and secrets accepted, ``None`` accepts any. ``wall_s`` gives seconds since the epoch for
    ``Date`` and ``X-RateLimit-Reset``, which are about the client's real minute, not the market's. ``tier`` is what the
    account pays for; ``rate_per_minute`` of requests for data and ``trading_per_minute`` of the others are the tier's
    unless given. ``before`` is the year before a made market. ``control`` answers ``/_exchange``.
    """

    def __init__(
        self,
        market: Market,
        faults: RestFaults,
        keys: Mapping[str, str] | None = None,
        *,
        brokerage: Brokerage | None = None,
        control: ControlDesk | None = None,
        tier: Tier = PLUS,
        before: PreHistory | None = None,
        rate_per_minute: int | None = None,
        trading_per_minute: int | None = None,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.requests = 0
        self.overhear: Callable[[Received, Response], None] | None = None
        """Told every request and its reply, whether or not a fault keeps it from arriving."""
        self.changes = Changes()
        self._clock = market.clock
        self._data = MarketRoutes(market, faults, tier=tier, before=before)
        self._trading = TradingDesk(market.clock, brokerage, () if before is None else before.actions)
        self._control = control
        self._faults = faults
        self._gate = Gate(keys)
        self._data_budget = Budget(tier.rate_per_minute if rate_per_minute is None else rate_per_minute, wall_s)
        self._trading_budget = Budget(
            tier.trading_per_minute if trading_per_minute is None else trading_per_minute, wall_s
        )
        self._wall_s = wall_s
        self._ids = count(1)
        self._date = (-1, "")
        self._http = HttpServer(self.respond)

    async def serve_connection(self, stream: trio.abc.Stream) -> None:
        """Serve one connection until it ends; raises nothing of the client's making."""
        await self._http.serve_connection(stream)

    async def respond(self, request: Request) -> Response:  # noqa: ASYNC910 - reading and writing it wait
        """Answer one request, with the faults that stand now around it."""
        self.requests += 1
        if self._control is not None and request.path.startswith(PREFIX):
            return self._control.answer(request, request.peer)
        received = Received(self._wall_s(), self._clock.now_ns(), request.method, request.path, request.body)
        self.changes.note(received)
        response = self._respond(request)
        if self.overhear is not None:
            self.overhear(received, response)
        return response

    def _respond(self, request: Request) -> Response:
        is_data = request.path.startswith(DATA_PATHS)
        steps = [unquote(step) for step in request.path.strip("/").split("/")]
        status = 200 if tuple(steps[:2]) == NEEDS_NO_KEYS else self._gate.status(request.headers)
        if status != 200:
            turned_away = refuse(*NO_KEYS) if status == 401 and not is_data else refuse(status, "forbidden.")
            return self._stamp(turned_away, ())
        allowed, budget = (self._data_budget if is_data else self._trading_budget).spend()
        if not allowed:
            return self._stamp(refuse(TOO_MANY, "too many requests."), budget)
        verdict = judge_call(self._faults, request.method, request.path)
        response = Response(200)
        if verdict.carried_out:
            response = self._answer(steps, request, is_data=is_data)
        return self._stamp(_spoil(response, verdict), _told_with(verdict, budget))

    def _stamp(self, response: Response, budget: Headers) -> Response:
        """The reply with its number and date and, but for what a fault tells instead, the headers of the budget."""
        told = {name.lower() for name, _ in response.headers}
        now_s = int(self._wall_s())
        if now_s != self._date[0]:
            self._date = now_s, formatdate(now_s, usegmt=True)
        ours = (*budget, ("X-Request-ID", f"{next(self._ids):032x}"), ("Date", self._date[1]))
        return evolve(response, headers=(*response.headers, *(each for each in ours if each[0].lower() not in told)))

    def _answer(self, steps: list[str], request: Request, *, is_data: bool) -> Response:
        if not is_data:
            return self._trading.answer(steps, request) or refuse(404, "endpoint not found.", NOT_FOUND)
        if request.method not in ("GET", "HEAD"):
            return refuse(405, "method not allowed.")
        try:
            body = self._data.answer(steps, request)
        except ValueError as error:
            return refuse(400, str(error), BAD_REQUEST)
        except OverflowError:  # a date at the very edge of the calendar
            return refuse(400, "start or end is out of range", BAD_REQUEST)
        except NotForPlan:
            return refuse(403, NOT_FOR_PLAN[1], NOT_FOR_PLAN[0])
        if body is None:
            return refuse(404, "endpoint not found.", NOT_FOUND)
        return Response(200, body, delay_s=self._faults.page_delay_s(), cut=self._faults.cut_body())


def _told_with(verdict: Verdict, budget: Headers) -> Headers:
    """What a reply tells of the budget, after what faults made of it: one of 429 says that nothing is left."""
    if verdict.bare or verdict.status in UNCOUNTED:
        return ()
    return spent(budget) if verdict.status == TOO_MANY else budget


def _spoil(response: Response, verdict: Verdict) -> Response:
    """What the client gets of a reply."""
    if verdict.status is not None:
        failed = refuse(verdict.status, "the exchange was told to fail this request")
        return evolve(failed, headers=tuple(verdict.headers.items()))
    if verdict.silent is None and not verdict.reset:
        return response
    if verdict.silent == "body":
        return evolve(response, cut=True, silent=True)
    return evolve(response, reset=verdict.reset, silent=verdict.silent is not None)
