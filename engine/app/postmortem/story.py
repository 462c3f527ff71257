"""What became of a session, as one value: `tell_story` makes it of a folder, the page and the summary show it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from attrs import evolve, field, frozen

from engine.app.postmortem.figures import Figures, figure
from engine.app.postmortem.findings import NAMED_MAX, Finding, find
from engine.app.postmortem.read.collecting import Collecting
from engine.app.postmortem.read.lanes import Timeline, build_timeline
from engine.app.postmortem.read.market import REPLAY, read_market
from engine.app.postmortem.read.records import Journal, read_journal, read_tickets
from engine.core.bars import is_crypto
from engine.core.blotter.executions import symbol_of
from engine.core.measures.curve import Curve, draw_curve
from engine.core.measures.moves import Move, Moves, moves_of, opening_move
from engine.core.measures.periods import Grid, make_grid
from engine.core.measures.quality import FilledOrder, filled_orders
from engine.core.measures.series import Series, Told
from engine.core.measures.trips import Trip, trips_of
from engine.model.intent import Ticket
from engine.model.order import ZERO
from engine.store.session import Manifest, RecordedSession, read_closing, read_session

ASSUMED: Final = 100_000.0
"""Dollars that returns are of where a session does not say what its account had: as a fresh paper account has."""


@frozen(kw_only=True)
class Story:
    """One session. Times are market time in nanoseconds, money is dollars."""

    folder: Path
    manifest: Manifest
    start_ns: int
    end_ns: int
    capital: float
    capital_from: str
    grid: Grid
    curve: Curve
    equity: tuple[float, ...]
    benchmark: tuple[float, ...] | None
    """The same capital in equal parts of every symbol that was traded, bought at the beginning and held."""
    figures: Figures
    by_strategy: Mapping[str, Figures]
    trips: tuple[Trip, ...]
    filled: tuple[FilledOrder, ...]
    tickets: tuple[Ticket, ...]
    """Of this session: those of former ones that the account's books still held are left out."""
    tickets_from: str
    told: Mapping[str, Told]
    market: Collecting
    timeline: Timeline
    journal: Journal
    closing: Mapping[str, Any]
    """What `engine.store.session.closing` kept; empty where it did not."""
    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = field(default=())

    @property
    def who(self) -> str:
        """The names of its strategies, the first of many; empty without any."""
        names = [player.name for player in self.manifest.strategies]
        more = f" and {len(names) - NAMED_MAX:,} more" if len(names) > NAMED_MAX else ""
        return ", ".join(names[:NAMED_MAX]) + more

    @property
    def orders_lost(self) -> bool:
        """Whether there were orders of which nothing was written down: then nothing of money is known."""
        return not self.tickets_from and not self.manifest.finished and self.journal.decisions.total() > 0

    @property
    def has_equity(self) -> bool:
        """Whether there is an equity to tell: a strategy may trade, and its orders are known."""
        return bool(self.curve.profits) and not self.orders_lost


def tell_story(folder: Path, *, tapes: Sequence[Path] = (), capital: float | None = None) -> Story:
    """Read a session and work everything out. Raises `Misconfigured` for a folder that holds none, and for a tape that
    is not that of the replay; `StoreFailed` for a session that is damaged."""
    session = read_session(folder)
    journal = read_journal(session.records())
    closing = read_closing(folder)
    tickets, source = read_tickets(session, journal)
    start_ns = session.manifest.started_ns
    players = {player.name for player in session.manifest.strategies}
    moves = moves_of(tickets, start_ns)
    moves = evolve(moves, before={place: qty for place, qty in moves.before.items() if place[0] in players})
    own = _own(tickets, start_ns)
    wanted = {move.symbol for move in moves.within} | {symbol for _, symbol in moves.before}
    wanted |= {symbol_of(ticket) for ticket in own if ticket.strategy}
    market = read_market(session, wanted - {""} or None, tapes)
    end_ns = _end_ns(session, journal, market.found, moves)
    told = {symbol: market.found.told(symbol) for symbol in _symbols(market.found, wanted)}
    told = {symbol: _with_fills(symbol, one, moves.within) for symbol, one in told.items()}
    story = _work_out(session.manifest, own, moves, told, (start_ns, end_ns), closing, capital)
    story = evolve(
        story,
        folder=folder,
        tickets_from=source,
        market=market.found,
        timeline=build_timeline(session.manifest, journal, start_ns, end_ns),
        journal=journal,
        remarks=market.remarks,
    )
    torn = {} if session.manifest.finished else session.torn()
    return evolve(story, findings=tuple(find(story, torn)))


def _end_ns(session: RecordedSession, journal: Journal, market: Collecting, moves: Moves) -> int:
    """When it ended, or the last that is known of it; a fill by the venue's clock may be a moment later than ours."""
    known = [session.manifest.started_ns, *(move.ts_ns for move in moves.within[-1:])]
    if session.manifest.ended_ns is not None:
        return max(session.manifest.ended_ns, *known)
    return max(journal.last_ns, market.last_ns, *known)


def _symbols(market: Collecting, wanted: set[str]) -> list[str]:
    """Those that were traded or, in a session that only watched, those that were told the most of."""
    if wanted - {""}:
        return sorted(wanted - {""})
    counts = Counter[str]()
    for one in market.streams.values():
        counts[one.symbol] += one.events
    return [symbol for symbol, _ in counts.most_common(WATCHED_MAX) if symbol]


WATCHED_MAX: Final = 6
"""Price charts of a session that traded nothing."""


