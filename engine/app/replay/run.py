"""One replay from options to what came of it: its own run of Trio, whose clock is the market's.

It is a session like any other, put together of the same parts: `Markets` with a tape in the place of feeds, the desk
over an account that is made up, `Session` and its strategies. What differs is who moves time (`engine.flow.replay`),
and that the strategies are sealed (`engine.app.replay.seal`).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from time import perf_counter

import trio
from loguru import logger

from engine.app.replay.counted import CountedTape
from engine.app.replay.folder import Folder
from engine.app.replay.hold import Held, hold
from engine.app.replay.keeper import Keeper
from engine.app.replay.options import Replayed, ReplayOptions
from engine.app.replay.paced import PacedClock
from engine.app.replay.seal import Seal, sealed
from engine.core.fingerprint import decisions_of, fingerprint, fingerprints
from engine.errors import GaplessError
from engine.flow.replay.clock import ReplayClock
from engine.flow.replay.scheduler import sealed_scheduling
from engine.flow.replay.turnstile import rank_of
from engine.flow.supervisor import sole_failure
from engine.model.instant import NS_PER_S
from engine.ports.tape import Tape
from engine.store.tape import open_tape


def replay(options: ReplayOptions, tape: Tape | None = None) -> Replayed:
    """Replay, and tell what came of it; ``tape`` stands in for those of the options.

    Call it from code that is not asynchronous, in any thread, of a running Trio program too. A strategy that fails is
    told in the report. Raises `GaplessError` for what keeps a replay from beginning, such as a tape that cannot be
    read. Ctrl-C in the main thread ends it in order, and is told in ``report.ended_by``.
    """
    begun_s = perf_counter()
    mine = tape is None
    if tape is None:
        tape = open_tape(options.tapes, symbols=options.symbols, start_ns=options.start_ns, end_ns=options.end_ns)
    start_ns = tape.start_ns if options.start_ns is None else min(options.start_ns, tape.start_ns)
    clock = PacedClock(start_ns, options.speed) if options.speed else ReplayClock(start_ns)
    counted = CountedTape(
        tape,
        now_ns=clock.now_ns,
        end_ns=tape.end_ns if options.end_ns is None else options.end_ns,
        progress=options.progress,
        gaps=getattr(tape, "gaps", ()),
    )
    with ExitStack() as stack:
        digest = stack.enter_context(_digesting(tape, beside=mine))
        folder = None
        if options.record is not None:
            folder = Folder.open(options, tape, digest(), options.record)
            stack.callback(folder.close)
        keeper = Keeper(options.keep_records, folder)
        seal = stack.enter_context(sealed(options.strategies)) if options.sealed else None
        stack.enter_context(sealed_scheduling(options.schedule, rank=rank_of))
        held = _run(options, counted, clock, keeper)
        counted.tell()
        if seal is not None:
            _tell_swallowed(seal, held)
        if folder is not None:
            folder.end(clock.now_ns(), held.tickets, held.report)
        journal_hash = keeper.hexdigest(digest())
    decisions = decisions_of(keeper.decisions)
    by_strategy = fingerprints(decisions)
    return Replayed(
        report=held.report,
        fingerprint=fingerprint(by_strategy),
        fingerprints=by_strategy,
        journal_hash=journal_hash,
        decisions=tuple(decisions),
        records=tuple(keeper.records),
        events=counted.events,
        market_s=(clock.now_ns() - clock.start_ns) / NS_PER_S,
        wall_s=perf_counter() - begun_s,
        said=tuple(held.said),
        refused=() if seal is None else tuple(seal.refused),
    )


@contextmanager
def _digesting(tape: Tape, *, beside: bool) -> Iterator[Callable[[], str]]:
    """The tape's digest for who asks; ``beside``: it is made in a thread meanwhile, nearly all of it outside of the
    interpreter's lock. Only a tape that was opened here is known to allow that."""
    if not beside:
        yield lambda: tape.digest
        return
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(lambda: tape.digest)
        yield made.result


def _tell_swallowed(seal: Seal, held: Held) -> None:
    """A strategy that catches everything catches its own refusals too, and nobody would hear of them."""
    ends = [row.error or "" for row in held.report.strategies]
    for sentence in seal.refused:
        if not any(sentence in end for end in ends):
            logger.warning("{} It went on without.", sentence)


def _run(options: ReplayOptions, tape: CountedTape, clock: ReplayClock, keeper: Keeper) -> Held:
    """The run of Trio; an error of ours comes out of its groups."""
    try:
        return trio.run(hold, options, tape, clock, keeper, clock=clock)
    except BaseExceptionGroup as group:
        failure = sole_failure(group)
        if isinstance(failure, GaplessError):
            raise failure from None
        raise
