"""Every condition of the venue has a declared outcome: a fatal one ends in one sentence and an exit code within five
seconds, a passing one is told, waited out and mended, and costs no event.

Three tables list them all: what ends the session, what ends one strategy, and what ends nothing.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import trio
from attrs import field, frozen

from engine import Context, GaplessError, Halted, Kind, Lost, Resumed, Stream, strategy
from engine.app.live import run_live
from engine.app.options import Endpoints, RunOptions
from engine.app.secrets import Secret
from engine.errors import KeysRefused, PlanRefused, ProtocolRefused, SubscriptionRefused, VenueBusy
from engine.exchange.faults import parse_faults
from engine.exchange.serve import ExchangeOptions, open_exchange
from engine.flow.clock import POLL_LIVE_S

WITHIN_S = 5.0
SECRET = "s3cr3t-of-this-test"
KEYS = {"key_id": Secret("PKWRONGKEY"), "secret": Secret(SECRET)}
BTC = Stream(Kind.TRADES, "BTC/USD"), Stream(Kind.QUOTES, "BTC/USD")


def fault(kind: str, headers: Any = None, **keys: Any) -> str:
    """One table of a fault script."""
    lines = [f"{key.rstrip('_')} = {json.dumps(value)}" for key, value in keys.items()]
    told = ", ".join(f"{name} = {json.dumps(value)}" for name, value in (headers or {}).items())
    lines += [f"headers = {{{told}}}"] if headers else []
    return "\n".join(["[[fault]]", f'kind = "{kind}"', *lines, ""])


@frozen
class Fatal:
    """A condition that a person has to mend. ``after_s``: when it begins, from the start of the session."""

    faults: str
    error: type[GaplessError]
    says: tuple[str, ...]
    exit_code: int = 3
    after_s: float = 0.0
    exchange: Mapping[str, Any] = field(factory=dict)


# The moment of a condition that begins while data flows: at 20 events a second ten seconds after the start.
LATER: dict[str, Any] = {"after_events": 200}

FATAL = {
    "keys_unknown_to_the_venue": Fatal(
        "", KeysRefused, ("403", "APCA_API_KEY_ID"), exchange={"keys": frozenset({("PKRIGHT", "right")})}
    ),
    "402_at_login": Fatal(fault("error", code=402, phase="auth"), KeysRefused, ("402", "APCA_API_KEY_ID")),
    "402_paper_keys_recognised": Fatal(
        fault("error", code=402, phase="auth"), KeysRefused, ("keys that start with PK are paper keys", "live")
    ),
    "402_while_live": Fatal(fault("error", code=402, **LATER), KeysRefused, ("402",), after_s=10),
    "408_at_login": Fatal(fault("error", code=408, phase="auth"), ProtocolRefused, ("408", "enable")),
    "409_at_login": Fatal(fault("error", code=409, phase="auth"), PlanRefused, ("409", "iex", "upgrade")),
    "409_at_subscribing": Fatal(fault("error", code=409, phase="subscribe"), PlanRefused, ("409", "plan")),
    "409_when_reconnecting": Fatal(
        fault("error", code=409, phase="auth", **LATER), PlanRefused, ("409", "plan"), after_s=10
    ),
    "411_at_login": Fatal(fault("error", code=411, phase="auth"), PlanRefused, ("411", "token", "scope")),
    "412_at_subscribing": Fatal(fault("error", code=412, phase="subscribe"), ProtocolRefused, ("412", "msgpack")),
    "upgrade_400": Fatal(fault("upgrade_status", status=400), ProtocolRefused, ("HTTP 400", "data stream URL")),
    "upgrade_401": Fatal(fault("upgrade_status", status=401), KeysRefused, ("HTTP 401", "keys")),
    "upgrade_403": Fatal(fault("upgrade_status", status=403), KeysRefused, ("HTTP 403", "keys")),
    "upgrade_404": Fatal(fault("upgrade_status", status=404), ProtocolRefused, ("HTTP 404", "feed")),
    "rest_401_at_start": Fatal(fault("http_status", status=401), KeysRefused, ("HTTP 401", "APCA_API_KEY_ID")),
    "rest_403_in_a_backfill": Fatal(
        fault("cut", **LATER) + fault("http_status", status=403, next=1000, **LATER),
        KeysRefused,
        ("HTTP 403", "APCA_API_KEY_ID"),
        after_s=10,
    ),
    "rest_401_at_a_poll_of_the_clock": Fatal(
        fault("http_status", status=401, next=1000, **LATER),
        KeysRefused,
        ("HTTP 401", "/v2/clock"),
        after_s=POLL_LIVE_S,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FATAL)
async def test_a_fatal_condition_ends_the_session_in_one_sentence(
    autojump_clock: trio.abc.Clock, hold: Any, doomed: Any, watcher: Any, name: str
) -> None:
    case = FATAL[name]
    watch = watcher(BTC)
    began_s = trio.current_time()
    error = await doomed(
        hold(
            watch.plug(), faults=case.faults, for_s=120, symbols=("BTC/USD",), events_per_s=20.0, burst=False,
            session=KEYS, **case.exchange,
        )
    )  # fmt: skip
    took_s = trio.current_time() - began_s
    assert type(error) is case.error
    assert error.exit_code == case.exit_code
    assert case.after_s - 1 <= took_s <= case.after_s + WITHIN_S
    _check_sentence(str(error), case.says)
    if case.after_s:
        assert watch.ended, "the strategies were cut off instead of being told that the data ended"


def _check_sentence(sentence: str, says: tuple[str, ...]) -> None:
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert SECRET not in sentence
    assert "PKWRONGKEY" not in sentence
    assert sentence.endswith((".", ".)"))
    for part in says:
        assert part in sentence


@pytest.mark.parametrize(
    ("host", "key", "says"),
    [
        ("api.alpaca.markets", "PKWRONGKEY", "these are paper keys (they start with PK) on a live endpoint"),
        ("paper-api.alpaca.markets", "AKWRONGKEY", "these are live keys (they start with AK) on the paper endpoint"),
    ],
)
async def test_keys_of_the_other_environment_are_recognised(
    autojump_clock: trio.abc.Clock, doomed: Any, watcher: Any, host: str, key: str, says: str
) -> None:
    class Loopback(trio.abc.HostnameResolver):
        """Every host is this machine: Trio's own way to stand in for a name server."""

        async def getaddrinfo(self, host: Any, port: Any, *rest: Any) -> Any:
            return [(trio.socket.AF_INET, trio.socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port)))]

        async def getnameinfo(self, sockaddr: Any, flags: int) -> Any:
            raise NotImplementedError

    trio.socket.set_custom_hostname_resolver(Loopback())
    options = ExchangeOptions(symbols=("BTC/USD",), faults=parse_faults(fault("error", code=402, phase="auth")))

    async def run() -> None:
        async with open_exchange(options) as running:
            trading_url = f"http://{host}:{running.trading_url.rpartition(':')[2]}"
            endpoints = Endpoints(running.data_stream_url, running.data_url, None, trading_url)
            keys: dict[str, Any] = {"key_id": Secret(key), "secret": Secret(SECRET)}
            await run_live(RunOptions((watcher(BTC).plug(),), endpoints=endpoints, **keys), exchange=running)

    error = await doomed(run())
    assert isinstance(error, KeysRefused)
    _check_sentence(str(error), ("402", says))


