"""Where the parts of a session are put together: clients, clock, feeds, for whichever venue was asked for."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import time_ns
from typing import Final

import stamina
from attrs import define, field

from engine.app.options import RunOptions
from engine.codec.wire import Encoding, Family
from engine.errors import LineLost, Misconfigured, VenueBusy
from engine.exchange.faults import load_faults
from engine.exchange.serve import ExchangeOptions, Running, open_exchange
from engine.flow.clock import MarketClock
from engine.model.instant import NS_PER_S
from engine.model.stream import Stream
from engine.ports import Feed
from engine.venues.alpaca.clock import VenueTime, read_clock
from engine.venues.alpaca.endpoints import LIVE, PAPER, Endpoints, Keys, feed_of, feed_spec
from engine.venues.alpaca.feed import AlpacaFeed, OnFrames
from engine.venues.alpaca.history import AlpacaHistory
from engine.venues.alpaca.http import GuardedClient, open_client
from engine.venues.alpaca.rate import PATIENCE_S, RESERVE_SHARE, Throttle
from engine.venues.alpaca.socket import LineSettings

# The embedded exchange takes any keys; these only fill the login message.
_ANY_KEYS = Keys("PKEMBEDDED", "embedded")
# A session begins with the venue's clock, so its first reading is asked for again: some four seconds of trouble, and
# more where the venue says how long. Later readings are polls, and the next one makes up for one that failed.
_FIRST_ATTEMPTS: Final = 5
_WAIT_FIRST_S: Final = 0.25
_ACCOUNT_PATH: Final = "/stream"
"""Where the account stream is on its host."""


@define(eq=False)
class _ClockReader:
    """Asks the venue for the time, the first time patiently."""

    client: GuardedClient
    report: Callable[[str], None]
    answered: bool = False

    async def read(self) -> VenueTime:
        """One reading; raises what `read_clock` raises."""
        attempts = 1 if self.answered else _FIRST_ATTEMPTS
        # No timeout: stamina would count it by the wall clock. No jitter: it would come from the global random.
        async for attempt in stamina.retry_context(
            on=self._pause_s, attempts=attempts, timeout=None, wait_initial=_WAIT_FIRST_S, wait_jitter=0.0
        ):
            with attempt:
                reading = await read_clock(self.client)
                self.answered = True
                return reading
        raise AssertionError("stamina either returns from an attempt or raises")

    def _pause_s(self, error: Exception) -> bool | float:
        """Whether to ask again, and after how long where the venue said so (stamina's hook)."""
        if self.answered or not isinstance(error, LineLost | VenueBusy):
            return False
        self.report(f"{error} The session begins with this answer: asking again.")
        wait_s = error.retry_after_s if isinstance(error, VenueBusy) else None
        if wait_s is None:
            return True
        return wait_s if wait_s <= PATIENCE_S else False


@define(eq=False, kw_only=True)
class Venue:
    """An Alpaca that a session can use: the real one, or an exchange that speaks its protocol."""

    options: RunOptions
    endpoints: Endpoints
    keys: Keys
    data: GuardedClient
    trading: GuardedClient
    clock: MarketClock
    throttle: Throttle
    trading_throttle: Throttle
    report: Callable[[str], None]
    wall_ns: Callable[[], int] = time_ns
    """This machine's clock, in nanoseconds since the epoch."""
    exchange: Running | None = None
    feeds: dict[str, AlpacaFeed] = field(factory=dict)
    on_frames: OnFrames | None = None
    """Told every frame of the feeds that are made from now on."""

    @property
    def own_exchange(self) -> bool:
        """Whether the exchange is one that ends with this session."""
        return self.exchange is not None

    @property
    def account_url(self) -> str:
        """The whole URL of the account stream."""
        url = self.endpoints.trading_stream_url.rstrip("/")
        return url if url.endswith(_ACCOUNT_PATH) else url + _ACCOUNT_PATH

    @property
    def line_settings(self) -> LineSettings:
        """How patient every line is."""
        tuning = self.options.tuning
        return LineSettings(
            handshake_s=tuning.handshake_within_s, ping_every_s=tuning.ping_every_s, pong_s=tuning.pong_within_s
        )

    def feed_of(self, stream: Stream) -> str:
        """The name of the feed that carries a stream."""
        feeds = self.options.feeds
        crypto = "crypto" if feeds.crypto == "us" else f"crypto:{feeds.crypto}"
        return feed_of(stream, stock_feed=feeds.stocks, crypto_feed=crypto, option_feed=feeds.options)

    def make_feed(self, name: str) -> Feed:
        """The feed of this name, with its history."""
        options = Encoding.MSGPACK if name in ("indicative", "opra") else Encoding(self.options.encoding)
        spec = feed_spec(name, options)
        place = name.partition(":")[2] or ("us" if spec.family is Family.CRYPTO else name)
        feed = self.feeds[name] = AlpacaFeed(
            name=name,
            url=spec.url(self.endpoints.data_stream_url),
            family=spec.family,
            encoding=spec.encoding,
            keys=self.keys,
            now_ns=self.clock.now_ns,
            history=AlpacaHistory(self.data, self.throttle, spec.family, place, self.clock.now_ns),
            report=self.report,
            environment=self.endpoints.environment,
            settings=self.line_settings,
            on_frames=self.on_frames,
        )
        return feed


@asynccontextmanager
async def open_venue(
    options: RunOptions,
    report: Callable[[str], None],
    *,
    exchange: Running | None = None,
    wall_ns: Callable[[], int] = time_ns,
) -> AsyncIterator[Venue]:
    """Reach the venue of these options; starts the embedded exchange when it is asked for and none is given."""

    def wall_s() -> float:
        return wall_ns() / NS_PER_S

    async with AsyncExitStack() as stack:
        if exchange is None and options.venue == "exchange" and options.endpoints.data_stream_url is None:
            exchange = await stack.enter_async_context(open_exchange(_exchange_options(options)))
        endpoints = _endpoints(options, exchange)
        keys = _keys(options)
        headers = {"APCA-API-KEY-ID": keys.key_id, "APCA-API-SECRET-KEY": keys.secret}
        data = await stack.enter_async_context(open_client(endpoints.data_url, headers))
        trading = await stack.enter_async_context(open_client(endpoints.trading_url, headers))
        clock = MarketClock(_ClockReader(trading, report).read, wall_ns)
        per_minute = options.rest_per_minute
        yield Venue(
            options=options,
            endpoints=endpoints,
            keys=keys,
            data=data,
            trading=trading,
            clock=clock,
            throttle=Throttle(per_minute, wall_s=wall_s),
            trading_throttle=Throttle(per_minute, wall_s=wall_s, reserve_share=RESERVE_SHARE),
            report=report,
            wall_ns=wall_ns,
            exchange=exchange,
        )


def _keys(options: RunOptions) -> Keys:
    if options.key_id is None or options.secret is None:
        return _ANY_KEYS
    return Keys(options.key_id.reveal(), options.secret.reveal())


def _endpoints(options: RunOptions, exchange: Running | None) -> Endpoints:
    given = options.endpoints
    preset = LIVE if options.venue == "live" else PAPER
    if options.venue == "exchange":
        if exchange is not None:
            preset = Endpoints(**exchange.urls())
        else:
            missing = [name for name in ("data_url", "trading_url") if getattr(given, name) is None]
            if missing:
                flag = missing[0].replace("_", "-")
                raise Misconfigured(
                    f"--data-stream-url names an exchange that runs elsewhere; give its --{flag} too "
                    "('gapless exchange --json' prints all of them)."
                )
    return Endpoints(
        data_stream_url=given.data_stream_url or preset.data_stream_url,
        data_url=given.data_url or preset.data_url,
        trading_stream_url=given.trading_stream_url or preset.trading_stream_url,
        trading_url=given.trading_url or preset.trading_url,
    )


def _exchange_options(options: RunOptions) -> ExchangeOptions:
    wanted = options.exchange
    return ExchangeOptions(
        symbols=wanted.symbols,
        seed=wanted.seed,
        events_per_s=wanted.events_per_s,
        tapes=wanted.tape,
        speed=wanted.speed,
        faults=load_faults(wanted.faults) if wanted.faults else (),
        chaos=wanted.chaos,
    )
