"""Logging, configured in this one place, and never with a secret in it.

loguru prints the values of variables in tracebacks unless told otherwise (``diagnose``), and a patcher cannot reach
the text of an exception, so secrets are removed where the finished line is written: by value (every configured
secret) and by shape (login headers, key ids). The sinks are plain functions: coroutine sinks deliver nothing under
Trio, silently. Standard-library loggers (httpx, trio-websocket) are let through from WARNING up; httpx tells whole
URLs at INFO.
"""

import logging
import logging.handlers
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from loguru import logger

from engine.app.secrets import MASK, Secret
from engine.errors import Misconfigured

FILE_BYTES_MAX: Final = 10_000_000
"""A log file is turned over at this size: about a day of a noisy session."""
FILES_MAX: Final = 5
"""Older log files beyond this many are deleted, so logs take 60 MB at most."""
SECRET_LENGTH_MIN: Final = 4
"""Shorter texts are not removed by value: masking every "a" would leave no log to read."""

_SHAPES: Final = (
    # Authorization: Bearer xyz, APCA-API-SECRET-KEY: xyz, and the same in a dict's repr or in JSON
    re.compile(
        r"(?i)((?:authorization|apca-api-(?:key-id|secret-key))['\"]?\s*[:=,]\s*)(?:b?['\"])?(?:(?:bearer|basic)\s+)?[^\s'\",}\]]+"
    ),
    # {"action":"auth","key":"...","secret":"..."}, key_id=..., secret_key='...'
    re.compile(r"(?i)(['\"](?:key|secret|key_id|secret_key|token|password)['\"]\s*:\s*)['\"][^'\"]*['\"]"),
    re.compile(r"(?i)(\b(?:secret|key_id|secret_key|token|password)=)(?!Secret\()['\"]?[^\s'\",)}\]]+"),
    re.compile(r"()\b[PAC]K[A-Z0-9]{16,24}\b"),  # a key id of Alpaca: paper, live, broker
    re.compile(r"(\w+://)[^\s/@:]+:[^\s/@]+(?=@)"),  # a login in an address
)
_FORMAT: Final = "<dim>{time:HH:mm:ss.SSS}</dim> <level>{level: <7}</level> <level>{message}</level>"
_FILE_FORMAT: Final = "{time:YYYY-MM-DDTHH:mm:ss.SSSZZ} {level: <7} {name}:{line} {message}"


class Redactor:
    """Removes secrets from finished text, by value and by shape."""

    def __init__(self, secrets: Iterable[Secret[str] | None] = ()) -> None:
        values = {secret.reveal() for secret in secrets if secret}
        # The longest first, so that a secret that contains another is removed whole.
        self._values = sorted((v for v in values if len(v) >= SECRET_LENGTH_MIN), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, MASK)
        for shape in _SHAPES:
            text = shape.sub(rf"\g<1>{MASK}", text)
        return text


def configure_logs(
    *, level: str = "info", file: Path | None = None, secrets: Iterable[Secret[str] | None] = ()
) -> Redactor:
    """Set up every sink of this process; called once, by the command line, before a session starts.

    ``level`` is for the terminal; a file gets everything from DEBUG up. Raises `Misconfigured` when the file cannot
    be written. The redactor is returned for text that reaches people by other ways (the closing report, ``--json``).
    """
    redact = Redactor(secrets)

    def to_terminal(message: Any) -> None:
        sys.stderr.write(redact(str(message)))  # looked up each time: the live view swaps it while it is on

    colour = sys.stderr.isatty()
    logger.remove()
    logger.add(to_terminal, level=level.upper(), format=_FORMAT, colorize=colour, backtrace=False, diagnose=False)
    if file is not None:
        handler = _open_file(file, redact)
        logger.add(handler, level="DEBUG", format=_FILE_FORMAT, colorize=False, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.WARNING, force=True)
    return redact


class _RedactingFormatter(logging.Formatter):
    """The last hand on a line before the file, exception text included."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record)).rstrip("\n")


def _open_file(file: Path, redact: Redactor) -> logging.Handler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            file, maxBytes=FILE_BYTES_MAX, backupCount=FILES_MAX, encoding="utf-8"
        )
    except OSError as error:
        raise Misconfigured(
            f"Log file {file} cannot be written: {error.strerror}; choose another --log-file."
        ) from None
    handler.setFormatter(_RedactingFormatter(redact))
    return handler


class _ToLoguru(logging.Handler):
    """What libraries log with the standard library, into the same sinks."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelno >= logging.WARNING else "DEBUG"
        logger.opt(exception=record.exc_info).log(level, f"{record.name}: {record.getMessage()}")
