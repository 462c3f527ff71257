"""The command ``gapless``: which commands there are, and what becomes of everything that can end one.

Nothing heavy is imported before a command runs: commands are named by import path and loaded when they are called,
so ``gapless --help`` answers at once. Every ending is one of four: an exit code, a sentence of ours with its exit code,
Ctrl-C, or a bug, which is a sentence too, with the traceback in a file (``--debug`` shows it).
"""

import os
import sys
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError

USAGE: Final = 2
"""The exit code of a command line that makes no sense."""
DEBUG: Final = "--debug"

_COMMANDS: Final = (
    (
        "run",
        "engine.app.commands:run",
        "Run strategies, on the embedded exchange unless told otherwise.",
        (
            "gapless run strategies.sma_cross --for 30",
            "gapless run audit sma_cross --set audit.symbols=AAPL,BTC/USD --set sma_cross.fast=5",
            "gapless run ./mine.py:trend --venue paper --feed sip",
            "gapless run audit --tape trades.parquet --speed 0 --until-tape-ends --json",
        ),
    ),
    (
        "exchange",
        "engine.app.exchange:exchange",
        "Serve the embedded Alpaca on this machine.",
        ("gapless exchange", "gapless exchange --port 0 --json --tape trades.parquet --speed 100"),
    ),
    (
        "list",
        "engine.app.commands:list_strategies",
        "List the strategies that can be run by name, with their parameters.",
        ("gapless list", "gapless list --json"),
    ),
    (
        "new",
        "engine.app.commands:new",
        "Write NAME.py, a strategy of your own that runs at once; nothing is overwritten.",
        ("gapless new my_strategy", "gapless run ./my_strategy.py --for 10"),
    ),
    (
        "doctor",
        "engine.app.commands:doctor",
        "Check keys, plan, clock and line, and say what to do about each.",
        ("gapless doctor", "gapless doctor --venue live --feed sip --json"),
    ),
)
_KEYS: Final = "Keys come from APCA_API_KEY_ID and APCA_API_SECRET_KEY. Add --debug to see the traceback of a bug."


def _epilogue(examples: Sequence[str]) -> str:
    return "\nExamples:\n\n" + "\n".join(f"  {example}" for example in examples) + f"\n\n{_KEYS}"


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"gapless {version('gapless')}"
    except PackageNotFoundError:
        return "gapless (not installed: run from its folder)"


def build_app() -> App:
    """The commands by name; each module is imported when its command is called or asked for help."""
    app = App(
        name="gapless",
        help="A trading engine whose market data stays connected, and that says so when anything is missing.",
        help_epilogue=_epilogue([examples[0] for _, _, _, examples in _COMMANDS]),
        help_format="plaintext",
        version=_version,
        version_format="plaintext",
        backend="trio",
    )
    for name, target, help_text, examples in _COMMANDS:
        app.command(target, name=name, help=help_text, help_epilogue=_epilogue(examples))
    return app


def main(tokens: Sequence[str] | None = None) -> None:
    """The console entry: runs a command and exits with its code."""
    sys.exit(run_command(sys.argv[1:] if tokens is None else tokens))


def run_command(tokens: Sequence[str]) -> int:
    """Run one command line; returns the exit code, having told the person what ended it."""
    debug = DEBUG in tokens
    try:
        result = build_app()(
            [token for token in tokens if token != DEBUG],
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
        sys.stdout.flush()
    except CycloptsError as error:
        return _say(" ".join(str(error).split()) + f" See: gapless {_command_of(error)}--help", USAGE)
    except BrokenPipeError:
        return _reader_left()
    # The outermost frame, where every ending gets a sentence and a code; Trio has finished, so nothing is cancelled.
    except (Exception, BaseExceptionGroup, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001  # as said above
        return _ended_badly(error, debug=debug)
    return result if isinstance(result, int) else 0


def _command_of(error: CycloptsError) -> str:
    return "".join(f"{name} " for name in error.command_chain or ())


def _ended_badly(error: BaseException, *, debug: bool) -> int:
    """Tell what ended the command. Nothing is swallowed: this is the outermost frame, and it exits with a code."""
    from engine.app.failures import BUG, INTERRUPTED, bug_sentence, interrupted, keep_traceback, known_cause
    from engine.app.logs import Redactor
    from engine.app.secrets import Secret

    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if interrupted(error):
        return _say("Stopped by Ctrl-C.", INTERRUPTED)
    redact = Redactor(Secret(os.environ.get(name, "")) for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"))
    known = known_cause(error)
    if known is not None and not debug:
        return _say(redact(str(known)), known.exit_code)
    if debug:
        import traceback

        return _say(redact("".join(traceback.format_exception(error))), known.exit_code if known else BUG)
    return _say(redact(bug_sentence(error, keep_traceback(error, redact))), BUG)


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(f"gapless: {sentence.rstrip()}\n")
    return code


def _reader_left() -> int:
    """``gapless ... | head``: nobody reads any more, which is not worth a word."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the interpreter's own flush is quiet
    return 0


if __name__ == "__main__":
    main()
