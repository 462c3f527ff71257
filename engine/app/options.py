"""What one session is told to do: the value that the command line, the settings file and a test all build.

Everything is decided before it is made: names are resolved, files exist, types are right. So a session can start
from it without asking anybody, and a test can write one down in a line.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import Attribute, field, frozen, validators

from engine.app.config.choices import CryptoFeed, OnKill, OptionFeed, StockFeed, Venue, Wire
from engine.app.config.watch import WatchSettings
from engine.app.report import SessionReport
from engine.app.secrets import Secret
from engine.core.risk.limits import DEFAULT_ACCOUNT_LIMITS, Limits
from engine.ports import Strategy

if TYPE_CHECKING:
    from engine.app.beside.engine import Attached

Snapshot: TypeAlias = Callable[[], SessionReport]
Watcher: TypeAlias = Callable[[Snapshot], None]
"""Called once when a session starts, with a function that gives its figures at any later moment (cheap, no I/O)."""


_Check: TypeAlias = Callable[[Any, Any, Any], Any]
Positive: Final[_Check] = validators.gt(0)
NotNegative: Final[_Check] = validators.ge(0)


def _starts_with(*schemes: str) -> Callable[[Any, "Attribute[Any]", str | None], None]:
    """A validator for an address: a scheme, a host, and no login in it (that would end up in logs)."""

    def check(_instance: object, attribute: "Attribute[Any]", value: str | None) -> None:
        if value is None:
            return
        scheme, mark, rest = value.partition("://")
        if not mark or scheme not in schemes or not rest or "@" in rest:
            allowed = " or ".join(f"{scheme}://HOST" for scheme in schemes)
            raise ValueError(f"{attribute.name} must be an address like {allowed}, without a login in it")

    return check


@frozen
class LoadedStrategy:
    """A strategy ready to run: what was plugged in, its parameters, and its name in this session (unique in it)."""

    strategy: Strategy
    params: Any = None
    name: str = ""
    reference: str = ""
    """What it was found by, so that it can be found again: a module or a file, with a name."""


@frozen
class Feeds:
    """Which endpoint serves each family of symbols; a feed is opened only when a strategy wants a stream of it.

    ``crypto`` is the location: ``us`` is Alpaca's own, the others are Kraken's.
    """

    stocks: StockFeed = "iex"
    crypto: CryptoFeed = "us"
    options: OptionFeed = "indicative"


@frozen
class Endpoints:
    """Where the venue is; ``None`` means the venue's own address. With ``venue="exchange"`` and a
    ``data_stream_url``, a session joins that exchange and does not start one inside itself."""

    data_stream_url: str | None = field(default=None, validator=_starts_with("ws", "wss"))
    data_url: str | None = field(default=None, validator=_starts_with("http", "https"))
    trading_stream_url: str | None = field(default=None, validator=_starts_with("ws", "wss"))
    trading_url: str | None = field(default=None, validator=_starts_with("http", "https"))


@frozen
class ExchangeOptions:
    """The embedded exchange: a seeded market, or tapes. ``speed`` 0 is as fast as it is read."""

    seed: int = 1
    symbols: tuple[str, ...] = ()
    """Empty: the generator's own list."""
    events_per_s: float = field(default=200.0, validator=Positive)
    tape: tuple[Path, ...] = ()
    speed: float = field(default=1.0, validator=NotNegative)
    faults: Path | None = None
    chaos: int | None = None
    """The faults of a bad day drawn from this number, beside those of ``faults``."""


@frozen
class Tuning:
    """How patient the engine is. Seconds are market seconds where the market's clock runs, else wall seconds."""

    ping_every_s: float = field(default=10.0, validator=Positive)
    """Alpaca's own Go client pings this often."""
    pong_within_s: float = field(default=5.0, validator=Positive)
    handshake_within_s: float = field(default=10.0, validator=Positive)
    """Connect, log in and be acknowledged; the venue itself gives up on a login after 10 s."""
    silence_s: float = field(default=30.0, validator=Positive)
    """A subscribed feed that delivers nothing for this long in market hours is asked about and then dropped."""
    backfill_settle_s: float = field(default=15.0, validator=Positive)
    """How long history may trail the live stream before a hole is looked at as final."""
    backfill_give_up_s: float = field(default=60.0, validator=Positive)
    """After this a hole that history does not fill is told as a gap."""
    overlap_s: float = field(default=10.0, validator=Positive)
    """History is read again from this long before the last event told: trades are reported up to ten seconds late
    (Alpaca's FAQ)."""
    reconcile_every_s: float = field(default=60.0, validator=Positive)
    """How often the books are compared with the broker's while nothing happens: half a dozen requests each time."""
    rest_per_minute: int | None = field(default=None, validator=validators.optional(Positive))
    """``None``: 200 at Alpaca (its free plan), 10000 at the embedded exchange."""
    stop_within_s: float = field(default=4.0, validator=Positive)
    """Strategies get this long to leave by themselves after a stop was asked for; then they are cancelled.

    What a block of orders does on its way out (``ctx.orders(within=...)``) is shielded against that and against a
    second signal: it has all of its own time from when it is left. So a stop takes under 5 s without orders; with them,
    at most this, the longest ``within``, ten seconds for orders outside every block, and ten for open outcomes."""


@frozen
class RunOptions:
    """One session of ``gapless run``."""

    strategies: tuple[LoadedStrategy, ...]
    venue: Venue = "exchange"
    feeds: Feeds = field(factory=Feeds)
    endpoints: Endpoints = field(factory=Endpoints)
    key_id: Secret[str] | None = None
    secret: Secret[str] | None = None
    for_s: float | None = None
    """End after this many seconds of wall time; ``None`` means never."""
    until_tape_ends: bool = False
    record_dir: Path | None = None
    """The folder that the session is recorded in; ``None``: it is not."""
    record_frames: bool = False
    """Whether raw frames are recorded too."""
    encoding: Wire = "msgpack"
    exchange: ExchangeOptions = field(factory=ExchangeOptions)
    tuning: Tuning = field(factory=Tuning)
    watch: WatchSettings = field(factory=WatchSettings)
    state: Path | None = None
    """The folder of the order file; ``None``: the account's own, at the embedded exchange a temporary one."""
    shadow: bool = False
    """Match orders on this machine and send none."""
    on_kill: OnKill = "flatten"
    limits: Limits = DEFAULT_ACCOUNT_LIMITS
    strategy_limits: Mapping[str, Limits] = field(factory=dict)
    watcher: Watcher | None = None
    attached: "Attached | None" = None
    """What stands beside the session: see `engine.app.beside`."""

    @property
    def rest_per_minute(self) -> int:
        """The REST budget in requests a minute, with the venue's default."""
        if self.tuning.rest_per_minute is not None:
            return self.tuning.rest_per_minute
        return 10_000 if self.venue == "exchange" else 200
