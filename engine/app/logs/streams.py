"""What strategies print, without secrets: their ``print`` and ``traceback.print_exc`` go past every logger."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, Final, TextIO, cast

LINE_CHARS_MAX: Final = 65_536
"""More than this without an end of line is told all the same."""


class RedactedStream:
    """A text stream that holds back a line until it is whole or flushed, and then writes it without secrets."""

    def __init__(self, stream: TextIO, redact: Callable[[str], str]) -> None:
        self._stream, self._redact, self._held = stream, redact, ""

    def write(self, text: str) -> int:
        """Take text; whole lines are written at once."""
        lines, end, rest = (self._held + text).rpartition("\n")
        if len(rest) > LINE_CHARS_MAX:
            lines, end, rest = lines + end + rest, "", ""
        self._held = rest
        if lines or end:
            self._stream.write(self._redact(lines) + end)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Take several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is held back."""
        held, self._held = self._held, ""
        if held:
            self._stream.write(self._redact(held))
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def redacted_streams(redact: Callable[[str], str]) -> Iterator[None]:
    """While the block runs, nothing that is printed holds a secret."""
    out, err = (cast("TextIO", RedactedStream(stream, redact)) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        try:
            yield
        finally:
            out.flush()
            err.flush()
