"""The exchange of the ``live_exchange`` fixture: real sockets on loopback, in real time, in a thread of its own.

The thread is what makes one fixture serve everybody: a synchronous SDK in a plain test, an asyncio client, a program in
another process. Whatever the test does or blocks, the exchange goes on.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import trio

from engine.exchange.serve import ExchangeOptions, Running, open_exchange
from engine.testing.exchange import Exchange

T = TypeVar("T")

START_WITHIN_S: Final = 30.0
"""Listening takes milliseconds; a large tape takes seconds to open, and a machine that tests in parallel is slow."""
STOP_WITHIN_S: Final = 10.0
"""The longest that a connection of the exchange holds on to anything is two seconds."""
ANSWER_WITHIN_S: Final = 10.0
"""A question is answered between two batches of the market."""


class ExchangeStuck(RuntimeError):
    """The thread of a live exchange did not start, answer or stop in time, or is gone."""


class _Thread:
    """A Trio run beside the test, with one exchange in it."""

    def __init__(self, options: ExchangeOptions, clock: trio.abc.Clock | None) -> None:
        self._options = options
        self._clock = clock
        self._opened: Future[tuple[Running, trio.lowlevel.TrioToken, trio.CancelScope]] = Future()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="live exchange", daemon=True)

    def _run(self) -> None:
        try:
            trio.run(self._serve, clock=self._clock)
        except BaseException as failure:  # noqa: ASYNC103, BLE001 - handed to the test, in its own thread
            self._failure = failure
            if not self._opened.done():
                self._opened.set_exception(failure)

    async def _serve(self) -> None:
        with trio.CancelScope() as scope:
            async with open_exchange(self._options) as running:
                self._opened.set_result((running, trio.lowlevel.current_trio_token(), scope))
                await trio.sleep_forever()

    def start(self) -> Running:
        """Start, and return the exchange when it listens; raises what opening it raised."""
        self._thread.start()
        try:
            return self._opened.result(START_WITHIN_S)[0]
        except FutureTimeout:
            raise ExchangeStuck(f"The exchange did not listen within {START_WITHIN_S:g} s.") from None

    def ask(self, function: Callable[[], T], /) -> T:
        """Run a function in the exchange's thread, between two of its steps, and return what it returns."""
        answer: Future[T] = Future()

        def call() -> None:
            try:
                answer.set_result(function())
            except Exception as error:  # noqa: BLE001 - it is raised where the question was asked
                answer.set_exception(error)

        try:
            self._opened.result(0)[1].run_sync_soon(call)
            return answer.result(ANSWER_WITHIN_S)
        except trio.RunFinishedError:
            raise ExchangeStuck(f"The exchange has ended{self._why()}.") from self._failure
        except FutureTimeout:
            raise ExchangeStuck(f"The exchange did not answer within {ANSWER_WITHIN_S:g} s{self._why()}.") from None

    def stop(self) -> None:
        """End it; raises what ended it before."""
        if self._opened.done() and self._opened.exception() is None:
            _, token, scope = self._opened.result(0)
            with suppress(trio.RunFinishedError):  # it ended by itself; why is raised below
                token.run_sync_soon(scope.cancel)
        self._thread.join(STOP_WITHIN_S)
        if self._thread.is_alive():
            raise ExchangeStuck(f"The exchange did not stop within {STOP_WITHIN_S:g} s.")
        if self._failure is not None:
            raise ExchangeStuck(f"The exchange has ended{self._why()}.") from self._failure

    def _why(self) -> str:
        return f" with {type(self._failure).__name__}: {self._failure}" if self._failure else ""


@contextmanager
def open_live(options: ExchangeOptions, *, clock: trio.abc.Clock | None = None) -> Iterator[Exchange]:
    """Serve an exchange on free loopback ports while the block runs. Raises `Misconfigured`, `ExchangeStuck`.

    ``clock`` is what its thread lives by in place of the machine's: one that runs faster shortens what is waited for.
    """
    thread = _Thread(options, clock)
    running = thread.start()
    try:
        yield Exchange(running, options, thread.ask)
    finally:
        thread.stop()
