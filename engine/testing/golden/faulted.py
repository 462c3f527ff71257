"""A tape served by the embedded exchange on a bad day, through the whole engine, in virtual time.

Everything is real but the network and the clock: sockets that drop, history that trails, replies that are lost. One
seed gives one session, so its decisions can be golden as well.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import trio
import trio.testing
from attrs import define, evolve, field

from engine.app.options import ExchangeOptions as Dice
from engine.app.options import RunOptions
from engine.app.replay.options import Replayed, ReplayOptions
from engine.app.secrets import Secret
from engine.core.fingerprint import decisions_of, fingerprint, fingerprints
from engine.core.matching.ledger import AccountTerms
from engine.core.matching.models import MODELS
from engine.exchange.faults import Fault, load_faults
from engine.exchange.market import Row
from engine.exchange.serve import ExchangeOptions
from engine.flow.context import StrategyContext
from engine.flow.journal import JournaledContext, Line
from engine.flow.replay.scheduler import sealed_scheduling
from engine.model.instant import NS_PER_S
from engine.model.journal import JournalRecord
from engine.model.market import MarketEvent
from engine.ports import Context, Strategy
from engine.ports.journal import Journal
from engine.ports.tape import Tape
from engine.testing.options import build_options
from engine.testing.session import SessionResult, run_session
from engine.testing.simulated import open_simulated

SPEED: Final = 60.0
"""Market seconds per second of virtual time: outages of seconds on the line last for minutes of the market."""


@define(eq=False)
class TapeSource:
    """A `Tape` as the source of an exchange: all of it, in order."""

    tape: Tape
    endless: bool = field(default=False, init=False)

    @property
    def symbols(self) -> tuple[str, ...]:
        """As the tape's."""
        return self.tape.symbols

    @property
    def start_ns(self) -> int:
        """As the tape's."""
        return self.tape.start_ns

    def rows(self) -> Iterator[Row]:
        """Every event with when it is due."""
        self.tape.want(self.tape.streams)
        while (window := self.tape.window()) is not None:
            yield from zip(window.dues_ns, window.events, strict=True)
            self.tape.advance(len(window.events))


@define(eq=False)
class Kept:
    """A `Journal` in memory."""

    records: list[JournalRecord] = field(factory=list)

    def tell(self, events: Sequence[MarketEvent], at_ns: int) -> None:
        """Nothing: they are on the tape."""

    def note(self, record: JournalRecord) -> None:
        """Keep it."""
        self.records.append(record)


def heard(strategy: Strategy, journal: Journal) -> Strategy:
    """The same strategy, and what crosses between it and its session noted, as in a session that is recorded."""

    async def run(ctx: Context, *params: Any) -> None:
        assert isinstance(ctx, StrategyContext), "a session gives its strategies this one"
        line = Line(lambda: ctx.market.fanout.seq, ctx.now_ns, (journal,))
        context = JournaledContext(ctx, line)
        with context.running():
            await strategy.run(context, *params)

    return evolve(strategy, run=run)


def replay_faulted(options: ReplayOptions, tape: Tape, faults: str | Path | Iterable[Any]) -> Replayed:
    """Serve the tape with these faults to the strategy of the options, and tell what came of it; call it outside of
    Trio. Raises `Misconfigured` for a fault that does not exist, and what ends a session."""
    begun_s = perf_counter()
    (loaded,) = options.strategies
    journal = Kept()
    exchange = ExchangeOptions(
        seed=options.seed,
        speed=options.speed or SPEED,
        faults=_faults(faults),
        fills=MODELS[options.fills],
        terms=AccountTerms(cash=Decimal(options.cash)),
    )
    session = RunOptions(
        strategies=(),
        until_tape_ends=True,
        exchange=Dice(seed=options.seed),
        limits=options.limits,
        strategy_limits=options.strategy_limits,
    )

    async def main() -> tuple[SessionResult, int, int]:
        async with open_simulated(exchange, source=TapeSource(tape)) as opened:
            given = evolve(session, key_id=Secret(opened.key_id), secret=Secret(opened.secret))
            strategy = heard(loaded.strategy, journal)
            result = await run_session(opened.running, given, strategy, loaded.params, may_fail=True)
            market = opened.running.market
            return result, market.published, min(market.clock.now_ns(), getattr(tape, "end_ns", market.clock.now_ns()))

    with sealed_scheduling(options.schedule):
        result, published, end_ns = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    decisions = decisions_of(journal.records)
    by_strategy = fingerprints(decisions)
    return Replayed(
        report=result.report,
        fingerprint=fingerprint(by_strategy),
        fingerprints=by_strategy,
        journal_hash=hashlib.sha256(f"{tape.digest}\n{decisions}".encode()).hexdigest(),
        decisions=tuple(decisions),
        records=tuple(journal.records),
        events=published,
        market_s=(end_ns - tape.start_ns) / NS_PER_S,
        wall_s=perf_counter() - begun_s,
        said=tuple(f"{loaded.name}: {line}" for line in result.said),
    )


def _faults(given: str | Path | Iterable[Any]) -> tuple[Fault, ...]:
    """Tables, values, or a script."""
    if isinstance(given, str | Path):
        return load_faults(Path(given))
    return tuple(build_options({"faults": list(given)}).faults)
