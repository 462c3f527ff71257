"""What can be traded: ``/v2/assets`` and ``/v2/options/contracts``."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final

from attrs import frozen

from engine.codec.account import render_asset, render_contract
from engine.codec.order_requests import parse_number
from engine.exchange.clock import new_york
from engine.exchange.rest.data.asking import read_choice, read_contract_token, read_date, read_limit
from engine.exchange.rest.desks.replies import Calls, NotThere, read_words, reply
from engine.exchange.rest.http import Request, Response
from engine.exchange.rest.tokens import encode_token
from engine.exchange.trading.brokerage import Brokerage
from engine.model.account import Asset
from engine.model.order import AssetClass

CONTRACTS_DEFAULT: Final = 100
CONTRACTS_MAX: Final = 10_000
STATUSES: Final = frozenset({"active", "inactive", "all"})
CLASSES: Final = frozenset({"us_equity", "us_option", "crypto", "crypto_perp"})
SORTS: Final = frozenset({"call", "put", ""})


@frozen
class _Contracts:
    """Which contracts a list holds; strikes in dollars, both ends inclusive."""

    underlyings: frozenset[str]
    active: bool | None
    first: date
    last: date
    sort: str
    strike_min: Decimal | None
    strike_max: Decimal | None

    def takes(self, asset: Asset) -> bool:
        """Whether the list holds this contract."""
        expires = date.fromisoformat(asset.expires)
        return (
            (not self.underlyings or asset.underlying in self.underlyings)
            and (self.active is None or asset.active is self.active)
            and self.first <= expires <= self.last
            and (not self.sort or (self.sort == "call") is asset.call)
            and (self.strike_min is None or asset.strike >= self.strike_min)
            and (self.strike_max is None or asset.strike <= self.strike_max)
        )


class ListingDesk:
    """Shows assets and option contracts."""

    def __init__(self, brokerage: Brokerage) -> None:
        self._brokerage = brokerage
        self._assets = brokerage.assets
        self._optioned = frozenset(asset.underlying for asset in self._contracts())

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path."""
        match steps:
            case ["v2", "assets"]:
                return {"GET": self._list}
            case ["v2", "assets", name]:
                return {"GET": partial(self._show, name)}
            case ["v2", "options", "contracts"]:
                return {"GET": self._list_contracts}
            case ["v2", "options", "contracts", name]:
                return {"GET": partial(self._show_contract, name)}
        return None

    def _list(self, request: Request) -> Response:
        asked = request.query
        status = read_choice(asked, "status", STATUSES, "all")
        asset_class = read_choice(asked, "asset_class", CLASSES, AssetClass.US_EQUITY.value)
        attributes, exchange = read_words(asked, "attributes"), asked.get("exchange", "")
        rows = [
            self._render(asset)
            for asset in self._assets.values()
            if asset.asset_class == asset_class
            and (status == "all" or asset.active is (status == "active"))
            and (not exchange or asset.exchange == exchange)
        ]
        return reply([row for row in rows if not attributes or attributes & set(row["attributes"])])

    def _show(self, name: str, _: Request) -> Response:
        asset = self._assets.get(name)
        if asset is None:
            raise NotThere(f"asset not found for {name}")
        return reply(self._render(asset))

    def _render(self, asset: Asset) -> dict[str, Any]:
        return render_asset(asset, has_options=asset.symbol in self._optioned)

    def _list_contracts(self, request: Request) -> Response:
        wanted = _read_contracts(request.query, new_york(self._brokerage.now_ns()).date())
        limit = read_limit(request.query, CONTRACTS_DEFAULT, CONTRACTS_MAX)
        behind = read_contract_token(request.query)
        found = [asset for asset in self._contracts() if asset.symbol > behind and wanted.takes(asset)]
        page = found[:limit]
        token = encode_token(page[-1].symbol) if len(found) > limit else None
        return reply({"option_contracts": [self._render_contract(asset) for asset in page], "next_page_token": token})

    def _show_contract(self, name: str, _: Request) -> Response:
        asset = self._assets.get(name)
        if asset is None or asset.asset_class is not AssetClass.US_OPTION:
            raise NotThere(f"option contract {name} not found")
        return reply(self._render_contract(asset))

    def _render_contract(self, asset: Asset) -> dict[str, Any]:
        return render_contract(asset, self._assets[asset.underlying])

    def _contracts(self) -> Iterator[Asset]:
        return (asset for asset in self._assets.values() if asset.asset_class is AssetClass.US_OPTION)


def _read_contracts(asked: Mapping[str, str], today: date) -> _Contracts:
    day = asked.get("expiration_date")
    first = read_date(asked, "expiration_date" if day else "expiration_date_gte", today)
    last = read_date(asked, "expiration_date" if day else "expiration_date_lte", date.max)
    status = read_choice(asked, "status", STATUSES, "active")
    read_choice(asked, "style", frozenset({"american", "european"}), "american")
    return _Contracts(
        underlyings=read_words(asked, "underlying_symbols") | read_words(asked, "root_symbol"),
        active=None if status == "all" else status == "active",
        first=first,
        last=last,
        sort=read_choice(asked, "type", SORTS, ""),
        strike_min=_read_strike(asked, "strike_price_gte"),
        strike_max=_read_strike(asked, "strike_price_lte"),
    )


def _read_strike(asked: Mapping[str, str], name: str) -> Decimal | None:
    text = asked.get(name)
    return parse_number(name, text) if text else None
