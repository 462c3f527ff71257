"""Where Alpaca is: URLs, the paths of its feeds, and which feed carries a stream.

Paths are not regular (overnight feeds live under ``v1beta1``, crypto under ``v1beta3``) and one wrong letter is an
HTTP 404 on the upgrade, so they stand in one table and nobody builds them by hand.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from attrs import field, frozen

from engine.codec.wire import Encoding, Family
from engine.errors import Misconfigured
from engine.model.market import Kind
from engine.model.stream import Stream

Environment: TypeAlias = Literal["paper", "live", "broker", ""]
"""Which keys an endpoint takes; empty where its host does not tell, as on loopback."""

KEY_HINT_LENGTH: Final = 2
"""How much of a key may be told: ``PK`` and ``AK`` say what kind it is, and nothing more."""


@frozen
class Keys:
    """API keys. Neither is ever printed whole."""

    key_id: str = field(repr=lambda value: f"'{value[:KEY_HINT_LENGTH]}…'")
    secret: str = field(repr=lambda _: "'…'")

    @property
    def hint(self) -> str:
        """The first two characters of the key, which tell paper from live."""
        return self.key_id[:KEY_HINT_LENGTH]

    def redact(self, text: str) -> str:
        """Take the keys out of a text that came from elsewhere, such as a server's message."""
        for value in (self.secret, self.key_id):
            if value:
                text = text.replace(value, "[redacted]")
        return text


@frozen(kw_only=True)
class Endpoints:
    """The four URLs of an environment; each can be set on its own."""

    data_stream_url: str
    data_url: str
    trading_stream_url: str
    trading_url: str

    @property
    def environment(self) -> Environment:
        """What the trading host says of the keys it takes."""
        return environment_of(self.trading_url)


PAPER: Final = Endpoints(
    data_stream_url="wss://stream.data.alpaca.markets",
    data_url="https://data.alpaca.markets",
    trading_stream_url="wss://paper-api.alpaca.markets/stream",
    trading_url="https://paper-api.alpaca.markets",
)
LIVE: Final = Endpoints(
    data_stream_url="wss://stream.data.alpaca.markets",
    data_url="https://data.alpaca.markets",
    trading_stream_url="wss://api.alpaca.markets/stream",
    trading_url="https://api.alpaca.markets",
)


def environment_of(url: str) -> Environment:
    """Which kind of keys the host of this URL takes, as far as its name tells."""
    host = urlsplit(url).hostname or ""
    if "sandbox" in host or host.startswith("broker"):
        return "broker"
    if host.startswith("paper-api."):
        return "paper"
    return "live" if host == "api.alpaca.markets" else ""


@frozen
class FeedSpec:
    """One data feed: its name, its path on the data stream's host, and how its messages are read."""

    name: str
    path: str
    family: Family
    encoding: Encoding = Encoding.MSGPACK

    def url(self, data_stream_url: str) -> str:
        """The whole URL of this feed on that host."""
        return data_stream_url.rstrip("/") + self.path


_PATHS: Final[Mapping[str, tuple[str, Family]]] = MappingProxyType(
    {
        "iex": ("/v2/iex", Family.STOCKS),
        "sip": ("/v2/sip", Family.STOCKS),
        "delayed_sip": ("/v2/delayed_sip", Family.STOCKS),
        "test": ("/v2/test", Family.STOCKS),
        "boats": ("/v1beta1/boats", Family.STOCKS),
        "overnight": ("/v1beta1/overnight", Family.STOCKS),
        "crypto": ("/v1beta3/crypto/us", Family.CRYPTO),
        "crypto-perps": ("/v1beta1/crypto-perps/global", Family.CRYPTO),
        "indicative": ("/v1beta1/indicative", Family.OPTIONS),
        "opra": ("/v1beta1/opra", Family.OPTIONS),
        "news": ("/v1beta1/news", Family.NEWS),
    }
)
CRYPTO_LOCATIONS: Final = ("us", "us-1", "us-2", "eu-1", "bs-1", "global")


def feed_spec(name: str, encoding: Encoding = Encoding.MSGPACK) -> FeedSpec:
    """The feed of this name, such as ``iex``, ``sip`` or ``crypto:eu-1``; raises `Misconfigured`.

    MessagePack is the default because it decodes faster than JSON; options speak nothing else.
    """
    plain, _, location = name.partition(":")
    known = _PATHS.get(plain)
    if known is None or (location and (plain != "crypto" or location not in CRYPTO_LOCATIONS)):
        names = ", ".join(_PATHS)
        raise Misconfigured(
            f"there is no feed {name!r}: choose one of {names}, or crypto:LOCATION ({', '.join(CRYPTO_LOCATIONS)})."
        )
    path, family = known
    if location:
        path = f"/v1beta3/crypto/{location}"
    if family is Family.OPTIONS and encoding is not Encoding.MSGPACK:
        raise Misconfigured(f"the feed {name} speaks MessagePack only (error 412): leave the encoding at msgpack.")
    return FeedSpec(name, path, family, encoding)


_OPTION_SYMBOL: Final = re.compile(r"[A-Z0-9.]{1,6}\d{6}[CP]\d{8}")


def feed_of(
    stream: Stream, *, stock_feed: str = "iex", crypto_feed: str = "crypto", option_feed: str = "indicative"
) -> str:
    """The name of the feed that carries a stream: a slash is crypto, an OCC symbol an option, ``-PERP`` a perpetual.

    >>> feed_of(Stream(Kind.TRADES, "BTC/USD")), feed_of(Stream(Kind.QUOTES, "AAPL260320C00200000"))
    ('crypto', 'indicative')
    >>> feed_of(Stream(Kind.NEWS, "AAPL")), feed_of(Stream(Kind.BARS, "AAPL"), stock_feed="sip")
    ('news', 'sip')
    """
    if stream.kind is Kind.NEWS:
        return "news"
    if stream.kind is Kind.PRICING or stream.symbol.endswith("-PERP"):
        return "crypto-perps"
    if stream.kind is Kind.BOOKS or "/" in stream.symbol:
        return crypto_feed
    return option_feed if _OPTION_SYMBOL.fullmatch(stream.symbol) else stock_feed


@frozen
class Address:
    """A WebSocket URL taken apart."""

    host: str
    port: int
    resource: str
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take a ``ws://`` or ``wss://`` URL apart; raises `Misconfigured`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise Misconfigured(f"{url!r} is not a stream URL ({exc}): write it as wss://HOST/PATH.") from None
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise Misconfigured(f"{url!r} is not a stream URL: write it as wss://HOST/PATH or ws://HOST:PORT/PATH.")
        tls = parts.scheme == "wss"
        resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.hostname, port or (443 if tls else 80), resource, tls)

    @property
    def host_header(self) -> str:
        """As the ``Host`` header wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port in (80, 443) else f"{host}:{self.port}"
