"""One session of one strategy inside a test, and what a test wants to know of it.

The session is `run_live`, unchanged; around the strategy are only two things that a report does not hold: what its
lifecycle told, and the exception that ended it, with its traceback, because that is where the author has to look.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import trio
from attrs import define, evolve, field, frozen
from loguru import logger

from engine.app.failures import known_cause
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.app.plugins.find import find_strategy, unique_names
from engine.app.report import GapRow, SessionReport, StreamRow
from engine.errors import Misconfigured
from engine.exchange.serve import Running
from engine.flow.notices import Notices
from engine.model.control import Alarm, ControlEvent
from engine.model.market import Kind
from engine.ports import CallbackStrategy, Context, Strategy, plug
from engine.testing.inline import run_inline


@frozen
class SessionResult:
    """What a session was."""

    report: SessionReport
    """All figures, as ``gapless run --json`` prints them."""
    notices: tuple[ControlEvent, ...]
    """What happened to the lines while the strategy ran, in order: `Connected`, `Lost`, `Gap`, `Resumed` ..."""
    said: tuple[str, ...]
    """What the strategy told with ``ctx.log``."""

    @property
    def delivered(self) -> int:
        """How many events the strategy was given."""
        return sum(row.delivered for row in self.report.streams)

    @property
    def gaps(self) -> tuple[GapRow, ...]:
        """The holes that history did not fill: events the strategy never got."""
        return tuple(row for row in self.report.gaps if not row.closed)

    @property
    def mended(self) -> tuple[GapRow, ...]:
        """The holes that history filled: events the strategy got late, in their place."""
        return tuple(row for row in self.report.gaps if row.closed)

    @property
    def alarms(self) -> tuple[str, ...]:
        """What a person should have been told at once."""
        return tuple(notice.message for notice in self.notices if isinstance(notice, Alarm))

    @property
    def failures(self) -> Mapping[str, str]:
        """The strategies that failed, with the sentence each ended with."""
        return {row.name: row.error for row in self.report.strategies if row.error}

    @property
    def reconnects(self) -> int:
        """How often a line was opened again."""
        return sum(row.restarts for row in self.report.feeds)

    def stream(self, kind: Kind | str, symbol: str) -> StreamRow:
        """The figures of one stream that the strategy subscribed to; raises ``KeyError``."""
        for row in self.report.streams:
            if (row.kind, row.symbol) == (kind, symbol):
                return row
        told = ", ".join(f"{row.kind} of {row.symbol}" for row in self.report.streams) or "none at all"
        raise KeyError(f"no stream of {kind} of {symbol} was subscribed to; there were {told}")


@define
class _Observed:
    """What was seen from beside the strategy."""

    notices: list[ControlEvent] = field(factory=list)
    said: list[str] = field(factory=list)
    error: BaseException | None = None

    def around(self, strategy: Strategy) -> Strategy:
        """The same strategy, watched."""

        async def run(ctx: Context, *params: Any) -> None:
            async with ctx.lifecycle() as notices:
                try:
                    await strategy.run(ctx, *params)
                except (Exception, BaseExceptionGroup) as error:  # other people's code: whatever it raises
                    self.error = _without_cancels(error)
                    raise
                finally:
                    self._take(notices)

        return evolve(strategy, run=run)

    def _take(self, notices: Any) -> None:
        assert isinstance(notices, Notices), "a lifecycle is a channel of notices"
        while notices.has_events():
            self.notices.append(notices.take_nowait())

    @contextmanager
    def listen(self, name: str) -> Iterator[None]:
        """Keep what the strategy of this name tells while the block runs."""
        sink = logger.add(
            lambda message: self.said.append(str(message).rstrip("\n").removeprefix(f"{name}: ")),
            level="INFO",
            format="{message}",
            filter=lambda record: record["extra"].get("strategy") == name,
        )
        try:
            yield
        finally:
            logger.remove(sink)


def _without_cancels(error: BaseException) -> BaseException | None:
    """What was raised beside the session's own cancelling, which must not leave it."""
    return error.split(trio.Cancelled)[1] if isinstance(error, BaseExceptionGroup) else error


async def run_session(
    exchange: Running,
    options: RunOptions,
    strategy: Strategy | type[CallbackStrategy] | str,
    params: Mapping[str, Any] | Any,
    *,
    may_fail: bool,
) -> SessionResult:
    """Run one strategy with everything else as ``options`` say; see `SimulatedExchange.run`."""
    found = find_given(strategy)
    seen = _Observed()
    (name,) = unique_names([found])
    loaded = LoadedStrategy(seen.around(found), make_params(found, params), name)
    with seen.listen(found.name):
        report = await _run(evolve(options, strategies=(loaded,)), exchange)
    if report.ended_by in ("SIGINT", "SIGTERM"):
        raise KeyboardInterrupt  # the session took Ctrl-C for itself; it was meant for the tests
    if seen.error is not None and not may_fail and any(row.error for row in report.strategies):
        raise seen.error
    return SessionResult(report, tuple(seen.notices), tuple(seen.said))


async def _run(options: RunOptions, exchange: Running) -> SessionReport:
    """A session whose error, if it has one, is not in a group."""
    try:
        return await run_live(options, exchange=exchange, run_sync=run_inline)
    except BaseExceptionGroup as group:
        cause = known_cause(group)
        if cause is None:
            raise
        raise cause from group


def find_given(given: Strategy | type[CallbackStrategy] | str) -> Strategy:
    """The strategy that a test names: what ``@strategy`` made, a class, or a name."""
    if isinstance(given, str):
        return find_strategy(given)
    return plug(given) if isinstance(given, type) else given


def make_params(strategy: Strategy, given: Mapping[str, Any] | Any) -> Any:
    """The parameters as the strategy declares them, from an instance or from names and values."""
    if strategy.params is None:
        if given:
            raise Misconfigured(f"Strategy {strategy.name} takes no parameters, and was given {given!r}.")
        return None
    if given is not None and not isinstance(given, Mapping):
        return given
    try:
        return strategy.params(**(given or {}))
    except (TypeError, ValueError) as error:
        raise Misconfigured(f"Strategy {strategy.name} refuses its parameters: {error}.") from None
