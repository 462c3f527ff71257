"""The exchange as a test holds it: where it is, what it published, and breaking it.

The same face for both fixtures. What a test asks is handed to ``ask``, because a live exchange runs in a thread of its
own and nothing of it may be touched from outside.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from engine.errors import Misconfigured
from engine.exchange.faults import Fault
from engine.exchange.faults.script import parse_fault
from engine.exchange.serve import ExchangeOptions, Running
from engine.model.market import Kind, MarketEvent

T = TypeVar("T")

ANY_KEYS: Final = ("PKTEST", "test-secret")
FOREVER_NS: Final = (1 << 63) - 1
"""After every instant that a 64-bit count of nanoseconds can name."""


class Ask(Protocol):
    """Runs a function where the exchange runs, and returns what it returns."""

    def __call__(self, function: Callable[[], T], /) -> T: ...


class Exchange:
    """A running exchange. It accepts ``key_id`` and ``secret``, and any others unless ``keys`` were given."""

    def __init__(self, running: Running, options: ExchangeOptions, ask: Ask) -> None:
        self._running = running
        self._ask = ask
        self.key_id, self.secret = min(options.keys, default=ANY_KEYS)

    @property
    def headers(self) -> dict[str, str]:
        """The keys as REST wants them."""
        return {"APCA-API-KEY-ID": self.key_id, "APCA-API-SECRET-KEY": self.secret}

    @property
    def data_stream_url(self) -> str:
        """The WebSocket of the market data, without a path: ``ws://HOST:PORT``."""
        return self._running.data_stream_url

    @property
    def data_url(self) -> str:
        """REST of the market data: ``http://HOST:PORT``."""
        return self._running.data_url

    @property
    def trading_stream_url(self) -> str:
        """The WebSocket of the account, without a path: ``ws://HOST:PORT``."""
        return self._running.trading_stream_url

    @property
    def trading_url(self) -> str:
        """REST of the account: ``http://HOST:PORT``."""
        return self._running.trading_url

    def urls(self) -> dict[str, str]:
        """The four addresses by the names of the settings that take them."""
        return self._running.urls()

    def fault(self, kind: str, **keys: object) -> None:
        """Break something: now, or at the moment that ``after_events``, ``every`` or ``at`` say, counted from now.

        The keys are those of a fault script; ``for_`` stands for ``for``. Raises `Misconfigured`.
        """
        table = {"kind": kind, **{key.rstrip("_"): value for key, value in keys.items()}}
        built = parse_fault(table, source=f"fault({kind!r})")
        self._ask(lambda: self._running.switchboard.add(built))

    def inject(self, fault: Fault) -> None:
        """Let a fault happen now, whatever its own moment says."""
        self._ask(lambda: self._running.inject(fault))

    def look(self, function: Callable[[Running], T], /) -> T:
        """Run a function with what is inside the exchange, between two of its steps, and return what it returns."""
        return self._ask(lambda: function(self._running))

    def calm(self) -> None:
        """Nothing more goes wrong on purpose; what has happened to a connection stays so until it ends."""
        self._ask(self._running.switchboard.clear)

    def published(
        self, kind: Kind | str, symbol: str, start_ns: int = 0, end_ns: int = FOREVER_NS
    ) -> list[MarketEvent]:
        """What the exchange has published of a stream, whoever heard it, within both inclusive bounds."""
        try:
            wanted = Kind(kind)
        except ValueError:
            kinds = ", ".join(Kind)
            raise Misconfigured(f"published({kind!r}): there is no such kind of event; there are {kinds}.") from None
        return self._ask(lambda: list(self._running.market.past.between(wanted, symbol, start_ns, end_ns)))

    def now_ns(self) -> int:
        """Market time, nanoseconds since the epoch."""
        return self._ask(self._running.market.clock.now_ns)

    def summary(self) -> dict[str, Any]:
        """What was published, served and broken so far; ``["faults"]["hits"]`` counts what really went wrong."""
        return self._ask(self._running.summary)
