"""A replay in a test: a strategy, a tape, and what it decided, as a value that ``golden`` compares.

    from engine.testing import replay

    def test_trend(golden):
        golden(replay("sma_cross", {"fast": 5}, tape="spy.parquet"))

With ``faults`` the tape is not handed to the strategy but served by the embedded exchange, over a virtual network that
breaks as it is told to, through the whole engine, in virtual time. What comes back is the same kind of value.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import trio
from attrs import fields_dict, frozen

from engine.app.lint.held import HeldTape, hold
from engine.app.options import LoadedStrategy
from engine.app.plugins.find import unique_names
from engine.app.replay.options import Replayed, ReplayOptions
from engine.app.replay.run import replay as run_replay
from engine.core.fingerprint import LENGTH
from engine.errors import GaplessError, Misconfigured, StrategyFailed
from engine.exchange.faults import Fault
from engine.model.market import MarketEvent
from engine.ports import CallbackStrategy, Strategy
from engine.ports.tape import Tape
from engine.testing.session import find_given, make_params

TapeGiven: TypeAlias = str | Path | Sequence[str | Path] | Iterable[MarketEvent]
FaultsGiven: TypeAlias = str | Path | Iterable[Fault | Mapping[str, Any]]

_OURS: Final = frozenset({"strategies", "tapes", "symbols", "progress"})
WORDS: Final = tuple(sorted(set(fields_dict(ReplayOptions)) - _OURS))


@frozen(kw_only=True)
class TestReplayed(Replayed):
    """What came of a replay in a test, with what a golden file says of it."""

    __test__ = False  # pytest: this is a value and no test

    strategy: str = ""
    params: str = ""
    tape: str = ""
    """The digest of what was played."""


def replay(
    strategy: Strategy | type[CallbackStrategy] | str,
    params: Mapping[str, Any] | Any = None,
    *,
    tape: TapeGiven,
    symbols: str | Iterable[str] = (),
    faults: FaultsGiven | None = None,
    may_fail: bool = False,
    **options: Any,
) -> TestReplayed:
    """Replay a tape to one strategy, from a test that is not asynchronous (`replay_async` for the others).

    ``strategy`` and ``params`` are as `SimulatedExchange.run` takes them. ``tape``: a Parquet file or a session folder,
    several of them, or events written down in the test, in any order. ``faults``: tables as ``exchange.fault`` takes
    them with ``after_events``, ``every`` or ``at``, or the path of a fault script. Further words are those of
    `ReplayOptions`, such as ``fills="queue"``, ``schedule=3`` or ``end_ns=...``.

    A strategy that fails fails the test with `StrategyFailed`, unless it ``may_fail``: then ``report`` has its
    sentence. Raises `Misconfigured` for a word that does not exist and a tape that cannot be read.
    """
    if trio.lowlevel.in_trio_run():
        raise Misconfigured("A replay has a clock of its own: in an asynchronous test write 'await replay_async(...)'.")
    found = find_given(strategy)
    given = make_params(found, params)
    (name,) = unique_names([found])
    settings = ReplayOptions(
        strategies=(LoadedStrategy(found, given, name),),
        tapes=_paths(tape),
        symbols=(symbols,) if isinstance(symbols, str) else tuple(symbols),
        **_checked(options),
    )
    opened = _open(settings, tape)
    try:
        if faults is None:
            done = run_replay(settings, opened)
        else:
            from engine.testing.golden.faulted import replay_faulted  # the exchange, only where it is needed

            done = replay_faulted(settings, opened, faults)
    except GaplessError as error:
        raise error.with_traceback(None) from None  # a sentence; the way to it is ours and not the test's
    if not may_fail:
        for row in done.report.strategies:
            if row.error:
                raise StrategyFailed(f"{row.name} failed in the replay: {row.error}")
    return TestReplayed(
        **{word: getattr(done, word) for word in fields_dict(Replayed)},
        strategy=name,
        params="" if given is None else repr(given),
        tape=opened.digest[:LENGTH],
    )


async def replay_async(
    strategy: Strategy | type[CallbackStrategy] | str, params: Mapping[str, Any] | Any = None, **words: Any
) -> TestReplayed:
    """`replay` from an asynchronous test: in a thread of its own, because a replay has a clock of its own."""
    return await trio.to_thread.run_sync(partial(replay, strategy, params, **words))


def _checked(options: Mapping[str, Any]) -> Mapping[str, Any]:
    for word in options:
        if word not in WORDS:
            close = difflib.get_close_matches(word, WORDS, n=1)
            hint = f"did you mean {close[0]!r}? There are" if close else "there are"
            raise Misconfigured(f"A replay has no option {word!r}; {hint} {', '.join(WORDS)}.")
    return options


def _paths(tape: TapeGiven) -> tuple[Path, ...]:
    """The files, where the tape is files."""
    if isinstance(tape, str | Path):
        return (Path(tape),)
    if isinstance(tape, Sequence) and tape and all(isinstance(each, str | Path) for each in tape):
        return tuple(Path(each) for each in tape if isinstance(each, str | Path))
    return ()


def _open(settings: ReplayOptions, tape: TapeGiven) -> Tape:
    if settings.tapes:
        from engine.store.tape import open_tape

        return open_tape(settings.tapes, symbols=settings.symbols, start_ns=settings.start_ns, end_ns=settings.end_ns)
    assert not isinstance(tape, str | Path), "a path was made a tuple of paths"
    wanted = frozenset(settings.symbols)
    events = [event for event in tape if not isinstance(event, str | Path)]
    return HeldTape(hold(event for event in events if not wanted or event.symbol in wanted or not event.symbol))