def _with_fills(symbol: str, told: Told, moves: Sequence[Move]) -> Told:
    """Where no market was recorded a symbol is worth what was paid for it."""
    if len(told.marks):
        return told
    mine = [(move.ts_ns, float(move.price)) for move in moves if move.symbol == symbol]
    if not mine:
        return told
    return evolve(told, marks=Series([at for at, _ in mine], [price for _, price in mine]), marked_by="fills")


def _work_out(
    manifest: Manifest,
    tickets: tuple[Ticket, ...],
    moves: Moves,
    told: Mapping[str, Told],
    span: tuple[int, int],
    closing: Mapping[str, Any],
    capital: float | None,
) -> Story:
    start_ns, end_ns = span
    names = tuple(player.name for player in manifest.strategies if player.trades)
    within = (*_openings(moves, told, closing, start_ns, names), *moves.within)
    traded = {move.symbol for move in within}
    crypto = any(map(is_crypto, traded)) if traded else bool(told) and all(map(is_crypto, told))
    grid = make_grid(start_ns, end_ns, crypto=crypto)

    def marks_of(symbol: str) -> Series:
        return told[symbol].marks if symbol in told else Series()

    curve = draw_curve(within, grid.at_ns, lambda symbol, ns: marks_of(symbol).at(ns), names)
    total = curve.total
    own, base, base_from = _capital(manifest, closing, capital, Series(grid.at_ns, total), len(names))
    trips = tuple(trips_of(within, marks_of, end_ns))
    return Story(
        folder=Path(),
        manifest=manifest,
        start_ns=start_ns,
        end_ns=end_ns,
        capital=base,
        capital_from=base_from,
        grid=grid,
        curve=curve,
        equity=tuple(base + one for one in total),
        benchmark=_benchmark(grid, sorted(traded), marks_of, base),
        figures=_figures(grid, curve.gross, base, total, trips, within),
        by_strategy={
            name: _figures(
                grid,
                draw_curve(mine, grid.at_ns, lambda symbol, ns: marks_of(symbol).at(ns), [name]).gross,
                own,
                profits,
                [trip for trip in trips if trip.strategy == name],
                mine,
            )
            for name, profits in curve.profits.items()
            for mine in [[move for move in within if move.strategy == name]]
        },
        trips=trips,
        filled=tuple(filled_orders(tickets, lambda symbol: told.get(symbol, Told()), start_ns, end_ns)),
        tickets=tickets,
        tickets_from="",
        told=told,
        market=Collecting(),
        timeline=Timeline((), ()),
        journal=Journal(),
        closing=closing,
    )


def _own(tickets: Sequence[Ticket], start_ns: int) -> tuple[Ticket, ...]:
    """Orders of this session, and older ones that were open in it."""
    return tuple(
        ticket
        for ticket in tickets
        if ticket.open
        or (ticket.intent is not None and ticket.intent.at_ns >= start_ns)
        or (ticket.order is not None and max(ticket.order.created_ns, ticket.order.updated_ns) >= start_ns)
        or any(fill.ts_ns >= start_ns for fill in ticket.fills)
    )


def _figures(
    grid: Grid, gross: Sequence[float], base: float, profits: Sequence[float], trips: Sequence[Trip],
    moves: Sequence[Move],
) -> Figures:  # fmt: skip
    equity = [base + one for one in profits]
    traded, fees = sum((move.traded for move in moves), ZERO), sum((move.fee for move in moves), ZERO)
    return figure(grid, equity, gross, trips, float(traded), float(fees))


def _openings(
    moves: Moves, told: Mapping[str, Told], closing: Mapping[str, Any], start_ns: int, players: Collection[str]
) -> list[Move]:
    """What was held at the beginning: by what is held at the end, where that was kept, else by the older orders."""
    held = dict(moves.before)
    account = closing.get("account") or {}
    if "positions" in account:
        rows = [row for row in account["positions"] if row["strategy"] in players]
        held = {(row["strategy"], row["symbol"]): Decimal(row["qty"]) for row in rows}
        for move in moves.within:
            place = (move.strategy, move.symbol)
            held[place] = held.get(place, ZERO) - move.qty
    found = []
    for (strategy, symbol), qty in sorted(held.items()):
        price = told[symbol].marks.around(start_ns) if symbol in told else None
        if qty and price is not None:
            found.append(opening_move(strategy, symbol, qty, Decimal(repr(price)), start_ns))
    return found


def _capital(
    manifest: Manifest, closing: Mapping[str, Any], given: float | None, profit: Series, strategies: int
) -> tuple[float, float, str]:
    """What returns are measured by: of one strategy, of all, and who says so."""
    if given is not None:
        return given, given, "--capital"
    cash = manifest.settings.get("cash")
    if manifest.venue == REPLAY and isinstance(cash, int | float) and cash > 0:
        return float(cash), float(cash) * max(strategies, 1), "the replay's --cash, for each strategy"
    equity, told_ns = closing.get("equity"), closing.get("equity_at_ns")
    made = profit.at(told_ns) if isinstance(told_ns, int) else None
    start = float(equity) - (made or 0.0) if isinstance(equity, str) else 0.0
    if start > 0:
        return start, start, "the account's equity, as its broker told it"
    return ASSUMED, ASSUMED, "assumed: the session does not say what the account had (see --capital)"


def _benchmark(grid: Grid, symbols: Sequence[str], marks_of: Any, capital: float) -> tuple[float, ...] | None:
    known = [marks_of(symbol) for symbol in symbols if len(marks_of(symbol)) > 1]
    if not known or len(known) != len(symbols):
        return None
    starts = [series.around(grid.at_ns[0]) for series in known]
    if any(not one or one <= 0 for one in starts):
        return None
    return tuple(
        capital * sum(series.around(now) / start for series, start in zip(known, starts, strict=True)) / len(known)
        for now in grid.at_ns
    )
