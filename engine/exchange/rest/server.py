"""The exchange's REST side: keys, budget of requests, faults, and who answers which path.

Market data and the little of the trading API that a data session needs are served together, since their paths never
meet.
"""

import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final, Protocol
from urllib.parse import unquote

import msgspec
import trio
from attrs import evolve

from engine.codec.wire import KINDS_BY_NAME, Family
from engine.exchange.faults.calls import CallFaults, judge_call
from engine.exchange.market import Market
from engine.exchange.rest.history import NOT_FOR_PLAN, HistoryDesk, HistoryFaults, NotForPlan, failure
from engine.exchange.rest.http import HttpServer, Request, Response
from engine.exchange.rest.trading import ACCOUNT, render_calendar, render_clock
from engine.model.market import Kind

RATE_PER_MINUTE: Final = 10_000
"""Algo Trader Plus; the free plan has 200."""
WINDOW_S: Final = 60.0
PAGED: Final = frozenset({Kind.TRADES, Kind.QUOTES, Kind.BARS})
KEY_HEADERS: Final = ("apca-api-key-id", "apca-api-secret-key")
BAD_REQUEST: Final = 40010000


class RestFaults(HistoryFaults, CallFaults, Protocol):
    """What a fault plan says about REST calls."""

    def page_delay_s(self) -> float: ...

    def cut_body(self) -> bool: ...


class RestServer:
    """Answers REST requests about a market.

    ``keys`` are the key ids and secrets accepted, ``None`` accepts any. ``wall_s`` gives seconds since the epoch for
    ``X-RateLimit-Reset``, which is about the client's real minute, not the market's.
    """

    def __init__(
        self,
        market: Market,
        faults: RestFaults,
        keys: Mapping[str, str] | None = None,
        *,
        rate_per_minute: int = RATE_PER_MINUTE,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.requests = 0
        self._clock = market.clock
        self._history = HistoryDesk(market, faults)
        self._faults = faults
        self._keys = keys
        self._rate = rate_per_minute
        self._wall_s = wall_s
        self._window: tuple[float, int] = (-WINDOW_S, 0)
        self._ids = count(1)
        self._http = HttpServer(self.respond)

    async def serve_connection(self, stream: trio.abc.Stream) -> None:
        """Serve one connection until it ends; raises nothing of the client's making."""
        await self._http.serve_connection(stream)

    async def respond(self, request: Request) -> Response:
        """Answer one request, with the faults that stand now around it."""
        await trio.lowlevel.checkpoint()
        self.requests += 1
        allowed, budget = self._spend()
        verdict = judge_call(self._faults, request.method, request.path)
        if verdict.status is not None:
            response = failure(verdict.status, "the exchange was told to fail this request")
            response = evolve(response, headers=tuple(verdict.headers.items()))
        elif not allowed:
            response = failure(429, "too many requests.")
        else:
            response = self._answer(request)
        told = {name.lower() for name, _ in response.headers}
        ours = (*budget, ("X-Request-ID", f"{next(self._ids):032x}"))
        return evolve(response, headers=(*response.headers, *(each for each in ours if each[0].lower() not in told)))

    def _spend(self) -> tuple[bool, tuple[tuple[str, str], ...]]:
        """Count a request into its minute: whether the budget holds it, and the headers that tell."""
        now_s = trio.current_time()
        since_s, spent = self._window
        if now_s - since_s >= WINDOW_S:
            since_s, spent = now_s, 0
        self._window = (since_s, spent + 1)
        reset_s = self._wall_s() + since_s + WINDOW_S - now_s
        left = max(self._rate - spent - 1, 0)
        return spent < self._rate, (
            ("X-RateLimit-Limit", str(self._rate)),
            ("X-RateLimit-Remaining", str(left)),
            ("X-RateLimit-Reset", str(int(reset_s) + 1)),
        )

    def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return failure(405, "method not allowed.")
        steps = [unquote(step) for step in request.path.strip("/").split("/")]
        if steps[:2] != ["v1beta3", "crypto"] and (refusal := self._check_keys(request)) is not None:
            return refusal
        try:
            body = self._route(steps, request)
        except ValueError as error:
            return failure(400, str(error), BAD_REQUEST)
        except OverflowError:  # a date at the very edge of the calendar
            return failure(400, "start or end is out of range", BAD_REQUEST)
        except NotForPlan:
            return failure(403, NOT_FOR_PLAN[1], NOT_FOR_PLAN[0])
        if body is None:
            return failure(404, "endpoint not found.", 40410000)
        if steps[0] == "v2" and steps[1] != "stocks":
            return Response(200, body)
        return Response(200, body, delay_s=self._faults.page_delay_s(), cut=self._faults.cut_body())

    def _check_keys(self, request: Request) -> Response | None:
        key, secret = (request.headers.get(name) for name in KEY_HEADERS)
        if not key or not secret:
            return failure(401, "forbidden.")
        if self._keys is not None and self._keys.get(key) != secret:
            return failure(403, "forbidden.")
        return None

    def _route(self, steps: list[str], request: Request) -> bytes | None:
        """The body of the path, ``None`` where there is nothing."""
        match steps:
            case ["v2", "stocks", *rest]:
                return self._market_data(Family.STOCKS, rest, request)
            case ["v1beta3", "crypto", _, *rest]:
                return self._market_data(Family.CRYPTO, rest, request)
            case ["v2", "clock"]:
                return msgspec.json.encode(render_clock(self._clock))
            case ["v2", "account"]:
                return msgspec.json.encode(ACCOUNT)
            case ["v2", "calendar"]:
                return msgspec.json.encode(render_calendar(self._clock, request.query))
        return None

    def _market_data(self, family: Family, rest: list[str], request: Request) -> bytes | None:
        desk = self._history
        match rest:
            case ["snapshots"]:
                return desk.snapshots(family, request)
            case [symbol, "snapshot"] if family is Family.STOCKS:
                return desk.snapshots(family, request, symbol)
            case [name, "latest"] | ["latest", name] if (kind := _kind(name, family)) is not None:
                return desk.latest(family, kind, request)
            case [symbol, name, "latest"] if (kind := _kind(name, family)) is not None and family is Family.STOCKS:
                return desk.latest(family, kind, request, symbol)
            case [name] if (kind := _kind(name, family)) in PAGED and kind is not None:
                return desk.page(family, kind, request)
            case [symbol, name] if (kind := _kind(name, family)) in PAGED and kind is not None:
                return desk.page(family, kind, request, symbol) if family is Family.STOCKS else None
        return None


def _kind(name: str, family: Family) -> Kind | None:
    kind = KINDS_BY_NAME.get(name)
    return kind if kind in PAGED or (kind is Kind.BOOKS and family is Family.CRYPTO) else None
