"""Where log lines go: the terminal, and a file that is turned over by size and forgotten by age.

loguru prints the values of variables in tracebacks unless told otherwise (``diagnose``), so that is off, and secrets
are removed where the finished line is written. The sinks are plain functions: coroutine sinks deliver nothing under
Trio, silently. Standard-library loggers (httpx, trio-websocket) are let through from WARNING up; httpx tells whole
URLs at INFO. What a sink raises would be printed by loguru with the line as it was, secrets and all: so they raise
nothing.
"""

import logging
import logging.handlers
import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loguru import logger

from engine.app.config.choices import LogFormat
from engine.app.logs.lines import FILE, TERMINAL, add_task, render_json
from engine.app.logs.redact import Redactor, stand
from engine.app.secrets import Secret, secrets_of
from engine.errors import Misconfigured

if TYPE_CHECKING:
    from loguru import Message

FILE_BYTES_MAX: Final = 10_000_000
"""A log file is turned over at this size: about a day of a noisy session."""
FILES_MAX: Final = 5
"""Older log files beyond this many are deleted, so logs take 60 MB at most."""
AGE_DAYS_MAX: Final = 30
"""Files that were turned over longer ago are deleted: what they tell of is settled, and broker statements last."""
_DAY_S: Final = 86_400
_LEVELS: Final = ((logging.CRITICAL, "CRITICAL"), (logging.ERROR, "ERROR"), (logging.WARNING, "WARNING"), (0, "DEBUG"))
"""What levels of the standard library are here, from the highest; libraries may have names of their own between."""


def configure_logs(
    *,
    level: str = "info",
    file: Path | None = None,
    secrets: Iterable[Secret[str] | None] = (),
    log_format: LogFormat = "text",
) -> Redactor:
    """Set up every sink of this process; called once, by the command line, before a session starts.

    ``secrets`` are those beside the environment's. ``level`` is for the terminal; a file gets everything from DEBUG up.
    ``log_format`` is of both. Raises `Misconfigured` when the file cannot be written. The redactor is returned for text
    that reaches people by other ways (the closing report, ``--json``).
    """
    redact = Redactor([*secrets, *secrets_of(os.environ)])
    stand(redact)
    as_json = log_format == "json"

    def to_terminal(message: "Message") -> None:
        line = render_json(message.record, redact) + "\n" if as_json else redact(str(message))
        with suppress(OSError, ValueError):  # nobody reads it any more
            sys.stderr.write(line)  # looked up each time: the live view swaps it while it is on

    to_file = None if file is None else _ToFile(_open_file(file), redact, as_json=as_json)
    colour = sys.stderr.isatty()
    logger.remove()
    logger.configure(patcher=add_task)
    logger.add(to_terminal, level=level.upper(), format=TERMINAL, colorize=colour, backtrace=False, diagnose=False)
    if to_file is not None:
        logger.add(to_file, level="DEBUG", format=FILE, colorize=False, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.WARNING, force=True)
    logging.getLogger("stamina").setLevel(logging.ERROR)  # whoever asks again says so in a sentence of its own
    return redact


class TurnedFile(logging.handlers.RotatingFileHandler):
    """The log file: finished lines, turned over at `FILE_BYTES_MAX`, old files forgotten by number and by age."""

    failed = False

    def doRollover(self) -> None:  # noqa: N802 - the standard library's name
        """Begin a new file."""
        super().doRollover()
        self.forget_old()

    def forget_old(self) -> None:
        """Delete what was turned over longer ago than `AGE_DAYS_MAX`."""
        oldest_s = time.time() - AGE_DAYS_MAX * _DAY_S
        current = Path(self.baseFilename)
        for number in range(1, FILES_MAX + 1):
            turned = current.with_name(f"{current.name}.{number}")
            with suppress(OSError):
                if turned.stat().st_mtime < oldest_s:
                    turned.unlink()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as above
        """The disk refuses: said once, in place of a traceback for each line."""
        if not self.failed:
            self.failed = True
            with suppress(OSError, ValueError):
                sys.stderr.write(f"gapless: the log file {self.baseFilename} cannot be written any more.\n")


class _ToFile:
    """A sink that loguru closes."""

    def __init__(self, file: TurnedFile, redact: Redactor, *, as_json: bool) -> None:
        self._file, self._redact, self._as_json = file, redact, as_json

    def write(self, message: "Message") -> None:
        line = render_json(message.record, self._redact) if self._as_json else self._redact(str(message)).rstrip("\n")
        self._file.emit(logging.makeLogRecord({"msg": line}))

    def stop(self) -> None:
        with suppress(OSError):  # what could not be written was told
            self._file.close()


def _open_file(file: Path) -> TurnedFile:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        opened = TurnedFile(
            file, maxBytes=FILE_BYTES_MAX, backupCount=FILES_MAX, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        raise Misconfigured(
            f"Log file {file} cannot be written: {error.strerror}; choose another --log-file."
        ) from None
    opened.forget_old()
    return opened


class _ToLoguru(logging.Handler):
    """What libraries log with the standard library, into the same sinks."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = record.getMessage()
        except Exception:  # noqa: BLE001 - the standard library prints such a mistake; here it ends no strategy either
            said = f"{record.msg} {record.args}"
        level = next(name for least, name in _LEVELS if record.levelno >= least)
        logger.opt(exception=record.exc_info).log(level, f"{record.name}: {said}")
