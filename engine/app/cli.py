"""The command ``gapless``: which commands there are, and what becomes of everything that can end one.

Nothing heavy is imported before a command runs, so ``gapless --help`` answers at once. Every ending is one of four: an
exit code, a sentence of ours with its exit code, Ctrl-C, or a bug, which is a sentence too, with the traceback in a
file (``--debug`` shows it).
"""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import click

from engine.app import alerts, commands, kill, lint, postmortem, record, replay, simulate, top, verify
from engine.app.parsing import CONTEXT, Job, build_command, write_examples

USAGE: Final = 2
"""The exit code of a command line that makes no sense."""
DEBUG: Final = "--debug"

_COMMANDS: Final = (
    (
        "run",
        commands.run,
        "Run strategies, on the embedded exchange unless told otherwise.",
        (
            "gapless run strategies.sma_cross --for 30",
            "gapless run audit sma_cross --set audit.symbols=SPY --set sma_cross.fast=5",
            "gapless run ./mine.py:trend --venue paper --feed sip",
            "gapless run audit --tape trades.parquet --speed 0 --until-tape-ends --json",
        ),
    ),
    (
        "exchange",
        commands.exchange,
        "Serve the embedded Alpaca on this machine.",
        ("gapless exchange", "gapless exchange --port 0 --json --tape trades.parquet --speed 100"),
    ),
    (
        "list",
        commands.list_strategies,
        "List the strategies that can be run by name, with their parameters.",
        ("gapless list", "gapless list --json"),
    ),
    (
        "new",
        commands.new,
        "Write NAME.py, a strategy of your own that runs at once; nothing is overwritten.",
        ("gapless new my_strategy", "gapless run ./my_strategy.py --for 10"),
    ),
    (
        "doctor",
        commands.doctor,
        "Check keys, plan, clock and line, and say what to do about each.",
        ("gapless doctor", "gapless doctor --venue live --feed sip --json"),
    ),
    *alerts.COMMANDS,
    *kill.COMMANDS,
    *lint.COMMANDS,
    *postmortem.COMMANDS,
    *record.COMMANDS,
    *replay.COMMANDS,
    *simulate.COMMANDS,
    *top.COMMANDS,
    *verify.COMMANDS,
)
_KEYS: Final = "Keys come from APCA_API_KEY_ID and APCA_API_SECRET_KEY. Add --debug to see the traceback of a bug."


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"gapless {version('gapless')}"
    except PackageNotFoundError:
        return "gapless (not installed: run from its folder)"


class _Commands(click.Group):
    """All commands, with an example of each."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The first example of each command, and where keys come from."""
        write_examples(formatter, [examples[0] for _, _, _, examples in _COMMANDS], _KEYS)


def _tell_version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(_version())
        ctx.exit()


def build_app() -> click.Group:
    """The commands by name. Parsing a line with them runs nothing: see `read_line`."""
    app = _Commands(
        "gapless",
        help="A trading engine whose market data stays connected, and that says so when anything is missing.",
        context_settings=CONTEXT,
        subcommand_metavar="COMMAND ...",
    )
    for name, function, help_text, examples in _COMMANDS:
        app.add_command(build_command(name, function, help_text, examples, _KEYS))
    for command in (app, *app.commands.values()):
        command.params.append(
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                hidden=command is not app,
                callback=_tell_version,
                help="Show the version and exit.",
            )
        )
    return app


def read_line(tokens: Sequence[str]) -> Job:
    """What a command line asks for, ready to be called; raises `click.UsageError` for one that makes no sense.

    Help and version are told here, and then there is nothing left to do.
    """
    try:
        with build_app().make_context("gapless", list(tokens) or ["--help"]) as ctx:
            job: Job = ctx.command.invoke(ctx)
    except click.exceptions.Exit:
        return lambda: 0
    return job


def main(tokens: Sequence[str] | None = None) -> None:
    """The console entry: runs a command and exits with its code."""
    code = run_command(sys.argv[1:] if tokens is None else tokens)
    # All is told, and only the interpreter has to end: a second Ctrl-C now would put an exit code of its own on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def run_command(tokens: Sequence[str]) -> int:
    """Run one command line; returns the exit code, having told the person what ended it."""
    debug = DEBUG in tokens
    try:
        with _guarded():
            code = read_line([token for token in tokens if token != DEBUG])()
            sys.stdout.flush()
    except click.UsageError as error:
        return _say(_usage_sentence(error), USAGE)
    except BrokenPipeError:
        return _reader_left()
    # The outermost frame, where every ending gets a sentence and a code; Trio has finished, so nothing is cancelled.
    except (Exception, BaseExceptionGroup, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001  # as said above
        return _ended_badly(error, debug=debug)
    return code


def _guarded() -> AbstractContextManager[None]:
    """Nothing that is printed holds a secret, whoever prints it: strategies are other people's code."""
    from engine.app.secrets import secrets_of

    if not secrets_of(os.environ):
        return nullcontext()
    from engine.app.logs.redact import redacted
    from engine.app.logs.streams import redacted_streams

    return redacted_streams(redacted)


def _usage_sentence(error: click.UsageError) -> str:
    said = " ".join(error.format_message().split())
    where = error.ctx.command_path if error.ctx is not None else "gapless"
    return f"{said}{'' if said.endswith(('.', '?')) else '.'} See: {where} --help"


def _ended_badly(error: BaseException, *, debug: bool) -> int:
    """Tell what ended the command. Nothing is swallowed: this is the outermost frame, and it exits with a code."""
    from engine.app.failures import BUG, INTERRUPTED, bug_sentence, interrupted, keep_traceback, known_cause
    from engine.app.logs import Redactor
    from engine.app.secrets import secrets_of

    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if interrupted(error):
        return _say("Stopped by Ctrl-C.", INTERRUPTED)
    from engine.app.alerts.channels import secrets_in

    redact = Redactor((*secrets_of(os.environ), *secrets_in(os.environ.get("GAPLESS_ALERT_URLS", ""))))
    known = known_cause(error)
    if known is not None and not debug:
        return _say(redact(str(known)), known.exit_code)
    if debug:
        import traceback

        return _say(redact("".join(traceback.format_exception(error))), known.exit_code if known else BUG)
    return _say(bug_sentence(error, keep_traceback(error, redact), redact), BUG)


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(f"gapless: {sentence.rstrip()}\n")
    return code


def _reader_left() -> int:
    """``gapless ... | head``: nobody reads any more, which is not worth a word."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the interpreter's own flush is quiet
    return 0


if __name__ == "__main__":
    main()
