"""The embedded Alpaca as one thing: open it, get its addresses, let it serve until the block is left.

    async with open_exchange(ExchangeOptions(symbols=("AAPL", "BTC/USD"), speed=1.0)) as exchange:
        print(exchange.data_stream_url)

One port for all of it: market data and trading, REST and streams, told apart by path (`engine.exchange.front`).
"""

import errno
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import trio
from attrs import evolve, field, frozen

from engine.core.matching.ledger import AccountTerms
from engine.core.matching.models import MODELS, FillModel
from engine.errors import Misconfigured
from engine.exchange.clock import MarketClock, instant_of
from engine.exchange.faults import Fault, FaultPlan
from engine.exchange.faults.chaos import build_chaos
from engine.exchange.front import Front
from engine.exchange.generator import CRYPTO, EVENTS_PER_S, STOCKS, Generator
from engine.exchange.line.door import Door
from engine.exchange.line.limits import LineOptions
from engine.exchange.line.session import Keys
from engine.exchange.line.stats import Stats
from engine.exchange.line.switchboard import Switchboard
from engine.exchange.made.families import Families
from engine.exchange.made.prehistory import PreHistory, start_prices
from engine.exchange.market import Market, Source
from engine.exchange.recorded import ENDING, open_recorded
from engine.exchange.rest.control import ControlDesk
from engine.exchange.rest.server import RestServer
from engine.exchange.tape import open_tape
from engine.exchange.trading import Brokerage
from engine.model.account import Asset

START: Final = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
"""A Monday, 9:30 in New York: a made market begins with the opening, and at the same moment in every run."""
LOOPBACK: Final = "127.0.0.1"


@frozen
class ExchangeOptions:
    """What to play and how.

    ``tapes`` empty: a market made from ``seed``. ``speed`` is market seconds per second, 0 as fast as it is read.
    ``keys`` empty: any keys. ``host`` other than loopback lets other machines in: nothing here is hardened for that.
    ``chaos`` adds the faults of a bad day drawn from that number. ``fills`` says how orders are filled, ``terms`` what
    the account begins with. ``assets`` empty: the catalogue of the market's symbols.
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
    chaos: int | None = None
    fills: FillModel = MODELS["touch"]
    terms: AccountTerms = field(factory=AccountTerms)
    assets: Mapping[str, Asset] = field(factory=dict)
    keys: frozenset[tuple[str, str]] = frozenset()
    host: str = LOOPBACK
    port: int = 0
    line: LineOptions = field(factory=LineOptions)


@frozen
class Running:
    """An exchange that listens."""

    address: str
    """Host and port."""
    market: Market
    stats: Stats
    plan: FaultPlan
    switchboard: Switchboard
    rest: RestServer
    brokerage: Brokerage

    @property
    def data_stream_url(self) -> str:
        """Where the streams of market data are."""
        return f"ws://{self.address}"

    @property
    def data_url(self) -> str:
        """Where market data by REST is."""
        return f"http://{self.address}"

    @property
    def trading_stream_url(self) -> str:
        """Where the trading stream is."""
        return f"ws://{self.address}"

    @property
    def trading_url(self) -> str:
        """Where trading by REST is."""
        return f"http://{self.address}"

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
            "fill_model": self.brokerage.model.describe(),
            "orders": self.brokerage.counts(),
            **self.stats.summary(),
            "faults": self.plan.summary(),
        }


@asynccontextmanager
async def open_exchange(
    options: ExchangeOptions, source: Source | None = None, *, wall_s: Callable[[], float] = time.time
) -> AsyncIterator[Running]:
    """Serve an exchange while the block runs. ``source`` stands in for the one that the options describe.

    ``wall_s`` gives seconds since the epoch for the few answers that are about real time, not market time.

    Raises `Misconfigured` when a port is taken or a tape cannot be read.
    """
    made = source is None and not options.tapes
    source = source or build_source(options)
    before = PreHistory(start_prices(source.symbols, options.seed) if made else {}, source.start_ns)
    clock = MarketClock(source.start_ns, options.speed)
    plan = FaultPlan(build_faults(options), options.seed, options.speed, trio.current_time)
    market = Market(source, clock)
    board = Switchboard(clock, plan, past=market.past)
    market.attach(board)
    brokerage = Brokerage(
        market,
        plan,
        model=options.fills,
        terms=options.terms,
        seed=options.seed,
        assets=options.assets,
        closes=before.closes(),
    )
    market.attach(brokerage)
    keys = options.keys or options.line.keys.pairs
    control = ControlDesk(board, lambda: running.summary(), lambda: running.rest.changes)
    rest = RestServer(
        market,
        plan,
        dict(keys) or None,
        brokerage=brokerage,
        control=control,
        tier=options.line.tier,
        before=before,
        wall_s=wall_s,
    )
    front = Front(Door(board, evolve(options.line, keys=Keys(frozenset(keys))), brokerage), rest)
    listeners = await _listen(options.host, options.port)
    running = Running(_address(options.host, listeners), market, board.stats, plan, board, rest, brokerage)
    board.fire()
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, front.serve_connection, listeners)
        nursery.start_soon(board.serve_moments)
        nursery.start_soon(board.serve_holes, market)
        nursery.start_soon(brokerage.serve_time)
        await nursery.start(market.run)
        yield running
        nursery.cancel_scope.cancel()


def build_faults(options: ExchangeOptions) -> tuple[Fault, ...]:
    """The script, and the bad day that was asked for."""
    chaos = () if options.chaos is None else build_chaos(options.chaos)
    return (*options.faults, *chaos)


def build_source(options: ExchangeOptions) -> Source:
    """The market that the options describe: tapes, or one made from the seed."""
    if options.tapes:
        return _open_tapes(options.tapes, options.symbols)
    made = Generator(
        options.seed,
        instant_of(options.start or START),
        options.symbols or (*STOCKS, *CRYPTO),
        options.events_per_s,
        options.burst,
    )
    return Families(made, options.seed, options.events_per_s) if options.burst else made


def _open_tapes(tapes: tuple[Path, ...], symbols: tuple[str, ...]) -> Source:
    """Parquet files together, or one recorded session."""
    recordings = [path for path in tapes if path.suffix == ENDING]
    if not recordings:
        return open_tape(tapes, symbols)
    if len(tapes) > 1:
        raise Misconfigured(f"The recording {recordings[0]} is played alone: give no other tape beside it.")
    return open_recorded(recordings[0], symbols)


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
