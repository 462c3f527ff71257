"""The embedded Alpaca as one thing: open it, get four addresses, let it serve until the block is left.

    async with open_exchange(ExchangeOptions(symbols=("AAPL", "BTC/USD"), speed=1.0)) as exchange:
        print(exchange.data_stream_url)

Two ports: WebSocket (market data and trading stream, told apart by path) and HTTP (market data and the little of the
trading API that a data session asks for). With a fixed ``port`` they are ``port`` and ``port + 1``.
"""

import errno
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import trio
from attrs import field, frozen

from engine.errors import Misconfigured
from engine.exchange.clock import MarketClock, instant_of
from engine.exchange.faults import Fault, FaultPlan
from engine.exchange.generator import CRYPTO, EVENTS_PER_S, STOCKS, Generator
from engine.exchange.line.door import Door
from engine.exchange.line.limits import LineOptions
from engine.exchange.line.session import Keys
from engine.exchange.line.stats import Stats
from engine.exchange.line.switchboard import Switchboard
from engine.exchange.market import Market, Source
from engine.exchange.rest.server import RestServer
from engine.exchange.tape import open_tape

START: Final = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
"""A Monday, 9:30 in New York: a made market begins with the opening, and at the same moment in every run."""
LOOPBACK: Final = "127.0.0.1"


@frozen
class ExchangeOptions:
    """What to play and how.

    ``tapes`` empty: a market made from ``seed``. ``speed`` is market seconds per second, 0 as fast as it is read.
    ``keys`` empty: any keys. ``host`` other than loopback lets other machines in: nothing here is hardened for that.
    """

    symbols: tuple[str, ...] = ()
    seed: int = 1
    events_per_s: float = EVENTS_PER_S
    burst: bool = True
    """Bursts, halts and late trades; without, events are evenly spaced and exactly at the rate."""
    start: datetime | None = None
    """An aware moment at which a made market begins; ``None``: `START`. A tape has its own."""
    tapes: tuple[Path, ...] = ()
    speed: float = 1.0
    faults: Sequence[Fault] = ()
    keys: frozenset[tuple[str, str]] = frozenset()
    host: str = LOOPBACK
    port: int = 0
    line: LineOptions = field(factory=LineOptions)


@frozen
class Running:
    """An exchange that listens."""

    data_stream_url: str
    data_url: str
    trading_stream_url: str
    trading_url: str
    market: Market
    stats: Stats
    plan: FaultPlan
    switchboard: Switchboard
    rest: RestServer

    def inject(self, fault: Fault) -> None:
        """Let a fault happen now (see `engine.exchange.faults.build_fault`)."""
        self.switchboard.inject(fault)

    def urls(self) -> dict[str, str]:
        """The four addresses by the names of the settings that take them."""
        return {
            "data_stream_url": self.data_stream_url,
            "data_url": self.data_url,
            "trading_stream_url": self.trading_stream_url,
            "trading_url": self.trading_url,
        }

    def summary(self) -> dict[str, Any]:
        """What was published, served and broken so far."""
        return {
            "published": self.market.published,
            "requests": self.rest.requests,
            **self.stats.summary(),
            "faults": self.plan.summary(),
        }


@asynccontextmanager
async def open_exchange(options: ExchangeOptions, source: Source | None = None) -> AsyncIterator[Running]:
    """Serve an exchange while the block runs. ``source`` stands in for the one that the options describe.

    Raises `Misconfigured` when a port is taken or a tape cannot be read.
    """
    source = source or build_source(options)
    clock = MarketClock(source.start_ns, options.speed)
    plan = FaultPlan(options.faults, options.seed, options.speed, trio.current_time)
    board = Switchboard(clock, plan)
    market = Market(source, clock)
    market.attach(board)
    pairs = options.keys or options.line.keys.pairs
    rest = RestServer(market, plan, dict(pairs) or None)
    ws_listeners = await _listen(options.host, options.port)
    http_listeners = await _listen(options.host, options.port + 1 if options.port else 0)
    door = Door(board, _line_options(options, Keys(frozenset(pairs))))
    board.fire()
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, door.serve_connection, ws_listeners)
        await nursery.start(trio.serve_listeners, rest.serve_connection, http_listeners)
        nursery.start_soon(board.serve_moments)
        nursery.start_soon(board.serve_holes, market)
        await nursery.start(market.run)
        ws, http = _address(options.host, ws_listeners), _address(options.host, http_listeners)
        yield Running(
            f"ws://{ws}", f"http://{http}", f"ws://{ws}", f"http://{http}", market, board.stats, plan, board, rest
        )
        nursery.cancel_scope.cancel()


def build_source(options: ExchangeOptions) -> Source:
    """The market that the options describe: tapes, or one made from the seed."""
    if options.tapes:
        return open_tape(options.tapes, options.symbols)
    return Generator(
        options.seed,
        instant_of(options.start or START),
        options.symbols or (*STOCKS, *CRYPTO),
        options.events_per_s,
        options.burst,
    )


def _line_options(options: ExchangeOptions, keys: Keys) -> LineOptions:
    line = options.line
    return LineOptions(keys, line.frame_events_max, line.ping_every_s, line.pong_within_s)


async def _listen(host: str, port: int) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE or any(
            isinstance(each, OSError) and each.errno == errno.EADDRINUSE for each in _causes(error)
        )
        if taken:
            raise Misconfigured(
                f"Port {port} on {host} is taken: stop what listens there, or give another --port (0 takes a free one)."
            ) from None
        reason = error.strerror or str(error)
        raise Misconfigured(f"Cannot listen on {host}:{port}: {reason}. Give another --port.") from None


def _causes(error: BaseException) -> list[BaseException]:
    """What lies behind an error of several attempts to bind."""
    cause = error.__cause__ or error.__context__
    return list(cause.exceptions) if isinstance(cause, BaseExceptionGroup) else [cause] if cause else []


def _address(host: str, listeners: Sequence[trio.SocketListener]) -> str:
    name: Sequence[Any] = listeners[0].socket.getsockname()
    shown = LOOPBACK if host in ("0.0.0.0", "::", "") else host
    return f"{shown}:{name[1]}"