@frozen
class Passing:
    """A condition that passes. ``counts``: figures of the feed's row that must not be 0; ``hits``: faults that must
    have happened; ``outage_s``: how long the first outage lasted."""

    faults: str
    hits: tuple[str, ...]
    lost: str = ""
    outage_s: tuple[float, float] | None = None
    counts: tuple[str, ...] = ()
    burst: bool = False


CUTS = fault("cut", every="60s")
LOST: dict[str, Any] = {"every": "60s"}

PASSING = {
    # Errors of the stream's table that are waited out or backed off from.
    "401_at_subscribing": Passing(fault("error", code=401, phase="subscribe", times=1), ("error",)),
    "404_at_login": Passing(fault("error", code=404, phase="auth", **LOST), ("error",)),
    "404_while_live": Passing(fault("error", code=404, **LOST), ("error",), "error 404"),
    "406_while_live": Passing(fault("error", code=406, **LOST), ("error",), "error 406"),
    "406_ghost_for_20_s": Passing(
        fault("cut_without_close", after_events=200) + fault("ghost", for_="20s"), ("ghost",), "error 406", (20, 50)
    ),
    "406_ghost_for_90_s": Passing(
        fault("cut_without_close", after_events=200) + fault("ghost", for_="90s"), ("ghost",), "error 406", (90, 125)
    ),
    "407_while_live": Passing(fault("error", code=407, **LOST), ("error",), "error 407"),
    "500_at_connect": Passing(fault("error", code=500, phase="connect", **LOST), ("error",), "error 500"),
    "500_at_login": Passing(fault("error", code=500, phase="auth", **LOST), ("error",), "error 500"),
    "500_at_subscribing": Passing(fault("error", code=500, phase="subscribe", **LOST), ("error",), "error 500"),
    "500_while_live": Passing(fault("error", code=500, **LOST), ("error",), "error 500"),
    "599_nobody_knows": Passing(fault("error", code=599, **LOST), ("error",), "error 599"),
    "403_again_while_live": Passing(fault("error", code=403, **LOST), ("error",)),
    # The way to the line.
    "upgrade_429": Passing(fault("upgrade_status", status=429, **LOST), ("upgrade_status",), "HTTP 429"),
    "upgrade_503_retry_after_25_s": Passing(
        fault("upgrade_status", status=503, headers={"Retry-After": "25"}, after_events=200), ("upgrade_status",),
        "it asks for 25 s", (25, 30),
    ),
    "refuse": Passing(fault("refuse", for_="10s", **LOST), ("refuse",)),
    "stall_handshake": Passing(fault("stall_handshake", **LOST), ("stall_handshake",), "not done", (10, 14)),
    "stall_welcome": Passing(fault("stall_login", phase="connect", **LOST), ("stall_login",), "not done", (10, 14)),
    "stall_login": Passing(fault("stall_login", **LOST), ("stall_login",), "not done", (10, 14)),
    # The line itself.
    "cut": Passing(fault("cut", **LOST), ("cut",)),
    "cut_without_close": Passing(fault("cut_without_close", **LOST), ("cut_without_close",)),
    "mute": Passing(fault("mute", every="70s"), ("mute",), "nothing for"),
    "half_open": Passing(fault("half_open", **LOST), ("half_open",), "pong"),
    "truncated_frame": Passing(fault("truncated_frame", **LOST), ("truncated_frame",)),
    "delay": Passing(fault("delay", for_="5s", **LOST), ("delay",)),
    "bad_frame": Passing(fault("bad_frame", p=0.05), ("bad_frame",), counts=("malformed",)),
    "unknown_type": Passing(fault("unknown_type", p=0.05), ("unknown_type",), counts=("unknown_types",)),
    "unknown_field": Passing(fault("unknown_field", p=0.05), ("unknown_field",), counts=("unknown_fields",)),
    "duplicate": Passing(fault("duplicate", p=0.2), ("duplicate",)),
    "reorder": Passing(fault("reorder", p=0.2), ("reorder",), burst=True),
    # The REST side, while holes are being closed.
    "rest_429_without_headers": Passing(CUTS + fault("http_status", p=0.5, bare=True), ("http_status",)),
    "rest_429_retry_after": Passing(
        CUTS + fault("http_status", next=2, every="60s", headers={"Retry-After": "3"}), ("http_status",)
    ),
    "rest_500": Passing(CUTS + fault("http_status", status=500, p=0.5), ("http_status",)),
    "rest_503_for_20_s": Passing(CUTS + fault("http_status", status=503, for_="15s", every="60s"), ("http_status",)),
    "slow_pages": Passing(CUTS + fault("slow_pages", lag="3s"), ("slow_pages",)),
    "cut_body": Passing(CUTS + fault("cut_body", p=0.5), ("cut_body",)),
    "empty_last_page": Passing(CUTS + fault("empty_last_page"), ("empty_last_page",)),
    "history_lag": Passing(CUTS + fault("history_lag", lag="5s"), ()),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSING)
