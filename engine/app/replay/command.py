"""``gapless replay`` from flags to exit code: 0, 1 where a strategy failed, 2 for a wrong flag, 130 for Ctrl-C."""

import os
import sys
from contextlib import nullcontext, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from attrs import evolve

from engine.app.config.settings import Settings, load_settings
from engine.app.logs import configure_logs
from engine.app.plugins.params import load_strategies
from engine.app.replay.flags import ReplayFlags
from engine.app.replay.options import ReplayOptions
from engine.app.replay.run import replay
from engine.app.replay.tell import Told, tell
from engine.app.screen.view import wants_tables
from engine.app.session import check_limited, exit_code, split_limit
from engine.errors import Misconfigured
from engine.model.instant import NS_PER_S

TAPES: Final = (".parquet", ".jsonl")
"""What the names of tapes end with; a folder is a tape too."""


def replay_command(flags: ReplayFlags) -> int:
    """Replay, with its progress on stderr, and print what came of it. Raises `GaplessError` for what cannot begin."""
    options, settings = plan_replay(flags)
    redact = configure_logs(
        level=settings.log_level,
        file=settings.log_file,
        secrets=(settings.key_id, settings.secret_key),
        log_format=settings.log_format,
    )
    title = "gapless replay " + " ".join(loaded.name for loaded in options.strategies)
    tables = wants_tables(as_json=flags.json, isatty=sys.stderr.isatty)
    with redirect_stdout(sys.stderr) if flags.json else nullcontext(), Told(title, bar=tables) as progress:
        replayed = replay(evolve(options, progress=progress))
    sys.stdout.write(redact(tell(replayed, as_json=flags.json)) + "\n")
    sys.stdout.flush()
    if replayed.report.error:
        sys.stderr.write(f"gapless: {redact(replayed.report.error)}\n")
    return exit_code(replayed.report)


def plan_replay(flags: ReplayFlags) -> tuple[ReplayOptions, Settings]:
    """Everything that the flags and the settings file say, checked; raises `Misconfigured`."""
    limit_flags = [split_limit(text) for text in flags.limits]
    settings = load_settings(
        file=flags.config, environ=os.environ, flags={}, folder=Path.cwd(), limit_flags=limit_flags
    )
    tapes, names = split_words(flags.words)
    if not tapes:
        raise Misconfigured(
            "Say what to replay, as in 'gapless replay spy.parquet sma_cross': a tape ends in .parquet or .jsonl, or "
            "is the folder of a session."
        )
    if not names:
        raise Misconfigured("Say which strategy to replay, as in 'gapless replay spy.parquet sma_cross'.")
    strategies = load_strategies(names, flags.sets, settings.params)
    check_limited({name for name, _, _ in limit_flags if name}, {loaded.name for loaded in strategies})
    try:
        options = ReplayOptions(
            strategies=strategies,
            tapes=tapes,
            symbols=tuple(symbol.strip() for symbol in flags.symbols.split(",") if symbol.strip()),
            start_ns=_ns(flags.from_),
            end_ns=_ns(flags.to),
            fills=flags.fills,
            cash=flags.cash,
            seed=flags.seed,
            schedule=flags.schedule,
            speed=flags.speed,
            fast=not flags.plain,
            record=flags.record,
            limits=settings.limits,
            strategy_limits=settings.strategy_limits,
        )
    except ValueError as error:
        raise Misconfigured(f"gapless replay: {error.args[0]}.") from None
    return options, settings


def split_words(words: tuple[str, ...]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Tapes and strategies apart: by how a word ends, and whether it names a folder.

    Raises `Misconfigured` for a tape that is not there.
    """
    tapes, names = [], []
    for word in words:
        path = Path(word).expanduser()
        if not word.endswith(TAPES) and not (path.is_dir() and (os.sep in word or _is_session(path))):
            names.append(word)
            continue
        if not path.exists():
            raise Misconfigured(f"Tape {path} was not found; looked from {Path.cwd()}.")
        tapes.append(path)
    return tuple(tapes), tuple(names)


def _is_session(folder: Path) -> bool:
    """A bare name may be a strategy's and, by accident, a folder's; only one that holds a session is a tape."""
    return (folder / "manifest.json").exists()


def _ns(moment: datetime | None) -> int | None:
    """Nanoseconds since the epoch; a moment without a zone is meant in UTC, as everything here is."""
    if moment is None:
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    passed = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * NS_PER_S + passed.microseconds * 1000
