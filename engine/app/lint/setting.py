"""From flags to something that can be run: strategies, a tape or a made market, and the first run of all."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec
from attrs import asdict, evolve, frozen, has

from engine.app.lint.altered import AlteredTape
from engine.app.lint.flags import LintFlags
from engine.app.lint.held import HeldTape, make_market
from engine.app.lint.verdict import Bench, Child, Run, failures
from engine.app.options import LoadedStrategy
from engine.app.plugins.params import load_strategies
from engine.app.replay.options import ReplayOptions
from engine.errors import Misconfigured, StrategyFailed
from engine.model.instant import NS_PER_S
from engine.ports.tape import Tape

BEGINS: Final = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
"""A Monday, 9:30 in New York: the made market begins with the opening."""
SYMBOLS: Final = ("SPY",)
"""Of the made market, where neither a flag nor a parameter says any."""


@frozen(kw_only=True)
class Setting:
    """What is to be looked at; ``flags`` are what a child process makes the same setting of."""

    options: ReplayOptions
    flags: LintFlags


def plan(flags: LintFlags) -> Setting:
    """Everything that the flags say, checked; raises `Misconfigured`."""
    if not flags.strategies:
        raise Misconfigured("Say which strategy to look at, as in 'gapless lint sma_cross'; see 'gapless list'.")
    for path in flags.tape:
        if not path.exists():
            raise Misconfigured(f"There is no tape {path}: check its name.")
    if flags.tape and flags.minutes != LintFlags().minutes:
        raise Misconfigured("--minutes is the length of the made market; with --tape use --from and --to.")
    strategies = load_strategies(flags.strategies, flags.sets, {})
    options = ReplayOptions(
        strategies=strategies,
        tapes=flags.tape,
        symbols=_symbols(flags, strategies),
        start_ns=_instant(flags.start, "--from"),
        end_ns=_instant(flags.end, "--to"),
        fills=flags.fills,
        seed=flags.seed,
    )
    return Setting(options=options, flags=flags)


def set_up(setting: Setting, run: Run, child: Child | None = None) -> Bench:
    """Run it once, sealed, and once more without the seal where it did not end well there.

    Raises `StrategyFailed` where it fails by itself: then there is nothing to compare.
    """
    options = setting.options
    open_tape = opener(setting)
    whole = run(options, open_tape())
    failed, refused = failures(whole), whole.refused
    if failed or refused:
        options = evolve(options, sealed=False)
        whole = run(options, open_tape())
        if still := failures(whole):
            name, sentence = next(iter(still.items()))
            raise StrategyFailed(f"{name} fails on this tape, so nothing can be compared: {sentence}")
    return Bench(
        options=options,
        open_tape=open_tape,
        run=run,
        whole=whole,
        broken_seal=refused or tuple(failed.values()),
        child=child,
    )


def opener(setting: Setting) -> Callable[[], Tape]:
    """A function that opens the tape of a setting, from its beginning each time."""
    options, flags = setting.options, setting.flags
    if options.tapes:
        return partial(_open_files, options)
    start_ns = options.start_ns or int(BEGINS.timestamp()) * NS_PER_S
    minutes = flags.minutes if options.end_ns is None else (options.end_ns - start_ns) / (60 * NS_PER_S)
    rows = make_market(
        seed=flags.seed,
        symbols=options.symbols or SYMBOLS,
        start_ns=start_ns,
        minutes=minutes,
        events_per_s=flags.events_per_s,
    )
    return partial(HeldTape, rows)


def _open_files(options: ReplayOptions) -> Tape:
    from engine.store.tape import open_tape  # pyarrow, only where there are files

    tape: Tape = open_tape(options.tapes, symbols=options.symbols, end_ns=options.end_ns)
    # What is before the start stays readable as history, as it is for a live session that starts then.
    return tape if options.start_ns is None else AlteredTape(tape, start_ns=options.start_ns)


def _symbols(flags: LintFlags, strategies: tuple[LoadedStrategy, ...]) -> tuple[str, ...]:
    if flags.symbols:
        return tuple(part.strip() for part in flags.symbols.split(",") if part.strip())
    if flags.tape:
        return ()
    return tuple(dict.fromkeys(symbol for loaded in strategies for symbol in _named(loaded.params)))


def _named(params: Any) -> tuple[str, ...]:
    """The symbols among the parameters of a strategy: what they call ``symbol`` or ``symbols``."""
    values = asdict(params, recurse=False) if params is not None and has(type(params)) else {}
    found: list[str] = []
    for name in ("symbol", "symbols"):
        value = values.get(name, ())
        found += [value] if isinstance(value, str) else [each for each in value if isinstance(each, str)]
    return tuple(each for each in found if each and each != "*")


def _instant(moment: datetime | None, flag: str) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise Misconfigured(f"Flag {flag} {moment.isoformat()} has no time zone: write it as 2026-03-02T14:30:00Z.")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000


def pack(flags: LintFlags) -> bytes:
    """Flags for a child process."""
    return msgspec.json.encode(flags, enc_hook=str)


def unpack(data: bytes) -> LintFlags:
    """What `pack` made."""
    return msgspec.json.decode(data, type=LintFlags, dec_hook=lambda kind, text: kind(text))
