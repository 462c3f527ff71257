"""Corporate actions: the split and the dividend of the made-up year before a market, as Alpaca lists such things."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec

from engine.exchange.assets import id_of
from engine.exchange.made.prehistory import Action
from engine.exchange.rest.data.asking import BadRequest, read_date, read_descending, read_limit
from engine.exchange.rest.tokens import decode_token, encode_token

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1000
KNOWN: Final = frozenset(
    (
        "reverse_split", "forward_split", "unit_split", "cash_dividend", "stock_dividend", "spin_off", "cash_merger",
        "stock_merger", "stock_and_cash_merger", "redemption", "name_change", "worthless_removal",
        "rights_distribution",
    )
)  # fmt: skip


def render_actions(actions: tuple[Action, ...], asked: Mapping[str, str], today: date) -> bytes:
    """``GET /v1/corporate-actions``: by type, within ``start`` and ``end`` (the day of processing, default today)."""
    limit = read_limit(asked, LIMIT_DEFAULT, LIMIT_MAX)
    first, last = read_date(asked, "start", today), read_date(asked, "end", today)
    ids, symbols, cusips, sorts = (_words(asked, name) for name in ("ids", "symbols", "cusips", "types"))
    if not sorts <= KNOWN:
        raise BadRequest(f"invalid types: {asked['types']}")
    if ids and (symbols or cusips or sorts or asked.get("start") or asked.get("end")):
        raise BadRequest("ids cannot be combined with other filters")
    descending = read_descending(asked)
    rows = sorted((_render(action) for action in actions), key=_key, reverse=descending)
    chosen = [
        row
        for row in rows
        if (row["id"] in ids if ids else first <= date.fromisoformat(row["process_date"]) <= last)
        and (not symbols or row["symbol"] in symbols)
        and (not cusips or row["cusip"] in cusips)
        and (not sorts or row["type"] in sorts)
    ]
    if (behind := _read_token(asked)) is not None:
        chosen = [row for row in chosen if (_key(row) < behind if descending else _key(row) > behind)]
    found: dict[str, list[dict[str, Any]]] = {}
    for row in chosen[:limit]:
        found.setdefault(f"{row['type']}s", []).append({key: row[key] for key in row if key != "type"})
    token = _token(chosen[limit - 1]) if len(chosen) > limit else None
    return msgspec.json.encode({"corporate_actions": found, "next_page_token": token})


def action_id(action: Action) -> str:
    """The id of an action, the same wherever it is told."""
    return id_of(f"{_type(action)}/{action.symbol}/{action.ex_date}")


def cusip_of(symbol: str) -> str:
    """Something that looks like the CUSIP of a stock, and is always the same."""
    return id_of(f"cusip/{symbol}").replace("-", "")[:9].upper()


def _type(action: Action) -> str:
    return "forward_split" if action.split else "cash_dividend"


def _words(asked: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(word.strip() for word in asked.get(name, "").split(",") if word.strip())


def _render(action: Action) -> dict[str, Any]:
    rates = (
        {"new_rate": action.rate, "old_rate": 1}
        if action.split
        else {"rate": action.rate, "special": False, "foreign": False}
    )
    return {
        "type": _type(action),
        "id": action_id(action),
        "symbol": action.symbol,
        "cusip": cusip_of(action.symbol),
        **rates,
        "process_date": action.process_date.isoformat(),
        "ex_date": action.ex_date.isoformat(),
        "record_date": action.ex_date.isoformat(),
        "payable_date": action.process_date.isoformat(),
    }


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["process_date"], row["cusip"], row["id"]


def _token(row: Mapping[str, Any]) -> str:
    return encode_token(f"{row['cusip']}|{row['process_date']}|{row['id']}")


def _read_token(asked: Mapping[str, str]) -> tuple[str, str, str] | None:
    if not asked.get("page_token"):
        return None
    try:
        cusip, day, number = decode_token(asked["page_token"]).split("|")
    except ValueError:
        raise BadRequest("invalid page_token") from None
    return day, cusip, number
