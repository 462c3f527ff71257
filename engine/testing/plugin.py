"""The pytest plug-in: the fixtures ``exchange`` and ``live_exchange``, and the marker that says what they play.

pytest loads this module wherever gapless is installed, also in projects that never heard of it. So it imports neither
Trio nor the exchange until one of its fixtures is used, and it acts on no test that does not use one, even where a
project has a fixture of its own that is called ``exchange``.

A test that uses ``exchange`` needs three things that are easy to forget: to be run by Trio, on a mock clock that jumps,
with seeded scheduling. pytest-trio has a door for all of them, the ``run=`` of its marker, and the plug-in goes through
it; so such a test is ``async def test_x(exchange)`` and nothing more.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

if TYPE_CHECKING:
    from engine.exchange.serve import ExchangeOptions
    from engine.testing.exchange import Exchange
    from engine.testing.simulated import SimulatedExchange

MARKER: Final = "exchange"
OURS: Final = "_simulated_options"
"""In the fixtures of a test exactly if it uses our ``exchange``, whatever else bears that name."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, for ``--strict-markers``."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(symbols=, seed=, speed=, faults=, chaos=, ...): what the exchange of this test plays (TESTING.md)",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have a test that uses ``exchange`` run by Trio on a virtual clock, with or without ``trio_mode``."""
    ours = OURS in getattr(item, "fixturenames", ()) and inspect.iscoroutinefunction(getattr(item, "obj", None))
    if ours and isinstance(item, pytest.Function) and item.config.pluginmanager.hasplugin("trio"):
        item.add_marker(pytest.mark.trio(run=partial(_run_in_virtual_time, item)), append=False)


def _run_in_virtual_time(
    item: pytest.Function, test: Callable[[], Any], *, clock: Any = None, instruments: Sequence[Any] = ()
) -> Any:
    """What pytest-trio calls in place of ``trio.run``."""
    __tracebackhide__ = True
    import trio
    import trio.testing

    from engine.testing.schedule import seeded_scheduling

    options = cast("ExchangeOptions", item.funcargs[OURS])
    jumping = clock or trio.testing.MockClock(autojump_threshold=0)
    try:
        with seeded_scheduling(options.seed):
            return trio.run(test, clock=jumping, instruments=instruments)
    except BaseExceptionGroup as group:
        # A failed assertion in a nursery of pytest-trio: show the assertion, and let a skip keep its reason.
        if len(group.exceptions) == 1 and not isinstance(group.exceptions[0], BaseExceptionGroup):
            raise group.exceptions[0] from None  # noqa: ASYNC123 - the group adds nothing to it
        raise


@pytest.fixture
def exchange_options() -> Mapping[str, Any]:
    """What every exchange plays that has no marker to say so: override it in a ``conftest.py`` or a test file."""
    return {}


@pytest.fixture
def _simulated_options(request: pytest.FixtureRequest, exchange_options: Mapping[str, Any]) -> "ExchangeOptions":
    if not request.config.pluginmanager.hasplugin("trio"):
        pytest.fail("The fixture 'exchange' needs pytest-trio: install it, or use 'live_exchange'.", pytrace=False)
    if not inspect.iscoroutinefunction(request.function):
        pytest.fail(
            f"The fixture 'exchange' lives in virtual time: write 'async def {request.function.__name__}', without "
            "@given; or use 'live_exchange', which serves plain functions too.",
            pytrace=False,
        )
    return _options(request, exchange_options)


@pytest.fixture
async def exchange(_simulated_options: "ExchangeOptions") -> AsyncIterator["SimulatedExchange"]:
    """An Alpaca on a virtual network and a virtual clock; strategies run against it with ``exchange.run``."""
    from engine.testing.simulated import open_simulated

    async with open_simulated(_simulated_options) as opened:
        yield opened


@pytest.fixture
def live_exchange(request: pytest.FixtureRequest, exchange_options: Mapping[str, Any]) -> Iterator["Exchange"]:
    """An Alpaca on loopback sockets, in real time and in a thread of its own, for any client in any test."""
    from engine.errors import Misconfigured
    from engine.testing.live import open_live

    try:
        opening = open_live(_options(request, exchange_options))
        with opening as opened:
            yield opened
    except Misconfigured as error:
        pytest.fail(str(error), pytrace=False)


def _options(request: pytest.FixtureRequest, given: Mapping[str, Any]) -> "ExchangeOptions":
    """The options fixture, and over it the markers, the closest one last."""
    from engine.errors import Misconfigured
    from engine.testing.options import build_options

    words = dict(given)
    for marker in reversed(list(request.node.iter_markers(MARKER))):
        if marker.args:
            pytest.fail(f"@pytest.mark.{MARKER} takes names and values, as in (symbols=('SPY',)).", pytrace=False)
        words |= marker.kwargs
    try:
        return build_options(words)
    except Misconfigured as error:
        pytest.fail(f"{request.node.name}: {error}", pytrace=False)
