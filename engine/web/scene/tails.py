"""The last lines that each strategy told, kept for the page of the strategies."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any, Final

from attrs import define, field
from loguru import logger

LINES_MAX: Final = 60
"""Of a strategy: what fits a screen, and some to scroll."""
LINE_CHARS_MAX: Final = 400
"""Of a line; a strategy that logs a table is cut short here, and not in the log."""


@define(eq=False)
class Tails:
    """``redact`` takes secrets out of a line, as it does for the log."""

    names: Iterable[str]
    redact: Callable[[str], str]
    _lines: dict[str, deque[str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._lines = {name: deque(maxlen=LINES_MAX) for name in self.names}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep what strategies tell while the block runs."""
        sink = logger.add(self._take, level="INFO", format="{message}", filter=self._ours)
        try:
            yield
        finally:
            logger.remove(sink)

    def of(self, strategy: str) -> tuple[str, ...]:
        """The lines of one strategy, oldest first."""
        return tuple(self._lines.get(strategy, ()))

    def _ours(self, record: Any) -> bool:
        return record["extra"].get("strategy") in self._lines

    def _take(self, message: Any) -> None:
        record = message.record
        name = record["extra"]["strategy"]
        text = self.redact(record["message"].removeprefix(f"{name}: "))[:LINE_CHARS_MAX]
        self._lines[name].append(f"{record['time'].astimezone(UTC):%H:%M:%S} {text}")
