"""Law: each feed has the one path the venue documents, each stream belongs to one feed, and keys are never printed."""

import pytest

from engine.codec.wire import Encoding, Family
from engine.errors import Misconfigured
from engine.model.market import Kind
from engine.model.stream import Stream
from engine.venues.alpaca.endpoints import LIVE, PAPER, Keys, environment_of, feed_of, feed_spec


@pytest.mark.parametrize(
    ("name", "path", "family"),
    [
        ("iex", "/v2/iex", Family.STOCKS),
        ("sip", "/v2/sip", Family.STOCKS),
        ("delayed_sip", "/v2/delayed_sip", Family.STOCKS),
        ("test", "/v2/test", Family.STOCKS),
        ("boats", "/v1beta1/boats", Family.STOCKS),
        ("overnight", "/v1beta1/overnight", Family.STOCKS),
        ("crypto", "/v1beta3/crypto/us", Family.CRYPTO),
        ("crypto:eu-1", "/v1beta3/crypto/eu-1", Family.CRYPTO),
        ("crypto-perps", "/v1beta1/crypto-perps/global", Family.CRYPTO),
        ("indicative", "/v1beta1/indicative", Family.OPTIONS),
        ("opra", "/v1beta1/opra", Family.OPTIONS),
        ("news", "/v1beta1/news", Family.NEWS),
    ],
)
def test_every_feed_has_its_path(name, path, family):
    spec = feed_spec(name)
    assert (spec.path, spec.family) == (path, family)
    assert spec.url("ws://127.0.0.1:9/") == "ws://127.0.0.1:9" + path


@pytest.mark.parametrize("name", ["nasdaq", "iex:us", "crypto:mars", ""])
def test_an_unknown_feed_is_answered_with_the_known_ones(name):
    with pytest.raises(Misconfigured, match="choose one of iex, sip"):
        feed_spec(name)


def test_options_in_json_are_refused_before_the_venue_does():
    with pytest.raises(Misconfigured, match="412"):
        feed_spec("opra", Encoding.JSON)


@pytest.mark.parametrize(
    ("kind", "symbol", "feed"),
    [
        (Kind.TRADES, "AAPL", "sip"),
        (Kind.TRADES, "BRK.B", "sip"),
        (Kind.TRADES, "*", "sip"),
        (Kind.BARS, "BTC/USD", "crypto"),
        (Kind.BOOKS, "*", "crypto"),
        (Kind.QUOTES, "AAPL260320C00200000", "opra"),
        (Kind.QUOTES, "SPXW260320P05000000", "opra"),
        (Kind.PRICING, "BTC-PERP", "crypto-perps"),
        (Kind.TRADES, "BTC-PERP", "crypto-perps"),
        (Kind.NEWS, "BTC/USD", "news"),
    ],
)
def test_a_stream_belongs_to_the_feed_of_its_symbol(kind, symbol, feed):
    assert feed_of(Stream(kind, symbol), stock_feed="sip", option_feed="opra") == feed


def test_the_host_tells_which_keys_it_takes():
    assert (PAPER.environment, LIVE.environment) == ("paper", "live")
    assert environment_of("https://broker-api.sandbox.alpaca.markets") == "broker"
    assert environment_of("http://127.0.0.1:8080") == ""


def test_keys_are_never_printed():
    keys = Keys("PKTHEKEY", "thesecret")
    assert "THEKEY" not in f"{keys!r} {keys}"
    assert "thesecret" not in f"{keys!r} {keys}"
    assert keys.redact("bad PKTHEKEY with thesecret") == "bad [redacted] with [redacted]"
