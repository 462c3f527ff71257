"""``/v2/account/activities``: fills, fees and ends of options, newest first unless asked otherwise, page by page."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from attrs import frozen

from engine.codec.activities import FILL, Activity, render_activity
from engine.exchange.clock import new_york
from engine.exchange.rest.data.asking import BadRequest, read_choice, read_date, read_limit
from engine.exchange.rest.desks.replies import Calls, read_instant, read_words, reply
from engine.exchange.rest.http import Request, Response
from engine.exchange.trading.brokerage import Brokerage

PAGE_MAX: Final = 100
CATEGORIES: Final = frozenset({"trade_activity", "non_trade_activity"})
TRADES: Final = "trade_activity"


@frozen
class _Filter:
    """Which activities a list holds."""

    kinds: frozenset[str]
    category: str
    after_ns: int | None
    until_ns: int | None
    order_id: str

    def takes(self, activity: Activity) -> bool:
        """Whether the list holds this activity."""
        return (
            (not self.kinds or activity.kind in self.kinds)
            and (not self.category or (self.category == TRADES) == (activity.kind == FILL))
            and (self.after_ns is None or activity.fill.ts_ns > self.after_ns)
            and (self.until_ns is None or activity.fill.ts_ns < self.until_ns)
            and (not self.order_id or activity.fill.order_id == self.order_id)
        )


class ActivityDesk:
    """Lists what happened to the account."""

    def __init__(self, brokerage: Brokerage) -> None:
        self._brokerage = brokerage

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path."""
        match steps:
            case ["v2", "account", "activities"]:
                return {"GET": partial(self._list, "")}
            case ["v2", "account", "activities", kind]:
                return {"GET": partial(self._list, kind)}
        return None

    def _list(self, kind: str, request: Request) -> Response:
        asked = request.query
        wanted = _read_filter(kind, request)
        descending = read_choice(asked, "direction", frozenset({"asc", "desc"}), "desc") == "desc"
        day = read_date(asked, "date", new_york(self._brokerage.now_ns()).date()) if asked.get("date") else None
        rows = [
            activity
            for activity in self._brokerage.activities.newest_first()
            if wanted.takes(activity) and (day is None or activity.day == day)
        ]
        page = _behind(rows if descending else rows[::-1], asked.get("page_token", ""))
        size = read_limit(asked, PAGE_MAX, PAGE_MAX, "page_size")
        return reply([render_activity(activity) for activity in page[:size]])


def _read_filter(kind: str, request: Request) -> _Filter:
    asked = request.query
    kinds, category = read_words(asked, "activity_types"), asked.get("category", "")
    if kinds and category:
        raise BadRequest("only one of activity_types and category may be given")
    if category not in CATEGORIES | {""}:
        raise BadRequest(f"invalid category: {category}")
    return _Filter(
        kinds=kinds or (frozenset({kind}) if kind else frozenset()),
        category=category,
        after_ns=read_instant(asked, "after"),
        until_ns=read_instant(asked, "until"),
        order_id=asked.get("order_id", ""),
    )


def _behind(rows: Sequence[Activity], token: str) -> Sequence[Activity]:
    """The rows behind the one whose id the last page ended with."""
    if not token:
        return rows
    place = next((place for place, activity in enumerate(rows) if activity.id == token), None)
    if place is None:
        raise BadRequest("invalid page_token")
    return rows[place + 1 :]
