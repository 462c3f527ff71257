"""The dashboard as an ASGI application: which address is which page, and what its forms do."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import trio
from attrs import define, field, frozen

from engine.web.charts import Charts
from engine.web.deeds import Deeds
from engine.web.guard.door import App, Door, Receive, Scope, Send, cookie_of, login_of
from engine.web.guard.logins import Login, Logins, Refusal
from engine.web.guard.names import Names
from engine.web.looks import alerts, charts, kill, layout, login, orders, overview, strategies
from engine.web.looks.html import Html
from engine.web.pulse import Pulse
from engine.web.scene import Reader, Scene
from engine.web.shelf import Item, read_shelf
from engine.web.watch import Watched, candles_of, lags_of, nothing_of, watch

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE_AGE_S: Final = 7 * 24 * 3600
"""The browser forgets after a week; the dashboard forgets who was away for half a day."""


@frozen
class Page:
    """One page: its pieces, and its body, given who looks; ``scripts`` and ``styles`` beside those of all pages."""

    title: str
    pieces: Callable[[Scene], Mapping[str, Html]]
    body: Callable[[Scene, str], Html]
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


_UPLOT: Final = ("vendor/uPlot.iife.min.js", "lag.js")
_CANDLES: Final = ("vendor/lightweight-charts.standalone.production.js", "candles.js")
PAGES: Final = {
    "overview": Page("Overview", overview.pieces, overview.body, _UPLOT, ("vendor/uPlot.min.css",)),
    "strategies": Page("Strategies", strategies.pieces, strategies.body),
    "orders": Page("Orders and positions", orders.pieces, orders.body),
    "alerts": Page("Alerts", alerts.pieces, alerts.body),
    "kill": Page("Kill switch", kill.pieces, kill.body),
}


@define(eq=False)
class Site:
    """Everything behind the door. ``cookie`` is named after the port: cookies know hosts, not ports."""

    reader: Reader
    pulse: Pulse
    charts: Charts
    deeds: Deeds
    names: Names
    logins: Logins
    cookie: str
    app: App = field(init=False)
    _shelf: Mapping[str, Item] = field(factory=read_shelf, init=False)

    def __attrs_post_init__(self) -> None:
        from starlette.applications import Starlette
        from starlette.routing import Route

        paths = {"overview": "/", **{name: f"/{name}" for name in PAGES if name != "overview"}}
        inner = Starlette(
            routes=[
                *(Route(path, partial(self._page, name)) for name, path in paths.items()),
                Route("/charts", self._chart),
                Route("/events", endpoint=self._events()),
                Route("/login", self._log_in, methods=["GET", "POST"]),
                Route("/logout", self._log_out, methods=["POST"]),
                Route("/deeds/{deed}", self._do, methods=["POST"]),
                Route("/static/{path:path}", self._static),
            ],
            exception_handlers={404: self._not_found, 405: self._not_found},
        )
        self.app = Door(inner, self.names, self.logins, self.cookie, self.refuse)

    async def run(self) -> None:
        """Keep what the pages show, until cancelled."""
        with self.reader.tails.listening():
            async with trio.open_nursery() as nursery:
                for task in (self.pulse.run, self.charts.run, self.reader.lags.run):
                    nursery.start_soon(task)

    # -- pages

    async def _page(self, name: str, request: "Request") -> "Response":
        page = PAGES[name]
        return await self._show(request, name, page, f"/events?page={name}")

    async def _chart(self, request: "Request") -> "Response":
        known = self.reader.symbols()
        symbol = request.query_params.get("symbol", known[0] if known else "")
        if symbol and symbol not in known:
            return _response(
                404, login.refusal("No such chart", f"No strategy of this session has to do with {symbol}.")
            )
        if symbol:
            self.charts.look(symbol)
        page = self._chart_page(symbol)
        return await self._show(
            request, "charts", page, f"/events?page=charts&{charts.path_of(symbol).partition('?')[2]}"
        )

    @staticmethod
    def _chart_page(symbol: str) -> Page:
        return Page(
            f"Chart of {symbol}" if symbol else "Charts",
            partial(charts.pieces, symbol=symbol),
            lambda scene, csrf: charts.body(scene, symbol, csrf),
            _CANDLES,
        )

    async def _show(self, request: "Request", name: str, page: Page, events: str) -> "Response":
        who = login_of(request.scope)
        frame = layout.Frame(
            page=name,
            title=page.title,
            events=events,
            csrf=who.csrf,
            word=_take_word(who),
            scripts=page.scripts,
            styles=page.styles,
        )
        text = await self.pulse.draw(lambda scene: layout.whole(scene, frame, page.body(scene, who.csrf)))
        return _response(200, text)

    # -- news

    def _events(self) -> App:
        async def events(scope: Scope, receive: Receive, send: Send) -> None:
            from starlette.requests import Request

            watched = self._watched(Request(scope))
            still_in = partial(self.logins.find, _cookie_of(scope, self.cookie))
            await watch(self.pulse, watched, still_in, receive, send)

        return _Raw(events)

    def _watched(self, request: "Request") -> Watched | None:
        """What the browser wants to hear of; ``None`` for what is not there."""
        name = request.query_params.get("page", "")
        if name == "charts":
            symbol = request.query_params.get("symbol", "")
            if not symbol:
                return Watched("charts", _drawing(self._chart_page("")), nothing_of)
            if symbol not in self.reader.symbols():
                return None
            gather = partial(candles_of, self.charts, self.deeds.engine.account, symbol)
            return Watched(f"charts/{symbol}", _drawing(self._chart_page(symbol)), gather)
        if name not in PAGES:
            return None
        gather_lags = partial(lags_of, self.reader.lags) if name == "overview" else nothing_of
        return Watched(name, _drawing(PAGES[name]), gather_lags)

    # -- coming and going

    async def _log_in(self, request: "Request") -> "Response":
        from starlette.responses import RedirectResponse

        if request.method != "POST":
            if request.scope["login"] is not None:
                return RedirectResponse("/#", 303)  # an empty fragment: else the browser keeps that of the token
            return _response(200, login.login())
        came = self.logins.log_in(request.scope["form"].get("token", "").strip())
        if isinstance(came, Refusal):
            return _response(came.status, login.login(came.sentence))
        response = RedirectResponse("/", 303)
        response.set_cookie(self.cookie, came, max_age=COOKIE_AGE_S, httponly=True, samesite="strict")
        return response

    async def _log_out(self, request: "Request") -> "Response":
        from starlette.responses import RedirectResponse

        self.logins.log_out(request.cookies.get(self.cookie, ""))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(self.cookie, httponly=True, samesite="strict")
        return response

    # -- deeds

    async def _do(self, request: "Request") -> "Response":
        from starlette.responses import RedirectResponse

        form, deed = request.scope["form"], request.path_params["deed"]
        match deed:
            case "kill":
                came, back = await self.deeds.kill(form.get("scope", ""), form.get("confirm", "").strip()), "/kill"
            case "pause":
                came, back = self.deeds.pause(form.get("strategy", "")), "/strategies"
            case "resume":
                came, back = self.deeds.resume(form.get("strategy", "")), "/strategies"
            case "acknowledge":
                came, back = self.deeds.acknowledge(form.get("key", "")), "/alerts"
            case _:
                return self._lost()
        if isinstance(came, Refusal):
            return _response(came.status, login.refusal("Nothing was done", came.sentence))
        login_of(request.scope).word = came
        return RedirectResponse(back, 303)

    # -- the rest

    async def _static(self, request: "Request") -> "Response":
        from starlette.responses import Response

        item = self._shelf.get(request.path_params["path"])
        if item is None:
            return self._lost()
        headers = {"etag": item.tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == item.tag:
            return Response(status_code=304, headers=headers)
        return Response(item.content, media_type=item.kind, headers=headers)

    def _not_found(self, _request: "Request", _error: Exception) -> "Response":
        return self._lost()

    def _lost(self) -> "Response":
        return _response(404, login.refusal("Not found", "There is no such page."))

    def refuse(self, status: int, title: str, sentence: str) -> App:
        """The page of a refusal; who is not logged in is sent to do that."""

        async def refused(scope: Scope, receive: Receive, send: Send) -> None:
            from starlette.responses import RedirectResponse, Response

            response: Response
            if status == 401 and scope["path"] != "/events" and scope["method"] == "GET":
                response = RedirectResponse("/login", 303)
            else:
                response = _response(status, login.refusal(title, sentence or "You are not logged in."))
            await response(scope, receive, send)

        return refused


class _Raw:
    """An endpoint that speaks ASGI itself: Starlette takes functions to be handlers of requests."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _drawing(page: Page) -> Callable[[Scene], Mapping[str, str]]:
    return lambda scene: {**layout.common(scene), **page.pieces(scene)}


def _response(status: int, text: str) -> "Response":
    from starlette.responses import HTMLResponse

    return HTMLResponse(text, status, {"cache-control": "no-store"})


def _cookie_of(scope: Scope, name: str) -> str:
    return cookie_of(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"), name)


def _take_word(who: Login) -> str:
    word, who.word = who.word, ""
    return word
