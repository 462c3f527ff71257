"""What all tests with Alpaca's SDK share: running its streams, hearing what they hear, and waiting for something.

The SDK is synchronous, or runs asyncio in a thread; so the exchange of these tests is on real loopback sockets.
"""

import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, TypeAlias

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the SDK imports websockets.legacy
    from alpaca.data.live import CryptoDataStream, NewsDataStream, OptionDataStream, StockDataStream
    from alpaca.trading.stream import TradingStream

AnyStream: TypeAlias = StockDataStream | CryptoDataStream | OptionDataStream | NewsDataStream | TradingStream

WITHIN_S: Final = 20.0
"""Everything waited for comes within a second or two; a machine that tests in parallel is slow."""
POLL_S: Final = 0.01


class Told:
    """What a handler was given so far. Filled in the thread of a stream, read in that of the test."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.then: list[Callable[[], Awaitable[None]]] = []
        """What the handler does in the stream's own thread after its next row, once."""
        self._changed = threading.Condition()

    def add(self, row: Any) -> None:
        """Note something."""
        with self._changed:
            self.rows.append(row)
            self._changed.notify_all()

    async def take(self, row: Any) -> None:
        """The handler."""
        self.add(row)
        while self.then:
            await self.then.pop()()

    def wait(self, enough: Callable[[Sequence[Any]], bool], what: str) -> list[Any]:
        """Everything, once it is enough; fails after a while."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self.rows), WITHIN_S), f"{what}: not in {self.rows[-5:]}"
            return list(self.rows)


def poll(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so that nobody tells of; fails after a while."""
    ends, pause = time.monotonic() + WITHIN_S, threading.Event()
    while not condition():
        assert time.monotonic() < ends, f"{what}: not within {WITHIN_S:g} s"
        pause.wait(POLL_S)


@contextmanager
def run_stream(stream: AnyStream) -> Iterator[None]:
    """Run a stream in a thread; the block has it end, by `stop` or otherwise."""
    thread = threading.Thread(target=stream.run, name=type(stream).__name__, daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        stream.stop()  # or it goes on in the next test
        raise
    thread.join(WITHIN_S)
    assert not thread.is_alive(), f"{type(stream).__name__} did not stop"


@pytest.fixture(scope="session")
def ear() -> type[Told]:
    """What hears: `Told`."""
    return Told


@pytest.fixture
def told() -> Told:
    """What one stream hears."""
    return Told()


@pytest.fixture(scope="session")
def started() -> Callable[[AnyStream], AbstractContextManager[None]]:
    """`run_stream`."""
    return run_stream


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], bool], str], None]:
    """`poll`."""
    return poll