async def test_a_passing_condition_is_mended_and_costs_no_event(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, name: str
) -> None:
    case = PASSING[name]
    watch = watcher(BTC)
    outcome = await hold(
        watch.plug(), faults=case.faults, for_s=175, symbols=("BTC/USD",), events_per_s=8.0, burst=case.burst
    )
    for stream in BTC:
        told = watch.of(stream)
        owed = outcome.owed(stream, told)
        assert told == owed[: len(told)]
        assert len(told) > 0.8 * len(owed)
    assert all(outcome.exchange.plan.hits[kind] for kind in case.hits), outcome.exchange.plan.hits
    assert outcome.report.error is None
    assert outcome.report.conservation.holds
    assert watch.ended
    (feed,) = outcome.report.feeds
    assert all(getattr(feed, count) for count in case.counts)
    reasons = [notice.reason for notice in watch.notices if isinstance(notice, Lost)]
    assert len(reasons) == feed.restarts
    assert not case.lost or any(case.lost in reason for reason in reasons), reasons
    _check_told(watch, case)


def _check_told(watch: Any, case: Passing) -> None:
    """Every loss is followed by its end, and nothing but the very end of the session declares a hole."""
    resumed = [notice for notice in watch.notices if isinstance(notice, Resumed)]
    lost = [notice for notice in watch.notices if isinstance(notice, Lost)]
    assert bool(resumed) == bool(lost)
    assert all(notice.gaps == 0 for notice in resumed)
    assert not watch.gaps, "nothing is lost for good"
    if case.outage_s is not None:
        low_s, high_s = case.outage_s
        assert low_s <= resumed[0].outage_s <= high_s


