"""Strategies as plain functions from a tape to decisions, and a bench to lay them on: no engine is in these tests."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import pytest
from attrs import frozen

from engine.app.lint.held import HeldTape, hold
from engine.app.lint.verdict import Bench, ChildRun
from engine.app.options import LoadedStrategy
from engine.app.replay.options import Replayed, ReplayOptions
from engine.app.report import SessionReport, StrategyRow
from engine.core.fingerprint import decisions_of, fingerprint, fingerprints
from engine.model.instant import NS_PER_S
from engine.model.journal import Asked, JournalRecord
from engine.model.market import MarketEvent, Trade
from engine.ports import Strategy
from engine.ports.tape import Tape

T0 = 1_772_461_800 * NS_PER_S
Rule: TypeAlias = Callable[[Sequence[MarketEvent], ReplayOptions, Tape], Iterable[JournalRecord]]


async def nothing(_ctx: object) -> None: ...


def trades(count: int = 120, every_s: int = 10) -> list[Trade]:
    """A price that goes up and down, another one each minute."""
    return [
        Trade("SPY", T0 + place * every_s * NS_PER_S, 100.0 + (place * 7) % 11 + place / 100, 1.0)
        for place in range(count)
    ]


def decide(event: MarketEvent, verb: str = "buy", words: str = '{"symbol":"SPY"}') -> Asked:
    """A decision at the time of an event."""
    return Asked(0, event.ts_ns, "mine", 1, verb, words)


def read_all(tape: Tape) -> list[MarketEvent]:
    """What a strategy that wants everything is told."""
    told: list[MarketEvent] = []
    tape.want(tape.streams)
    while (window := tape.window()) is not None:
        told += window.events
        tape.advance(len(window.events))
    return told


@frozen
class Lab:
    """Makes benches."""

    events: Sequence[MarketEvent]

    def replayed(self, records: Iterable[JournalRecord], events: int = 0, error: str | None = None) -> Replayed:
        kept = tuple(records)
        decisions = decisions_of(kept)
        prints = fingerprints(decisions)
        return Replayed(
            report=SessionReport(strategies=(StrategyRow("mine", error=error),)),
            fingerprint=fingerprint(prints),
            fingerprints=prints,
            journal_hash="",
            decisions=tuple(decisions),
            records=kept,
            events=events,
            market_s=0.0,
            wall_s=0.0,
        )

    def bench(self, rule: Rule, child: Callable[..., ChildRun] | None = None) -> Bench:
        """A bench with one strategy that decides by this rule."""

        def run(options: ReplayOptions, tape: Tape) -> Replayed:
            told = read_all(tape)
            return self.replayed(rule(told, options, tape), len(told))

        rows = hold(self.events)
        options = ReplayOptions(strategies=(LoadedStrategy(Strategy("mine", nothing), None, "mine"),), tapes=())
        whole = run(options, HeldTape(rows))
        return Bench(options=options, open_tape=lambda: HeldTape(rows), run=run, whole=whole, child=child)


@pytest.fixture
def lab() -> Lab:
    return Lab(trades())
