"""``gapless run`` from flags to exit code: plan the session, hold it, tell what it did.

Planning is done before anything starts and asks nobody later: a wrong flag, a missing file, a strategy that does not
load, each ends here in one sentence. Then the session runs with the view beside it, and whatever ends it (also a
fatal error) ends with the same summary, because what was received until then is what a person wants to know.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from secrets import randbits
from typing import Final

import msgspec
import trio
from attrs import evolve
from loguru import logger

from engine.app.beside.compose import alert_channels, beside_of, secrets_beside
from engine.app.config.settings import KEY_VARIABLES, Settings, load_settings
from engine.app.failures import INTERRUPTED, TERMINATED, known_cause
from engine.app.flags import RunFlags
from engine.app.live import run_live
from engine.app.logs import Redactor, configure_logs
from engine.app.options import LoadedStrategy, RunOptions
from engine.app.plugins.params import load_strategies
from engine.app.report import SessionReport
from engine.app.screen.tables import render_report
from engine.app.screen.view import View, wants_tables, write_line
from engine.core.fingerprint import decisions_of, fingerprint, fingerprints
from engine.errors import GaplessError, Misconfigured, StrategyFailed
from engine.store.session import read_session

_EMBEDDED: Final = ("tape", "speed", "faults", "chaos", "seed", "symbols", "events_per_s")
"""Settings of the exchange that a session serves to itself; as flags they mean nothing elsewhere."""


RAW: Final = "raw"
"""The word after ``--record`` that is no folder."""
SESSIONS: Final = Path("sessions")
"""Where sessions are recorded that were given no folder."""


def plan(names: Sequence[str], flags: RunFlags) -> tuple[RunOptions, Settings]:
    """Everything that the flags, the environment and the settings file say, checked; raises `Misconfigured`."""
    limit_flags = [split_limit(text) for text in flags.limits]
    settings = load_settings(
        file=flags.config,
        environ=os.environ,
        flags=_by_path(flags),
        folder=Path.cwd(),
        limit_flags=limit_flags,
    )
    wanted = tuple(names) or settings.strategies
    if not wanted:
        raise Misconfigured("Say which strategy to run, as in 'gapless run strategies.sma_cross'; see 'gapless list'.")
    if settings.venue != "exchange" and not settings.key_id:
        raise Misconfigured(
            f"Venue {settings.venue} needs keys: set {' and '.join(KEY_VARIABLES)}, or leave --venue away to run on "
            "the embedded exchange."
        )
    _check_embedded(flags, settings)
    if settings.shadow and flags.state is not None:
        raise Misconfigured("Flag --state has no use with --shadow: what is never sent is not remembered either.")
    strategies = load_strategies(wanted, flags.sets, settings.params)
    check_limited({name for name, _, _ in limit_flags if name}, {loaded.name for loaded in strategies})
    options = build_options(settings, strategies)
    if not flags.record:
        return options, settings
    folder, frames = _recording(flags.record, strategies[0].name)
    options = evolve(options, record_dir=folder, record_frames=frames)
    return options, evolve(settings, log_file=settings.log_file or folder / "session.log")


def _recording(words: Sequence[str], first: str) -> tuple[Path, bool]:
    """The folder that ``--record`` means, and whether raw frames are recorded too; raises `Misconfigured`."""
    folders = [word for word in words if word != RAW]
    if len(folders) > 1:
        raise Misconfigured(f"Flag --record: one folder holds a session, and {len(folders)} were given: name one.")
    began = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    return Path(folders[0]) if folders else SESSIONS / f"{began}-{first}", RAW in words


def build_options(settings: Settings, strategies: tuple[LoadedStrategy, ...]) -> RunOptions:
    """The session that these settings describe."""
    return RunOptions(
        strategies=strategies,
        venue=settings.venue,
        feeds=settings.feeds,
        endpoints=settings.endpoints,
        key_id=settings.key_id,
        secret=settings.secret_key,
        for_s=settings.for_s,
        until_tape_ends=settings.until_tape_ends,
        encoding=settings.encoding,
        # Where there is no market to make the seed is of dice alone: each session's own, and kept in its manifest.
        exchange=settings.exchange if settings.venue == "exchange" else evolve(settings.exchange, seed=randbits(32)),
        tuning=settings.tuning,
        watch=settings.watch,
        state=settings.state,
        shadow=settings.shadow,
        on_kill=settings.on_kill,
        limits=settings.limits,
        strategy_limits=settings.strategy_limits,
    )


async def hold_session(options: RunOptions, settings: Settings, *, as_json: bool) -> int:
    """Run the session with its view and print its report; returns the exit code."""
    channels = alert_channels(settings)
    redact = configure_logs(
        level=settings.log_level,
        file=settings.log_file,
        secrets=secrets_beside(settings, channels),
        log_format=settings.log_format,
    )
    options = evolve(options, attached=beside_of(settings, channels))
    logs_json = settings.log_format == "json"  # then a program reads stderr: each line of it is an object
    tables = wants_tables(as_json=as_json or logs_json, isatty=sys.stderr.isatty)
    title = "gapless " + " ".join(loaded.name for loaded in options.strategies)
    view = View(title=title, live=tables, say=logger.info if logs_json else write_line)
    # With --json stdout holds one object and nothing else, whatever a strategy prints.
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        report, error = await run_with_view(evolve(options, watcher=view.watch), view)
    if as_json or report.strategies:  # a session that never began has nothing to tell but why
        print_report(report, redact, as_json=as_json, recorded=_recorded(options.record_dir))
    if error is not None:
        (logger.critical if logs_json else write_line)(f"gapless: {redact(str(error))}")
        return error.exit_code
    return exit_code(report)


async def run_with_view(options: RunOptions, view: View) -> tuple[SessionReport, GaplessError | None]:
    """Run a session beside its view; a fatal end gives the figures until then, with its error. Bugs propagate."""
    report, error = SessionReport(), None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(view.serve)
        try:
            report = await run_live(options)
        except* GaplessError as group:
            error = known_cause(group)
            report = evolve(view.latest, ended_by="error", error=str(error))
        nursery.cancel_scope.cancel()
    return report, error


def print_report(
    report: SessionReport, redact: Redactor, *, as_json: bool, recorded: Mapping[str, str] | None = None
) -> None:
    """The closing summary on stdout: one JSON object, or tables of text. ``recorded``: where, and the fingerprint."""
    if as_json:
        text = msgspec.json.encode({**report.to_json(), **({"recorded": recorded} if recorded else {})}).decode()
    else:
        text = "\n" + render_report(report)
        if recorded:
            text += f"\nRecorded in {recorded['folder']}, fingerprint {recorded['fingerprint']}"
    sys.stdout.write(redact(text) + "\n")
    sys.stdout.flush()


def _recorded(folder: Path | None) -> Mapping[str, str] | None:
    """Where a session was recorded, and the fingerprint of its decisions; ``None`` where there is none to read."""
    if folder is None:
        return None
    try:
        decisions = decisions_of(read_session(folder).records())
    except GaplessError:  # told already by what could not write it
        return None
    return {"folder": str(folder), "fingerprint": fingerprint(fingerprints(decisions))}


def exit_code(report: SessionReport) -> int:
    """What an orderly end is worth: 130 and 143 for signals, 1 if a strategy failed, else 0."""
    if report.ended_by in ("SIGINT", "SIGTERM"):
        return INTERRUPTED if report.ended_by == "SIGINT" else TERMINATED
    failed = report.ended_by == "error" or any(row.error for row in report.strategies)
    return StrategyFailed.exit_code if failed else 0


def split_limit(text: str) -> tuple[str, str, str]:
    """The strategy (empty: the account), the limit and its value; raises `Misconfigured`."""
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise Misconfigured(f"Flag --limit {text}: write it as NAME=VALUE, or STRATEGY.NAME=VALUE.")
    strategy, _, limit = name.strip().rpartition(".")
    return strategy, limit, value.strip()


def check_limited(limited: set[str], running: set[str]) -> None:
    """A limit of a strategy that does not run limits nothing, and whoever gave it believes otherwise."""
    for name in sorted(limited - running):
        raise Misconfigured(f"Flag --limit {name}: no such strategy is run; there are: {', '.join(sorted(running))}.")


def _by_path(flags: RunFlags) -> dict[str, object]:
    """The flags under the names that settings have; what was not given is ``None``."""
    endpoints = ("data_stream_url", "data_url", "trading_stream_url", "trading_url")
    plain = ("venue", "for_s", "until_tape_ends", "encoding", "log_level", "log_file", "shadow", "state")
    return {
        **{name: getattr(flags, name) for name in plain},
        **{f"endpoints.{name}": getattr(flags, name) for name in endpoints},
        **{f"exchange.{name}": getattr(flags, name) or None for name in ("tape", "symbols")},
        **{f"exchange.{name}": getattr(flags, name) for name in ("speed", "faults", "chaos", "seed", "events_per_s")},
        "feed": flags.feed or None,
        "log_format": "json" if flags.log_json else None,
        "health.port": flags.health_port,
        "web.port": flags.dashboard,
    }


def _check_embedded(flags: RunFlags, settings: Settings) -> None:
    """Flags of the embedded exchange are refused where they would be silently ignored; its files must exist."""
    given = [name for name in _EMBEDDED if getattr(flags, name) not in (None, ())]
    outside = settings.venue != "exchange" or settings.endpoints.data_stream_url is not None
    if given and outside:
        where = f"venue {settings.venue}" if settings.venue != "exchange" else "a given --data-stream-url"
        raise Misconfigured(
            f"Flag --{given[0].replace('_', '-')} steers the embedded exchange; it has no use with {where}."
        )
    if not outside:
        for path in (*settings.exchange.tape, *filter(None, (settings.exchange.faults,))):
            if not path.is_file():
                raise Misconfigured(f"The embedded exchange was given {path}, and there is no such file.")
    if settings.until_tape_ends and not outside and not settings.exchange.tape:
        raise Misconfigured("Flag --until-tape-ends: no --tape was given, so there is no end to wait for; use --for.")
