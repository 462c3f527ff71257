"""``/v2/watchlists``: named lists of assets, kept as long as the exchange runs."""

from functools import partial
from typing import Any, Final
from uuid import UUID, uuid5

from attrs import evolve, frozen
from msgspec import Struct

from engine.codec.account import render_asset
from engine.codec.order_requests import BAD_FIELD, BadBody
from engine.exchange.rest.desks.accounts import ACCOUNT_ID
from engine.exchange.rest.desks.replies import UNPROCESSABLE, Calls, NotThere, no_content, read_body, reply
from engine.exchange.rest.http import Request, Response
from engine.exchange.trading.brokerage import Brokerage
from engine.model.account import Asset
from engine.model.instant import render_instant

LISTS_MAX: Final = 200
"""Alpaca's own limit for an account."""
SYMBOLS_MAX: Final = 1000
NAME_CHARS_MAX: Final = 64
"""Alpaca's OpenAPI."""
ID_SPACE: Final = UUID("0a1e5b6c-9a57-5a3f-8f2e-6d4c2b1a0f3e")


class _Asked(Struct):
    name: str | None = None
    symbols: list[str] | None = None
    symbol: str | None = None


@frozen
class _Watchlist:
    id: str
    name: str
    created_ns: int
    updated_ns: int
    assets: tuple[Asset, ...] = ()


class WatchlistDesk:
    """Makes, shows and changes watch-lists. Each is found by its id, or by its name (``:by_name?name=``)."""

    def __init__(self, brokerage: Brokerage) -> None:
        self._brokerage = brokerage
        self._lists: dict[str, _Watchlist] = {}
        self._made = 0

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path."""
        match steps:
            case ["v2", "watchlists"]:
                return {"GET": self._list, "POST": self._make}
            case ["v2", "watchlists:by_name"]:
                return self._calls_of("")
            case ["v2", "watchlists", list_id]:
                return self._calls_of(list_id)
            case ["v2", "watchlists", list_id, symbol]:
                return {"DELETE": partial(self._take_out, list_id, symbol)}
        return None

    def _calls_of(self, list_id: str) -> Calls:
        return {
            "GET": partial(self._show, list_id),
            "PUT": partial(self._change, list_id),
            "POST": partial(self._put_in, list_id),
            "DELETE": partial(self._drop, list_id),
        }

    def _list(self, _: Request) -> Response:
        return reply([_render(each, whole=False) for each in self._lists.values()])

    def _make(self, request: Request) -> Response:
        asked = read_body(request.body, _Asked)
        if len(self._lists) >= LISTS_MAX:
            raise BadBody(422, UNPROCESSABLE, f"an account has {LISTS_MAX} watchlists at most")
        name = self._read_name(asked.name, "")
        self._made += 1
        list_id, now_ns = str(uuid5(ID_SPACE, str(self._made))), self._brokerage.now_ns()
        return self._keep(_Watchlist(list_id, name, now_ns, now_ns, self._read_assets(asked.symbols or [])))

    def _show(self, list_id: str, request: Request) -> Response:
        return reply(_render(self._find(list_id, request)))

    def _change(self, list_id: str, request: Request) -> Response:
        found, asked = self._find(list_id, request), read_body(request.body, _Asked)
        name = found.name if asked.name is None else self._read_name(asked.name, found.id)
        assets = found.assets if asked.symbols is None else self._read_assets(asked.symbols)
        return self._keep(evolve(found, name=name, assets=assets, updated_ns=self._brokerage.now_ns()))

    def _put_in(self, list_id: str, request: Request) -> Response:
        found, asked = self._find(list_id, request), read_body(request.body, _Asked)
        (asset,) = self._read_assets([asked.symbol or ""])
        if asset in found.assets:
            raise BadBody(422, UNPROCESSABLE, "duplicate symbol")
        if len(found.assets) >= SYMBOLS_MAX:
            raise BadBody(422, UNPROCESSABLE, f"a watchlist has {SYMBOLS_MAX} symbols at most")
        return self._keep(evolve(found, assets=(*found.assets, asset), updated_ns=self._brokerage.now_ns()))

    def _take_out(self, list_id: str, symbol: str, request: Request) -> Response:
        found = self._find(list_id, request)
        asset = self._brokerage.assets.get(symbol)
        if asset is None or asset not in found.assets:
            raise NotThere(f"symbol not found: {symbol}")
        left = tuple(each for each in found.assets if each != asset)
        return self._keep(evolve(found, assets=left, updated_ns=self._brokerage.now_ns()))

    def _drop(self, list_id: str, request: Request) -> Response:
        del self._lists[self._find(list_id, request).id]
        return no_content()

    def _find(self, list_id: str, request: Request) -> _Watchlist:
        name = request.query.get("name")
        found = self._lists.get(list_id) if list_id else next((e for e in self._lists.values() if e.name == name), None)
        if found is None:
            raise NotThere("watchlist not found")
        return found

    def _keep(self, watchlist: _Watchlist) -> Response:
        self._lists[watchlist.id] = watchlist
        return reply(_render(watchlist))

    def _read_name(self, name: str | None, list_id: str) -> str:
        if not name:
            raise BadBody(422, BAD_FIELD, "name is required")
        if len(name) > NAME_CHARS_MAX:
            raise BadBody(422, UNPROCESSABLE, f"name has {NAME_CHARS_MAX} characters at most")
        if any(each.name == name and each.id != list_id for each in self._lists.values()):
            raise BadBody(422, BAD_FIELD, "watchlist name must be unique")
        return name

    def _read_assets(self, symbols: list[str]) -> tuple[Asset, ...]:
        if len(symbols) > SYMBOLS_MAX:
            raise BadBody(422, UNPROCESSABLE, f"a watchlist has {SYMBOLS_MAX} symbols at most")
        found = {symbol: self._brokerage.assets.get(symbol) for symbol in symbols}
        if unknown := [symbol for symbol, asset in found.items() if asset is None]:
            raise BadBody(422, UNPROCESSABLE, f"invalid symbol: {unknown[0]}")
        return tuple(dict.fromkeys(asset for asset in found.values() if asset is not None))


def _render(watchlist: _Watchlist, *, whole: bool = True) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": watchlist.id,
        "account_id": ACCOUNT_ID,
        "name": watchlist.name,
        "created_at": render_instant(watchlist.created_ns),
        "updated_at": render_instant(watchlist.updated_ns),
    }
    return told | {"assets": [render_asset(asset) for asset in watchlist.assets]} if whole else told
