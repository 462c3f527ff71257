"""The pytest plug-in: the fixtures ``exchange``, ``live_exchange`` and ``golden``, and the marker of what is played.

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
    from engine.app.replay.options import Replayed
    from engine.exchange.serve import ExchangeOptions
    from engine.testing.exchange import Exchange
    from engine.testing.simulated import SimulatedExchange

MARKER: Final = "exchange"
OURS: Final = "_simulated_options"
"""In the fixtures of a test exactly if it uses our ``exchange``, whatever else bears that name."""


NOBODYS: Final[pytest.StashKey[list[str]]] = pytest.StashKey()
UNUSED: Final = "golden_unused"
"""The key under which a worker of xdist tells the main process of golden files that no test uses."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update-golden``."""
    group = parser.getgroup("gapless")
    group.addoption("--update-golden", action="store_true", help="write the golden files that differ or are missing")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, for ``--strict-markers``."""
    config.stash[NOBODYS] = []
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

    from engine.flow.replay.scheduler import sealed_scheduling

    options = cast("ExchangeOptions", item.funcargs[OURS])
    jumping = clock or trio.testing.MockClock(autojump_threshold=0)
    try:
        with sealed_scheduling(options.seed):
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


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[["Replayed"], None]:
    """Compare what came of a replay with what it came to when ``--update-golden`` wrote it down."""
    from engine.testing.golden.keeping import GoldenFixture

    return GoldenFixture(request)


def pytest_collection_finish(session: pytest.Session) -> None:
    """See which golden files no test uses; only where all tests of their folders were collected."""
    if not any("golden" in getattr(item, "fixturenames", ()) for item in session.items):
        return
    from engine.testing.golden.keeping import unused, whole_run

    if whole_run(session.config):
        session.config.stash[NOBODYS] = unused(session.items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist tells the main process, which has collected nothing itself."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[UNUSED] = session.config.stash[NOBODYS]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """xdist's: a worker has ended; all of them have collected the same tests."""
    node.config.stash[NOBODYS] = list(getattr(node, "workeroutput", {}).get(UNUSED, ()))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which golden files were written, and which belong to no test."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    told = {path for one in reports for name, path in getattr(one, "user_properties", ()) if name == "golden written"}
    nobodys: list[str] = config.stash[NOBODYS]
    if told or nobodys:
        from engine.testing.golden.keeping import tell

        tell(terminalreporter, sorted(told), nobodys)