@pytest.mark.parametrize(
    ("faults", "waits_s"),
    [
        (fault("http_status", status=500, next=3), 1.7),
        (fault("http_status", status=429, next=1, headers={"Retry-After": "20"}), 20),
    ],
    ids=["500", "429"],
)
async def test_a_session_waits_for_a_venue_that_is_busy_when_it_begins(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, faults: str, waits_s: float
) -> None:
    watch = watcher(BTC)
    outcome = await hold(watch.plug(), faults=faults, for_s=10, symbols=("BTC/USD",), events_per_s=8.0, burst=False)
    assert len(watch.events) > 50
    assert watch.ended
    assert waits_s + 10 <= outcome.report.duration_s <= waits_s + 12


async def test_a_venue_that_stays_away_ends_the_session_before_it_begins(
    autojump_clock: trio.abc.Clock, hold: Any, doomed: Any, watcher: Any
) -> None:
    error = await doomed(hold(watcher(BTC).plug(), faults=fault("http_status", status=503), symbols=("BTC/USD",)))
    assert trio.current_time() < WITHIN_S
    assert isinstance(error, VenueBusy)
    assert error.exit_code == 4
    _check_sentence(str(error), ("/v2/clock", "HTTP 503"))


@frozen
class Refused:
    """A condition that one strategy ends with: it asks for ``stream`` while another has been live for a while."""

    stream: Stream
    says: tuple[str, ...]
    faults: str = ""


ETH = Stream(Kind.TRADES, "ETH/USD")


def refusal(code: int) -> str:
    """The next subscription after 40 events is refused with this code."""
    return fault("error", code=code, phase="subscribe", cut=False, after_events=40)


REFUSED = {
    "400_not_a_symbol": Refused(Stream(Kind.BOOKS, "AAPL"), ("error 400", "check how the symbol is written")),
    "400_injected": Refused(ETH, ("error 400", "symbol"), refusal(400)),
    "405_symbol_limit": Refused(ETH, ("error 405", "fewer symbols"), fault("symbol_limit", limit=1)),
    "410_no_such_channel": Refused(Stream(Kind.STATUSES, "BTC/USD"), ("error 410", "no such channel")),
    "410_injected": Refused(ETH, ("error 410", "another feed"), refusal(410)),
    "413_injected": Refused(ETH, ("error 413", "name the contracts"), refusal(413)),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refused_subscription_ends_its_strategy_and_no_other(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, name: str
) -> None:
    case = REFUSED[name]
    watch = watcher(BTC)
    raised: list[SubscriptionRefused] = []

    @strategy()
    async def late(ctx: Context) -> None:
        await trio.sleep(10)
        try:
            async with ctx.streams(case.stream, Stream(Kind.TRADES, "BTC/USD")) as events:
                async for _ in events:
                    pass
        except SubscriptionRefused as refused:
            raised.append(refused)
            raise

    outcome = await hold(
        watch.plug(), late, faults=case.faults, for_s=40, symbols=("BTC/USD", "ETH/USD"), events_per_s=16.0,
        burst=False,
    )  # fmt: skip
    rows = {row.name: row for row in outcome.report.strategies}
    assert (rows["late"].state, rows["watcher"].error) == ("failed", None)
    (refused,) = raised
    _check_sentence(str(refused), ("late", str(case.stream), *case.says))
    assert any(isinstance(notice, Halted) and notice.strategy == "late" for notice in watch.notices)
    for stream in BTC:
        told = watch.of(stream)
        assert told == outcome.owed(stream, told)[: len(told)]
        assert len(told) > 0.9 * len(outcome.published(stream))
    assert [feed.restarts for feed in outcome.report.feeds] == [0]
