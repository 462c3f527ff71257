"""Reading a scene from a running engine, in one step of Trio's thread."""

import heapq
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from attrs import define, field, fields, has

from engine.app.beside.engine import Engine
from engine.app.beside.overview import Overview
from engine.app.report import OrderRow
from engine.app.secrets import MASK
from engine.core.lifecycle import rounded_price
from engine.core.rules import plain
from engine.model.instant import NS_PER_S, render_instant
from engine.web.charts.charts import KINDS
from engine.web.scene.lags import Lags
from engine.web.scene.scene import ACCOUNT, FILLS_MAX, Card, FillRow, Scene
from engine.web.scene.tails import Tails

SYMBOLS_MAX: Final = 500
"""In the list of charts; more cannot be chosen from."""
VALUE_CHARS_MAX: Final = 200
"""Of a parameter: a list of a thousand symbols is cut short."""
_SECRETIVE: Final = re.compile(r"(?i)(?:^|_)(?:api_?key|key|secret|token|password|passphrase|webhook)(?:_|$)")
"""Names of parameters whose values are shown to nobody."""


@define(eq=False)
class Reader:
    """``read`` gives the overview of this moment."""

    engine: Engine
    read: Callable[[], Overview]
    tails: Tails
    lags: Lags
    _began_s: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began_s = self.engine.markets.clock.now_ns() / NS_PER_S

    def scene(self) -> Scene:
        """Everything of this moment."""
        engine, overview = self.engine, self.read()
        account = engine.account
        scopes = (ACCOUNT, *(run.name for run in engine.session.runs))
        killed = {} if account is None else {scope: account.switch.tripped(scope) for scope in scopes}
        fills = tuple(self._fills())
        return Scene(
            overview=overview,
            now_s=engine.markets.clock.now_ns() / NS_PER_S,
            began_s=self._began_s,
            cards=tuple(self._cards(overview, killed)),
            fills=fills,
            symbols=_symbols(overview, fills),
            killed=_tightest(killed),
            on_kill=engine.options.on_kill,
            lags=self.lags.read(),
        )

    def symbols(self) -> tuple[str, ...]:
        """Symbols that can be charted: of streams, orders, positions and fills."""
        return _symbols(self.read(), tuple(self._fills()))

    def _cards(self, overview: Overview, killed: dict[str, str]) -> Iterator[Card]:
        account = self.engine.account
        rows = {row.name: row for row in overview.report.strategies}
        orders = {row.strategy: row for row in overview.report.account.orders} if overview.report.account else {}
        given = {loaded.name or loaded.strategy.name: loaded for loaded in self.engine.options.strategies}
        for run in self.engine.session.runs:
            row, told, loaded = rows[run.name], orders.get(run.name, OrderRow(run.name)), given.get(run.name)
            yield Card(
                name=run.name,
                reference=loaded.reference if loaded is not None else "",
                state=row.state,
                restarts=row.restarts,
                error=row.error or "",
                p99_ms=row.lag_ms.p99,
                params=tuple(params_of(run.params, self.tails.redact)),
                tail=self.tails.of(run.name),
                profit=told.profit,
                orders=told.orders,
                fills=told.fills,
                trades=run.trading is not None,
                paused_by="" if account is None else account.pauses.by(run.name),
                killed=killed.get(run.name, ""),
            )

    def _fills(self) -> Iterator[FillRow]:
        if self.engine.account is None:
            return
        tickets = self.engine.account.desk.blotter.tickets()
        pairs = ((fill.ts_ns, number, ticket, fill) for number, ticket in enumerate(tickets) for fill in ticket.fills)
        for _, _, ticket, fill in heapq.nlargest(FILLS_MAX, pairs, key=lambda one: (one[0], one[1])):
            yield FillRow(
                at=render_instant(fill.ts_ns),
                strategy=ticket.strategy,
                symbol=fill.symbol,
                side=fill.side.value,
                qty=plain(fill.qty),
                price=plain(rounded_price(fill.price)),
            )


def _symbols(overview: Overview, fills: Sequence[FillRow]) -> tuple[str, ...]:
    kinds = {kind.value for kind in KINDS} | {"quotes"}
    streams = {row.symbol for row in overview.report.streams if row.kind in kinds}
    account = overview.report.account
    held = {row.symbol for row in account.positions} if account is not None else set()
    ordered = {row.symbol for row in overview.orders}
    filled = {row.symbol for row in fills}
    return tuple(sorted((streams | held | ordered | filled) - {"", "*"})[:SYMBOLS_MAX])


def _tightest(killed: dict[str, str]) -> dict[str, str]:
    """The scopes that are tripped; where it is all strategies, that is all there is to say."""
    if killed.get(ACCOUNT):
        return {ACCOUNT: killed[ACCOUNT]}
    return {scope: reason for scope, reason in killed.items() if reason}


def params_of(params: Any, redact: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Parameters as a person reads them: names and values, without what must not be shown."""
    if params is None:
        return
    if not has(type(params)):
        yield "params", redact(str(params))[:VALUE_CHARS_MAX]
        return
    for attribute in fields(type(params)):
        value = getattr(params, attribute.name)
        text = ", ".join(map(str, value)) if isinstance(value, tuple | list | frozenset) else str(value)
        yield attribute.name, MASK if _SECRETIVE.search(attribute.name) else redact(text)[:VALUE_CHARS_MAX]
