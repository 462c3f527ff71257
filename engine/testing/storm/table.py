"""Both counters asked: every row of the refusals' table that is about the order by itself, and orders at random."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import trio
from attrs import evolve
from trio.testing import MockClock

from engine.codec.order_requests import BadBody, parse_order
from engine.core.matching.ledger import AccountTerms
from engine.exchange.assets import START_NS, build_assets
from engine.exchange.clock import instant_of
from engine.testing.storm.bodies import random_body
from engine.testing.storm.rules import STATIC_NAMES, Compared, Counters, ask_both

PRICES: Final[Mapping[str, float]] = {
    "AAPL": 230.0, "AMD": 120.0, "HTBR": 20.0, "NSHT": 20.0, "PNNY": 0.5, "WHOL": 50.0, "BTC/USD": 64_000.0,
    "AAPL260320C00230000": 5.0, "AAPL260320C00240000": 2.0, "AAPL260320P00230000": 5.0,
}  # fmt: skip
"""As the table has them."""
ASSETS: Final = dict(build_assets(("AAPL", "MSFT", "BTC/USD"), start_ns=START_NS))
MOMENTS: Final = tuple(
    datetime(2026, 3, day, hour, minute, tzinfo=UTC)
    for day, hour, minute in ((2, 15, 0), (2, 13, 0), (2, 20, 56), (2, 22, 30), (3, 3, 0), (7, 15, 0), (20, 19, 40))
)
"""The regular session, before it, its last minutes, after it, the night, a Saturday, the last hour of the contracts."""
RANDOM_ORDERS: Final = 100
CASH: Final = Decimal(10**9)


def rows_of(table: Path) -> Sequence[Mapping[str, Any]]:
    """The rows about orders that are refused by themselves, from anybody."""
    rows = tomllib.loads(table.read_text(encoding="utf-8"))["refusals"]
    return [row for row in rows if row["rule"] in STATIC_NAMES and _alone(row)]


def _alone(row: Mapping[str, Any]) -> bool:
    return not {"replace", "cancel"} & row.keys() and not set(row.get("given", {})) - {"at", "asset"}


def run_table(table: Path) -> list[Compared]:
    """Every row at both, those that need the same state in one session."""
    bodies = tomllib.loads(table.read_text(encoding="utf-8"))["bodies"]
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows_of(table):
        groups.setdefault(json.dumps(row.get("given", {}), default=str), []).append(row)
    compared: list[Compared] = []
    for rows in groups.values():
        given = rows[0].get("given", {})
        changed = {symbol: evolve(ASSETS[symbol], **what) for symbol, what in given.get("asset", {}).items()}
        compared += trio.run(
            partial(
                ask_both,
                partial(_ask_rows, rows, bodies),
                prices=PRICES,
                assets={**ASSETS, **changed},
                at_ns=instant_of(given["at"]) if "at" in given else None,
            ),
            clock=MockClock(autojump_threshold=0),
        )
    return compared


async def _ask_rows(
    rows: Sequence[Mapping[str, Any]], bodies: Mapping[str, Mapping[str, Any]], counters: Counters
) -> None:
    await trio.lowlevel.checkpoint()
    for row in rows:
        body = {**bodies[row.get("of", "stock")], **row.get("order", {})}
        sent = {key: value for key, value in body.items() if key not in row.get("without", ())}
        await counters.ask(row.get("name", row["rule"]), sent)


def run_random(seed: int) -> list[Compared]:
    """Orders at random, at a moment that the seed takes in turn."""
    return list(
        trio.run(
            partial(
                ask_both,
                partial(_ask_random, Random(f"{seed}/orders")),
                prices=PRICES,
                assets=ASSETS,
                at_ns=instant_of(MOMENTS[seed % len(MOMENTS)]),
                terms=AccountTerms(cash=CASH),
            ),
            clock=MockClock(autojump_threshold=0),
        )
    )


async def _ask_random(dice: Random, counters: Counters) -> None:
    await trio.lowlevel.checkpoint()
    for number in range(RANDOM_ORDERS):
        body = random_body(dice, PRICES)
        try:
            parse_order(msgspec.json.encode(body))
        except BadBody:
            continue
        await counters.ask(f"{number}: {body}", body)
