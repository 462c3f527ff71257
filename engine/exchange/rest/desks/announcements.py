"""``/v2/corporate_actions/announcements``: the older way to ask for splits and dividends, which SDKs still have.

The same actions as ``/v1/corporate-actions`` tells of (`engine.exchange.rest.data.actions`), each announced once. Keys
and their spelling are those that alpaca-py's model reads; that amounts are decimal strings follows Alpaca's OpenAPI.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final

from engine.codec.orders import render_decimal
from engine.exchange.assets import id_of
from engine.exchange.made.prehistory import Action
from engine.exchange.rest.data.actions import action_id, cusip_of
from engine.exchange.rest.data.asking import BadRequest, read_choice, read_date
from engine.exchange.rest.desks.replies import Calls, NotThere, read_words, reply
from engine.exchange.rest.http import Request, Response

TYPES: Final = frozenset({"dividend", "merger", "spinoff", "split"})
DATE_TYPES: Final = frozenset({"declaration_date", "ex_date", "record_date", "payable_date"})


class AnnouncementDesk:
    """Lists what was announced, and shows one announcement."""

    def __init__(self, actions: tuple[Action, ...]) -> None:
        self._rows = {row["id"]: row for row in map(_render, actions)}

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path."""
        match steps:
            case ["v2", "corporate_actions", "announcements"]:
                return {"GET": self._list}
            case ["v2", "corporate_actions", "announcements", name]:
                return {"GET": partial(self._show, name)}
        return None

    def _list(self, request: Request) -> Response:
        asked = request.query
        kinds = frozenset(word.lower() for word in read_words(asked, "ca_types"))
        if not kinds <= TYPES:
            raise BadRequest(f"invalid ca_types: {asked['ca_types']}")
        first, last = read_date(asked, "since", date.min), read_date(asked, "until", date.max)
        dated = read_choice(asked, "date_type", DATE_TYPES, "ex_date")
        return reply(
            [
                row
                for row in self._rows.values()
                if (not kinds or row["ca_type"] in kinds)
                and first <= date.fromisoformat(row[dated]) <= last
                and asked.get("symbol") in (None, "", row["initiating_symbol"])
                and asked.get("cusip") in (None, "", row["initiating_original_cusip"])
            ]
        )

    def _show(self, name: str, _: Request) -> Response:
        if name not in self._rows:
            raise NotThere("announcement not found")
        return reply(self._rows[name])


def _render(action: Action) -> Mapping[str, Any]:
    """One announcement; an action of this market is declared, goes ex and is recorded on one day."""
    day, rate = action.ex_date.isoformat(), Decimal(str(action.rate))
    return {
        "id": id_of(f"announcement/{action_id(action)}"),
        "corporate_action_id": action_id(action),
        "ca_type": "split" if action.split else "dividend",
        "ca_sub_type": "stock_split" if action.split else "cash",
        "initiating_symbol": action.symbol,
        "initiating_original_cusip": cusip_of(action.symbol),
        "target_symbol": action.symbol,
        "target_original_cusip": cusip_of(action.symbol),
        "declaration_date": day,
        "ex_date": day,
        "record_date": day,
        "payable_date": action.process_date.isoformat(),
        "cash": "0" if action.split else render_decimal(rate),
        "old_rate": "1",
        "new_rate": render_decimal(rate) if action.split else "1",
    }
