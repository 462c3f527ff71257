"""``gapless doctor``: the things that are wrong most often, looked at one by one, each with what to do about it.

Nearly every first evening with the venue ends on one of four: keys of the other environment, a feed the plan does
not hold, a clock that is off, a line that is open and silent. Each check asks the venue directly, has a deadline of
its own, and is told also when an earlier one failed, because the first thing that is wrong is rarely the only one.
"""

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
import trio
from attrs import asdict, evolve, frozen

from engine.app.config.settings import KEY_VARIABLES, Settings, load_settings
from engine.app.flags import DoctorFlags
from engine.app.logs import configure_logs
from engine.app.screen.tables import Sheet, render_plain
from engine.codec.wire import Encoding, Family
from engine.errors import GaplessError, KeysRefused, Misconfigured, PlanRefused, SessionHeld
from engine.model.market import Kind
from engine.model.stream import ANY, Stream
from engine.venues.alpaca.clock import VenueTime, read_clock
from engine.venues.alpaca.endpoints import LIVE, PAPER, Endpoints, FeedSpec, Keys, environment_of, feed_spec
from engine.venues.alpaca.feed import AlpacaFeed
from engine.venues.alpaca.http import open_client
from engine.venues.alpaca.socket import LineSettings

CHECK_MAX_S: Final = 15.0
"""One check: longer than a handshake may take (10 s), short enough that five of them are bearable."""
MESSAGE_MAX_S: Final = 10.0
"""A liquid symbol has a quote every second while its market is open."""
PING_EVERY_S: Final = 1.0
"""Far more often than a session does, so that a dead path shows within this check."""
SKEW_MAX_S: Final = 1.0
"""A clock further off makes lag figures useless and bounds of history wrong."""
_CANARIES: Final = {Family.STOCKS: "SPY", Family.CRYPTO: "BTC/USD"}
"""A symbol that is never quiet while its market is open. ``*`` would do but is a flood at a real venue."""

Verdict: TypeAlias = Literal["ok", "fail", "skip"]


@frozen
class Check:
    """One thing looked at: what was found, and what to do where it is not fine."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""


@frozen
class Patient:
    """What is examined: addresses, keys, and the feed."""

    endpoints: Endpoints
    keys: Keys | None
    feed: FeedSpec
    canary: Stream


async def examine(flags: DoctorFlags) -> int:
    """Run all checks and print them; returns 0 if all are fine, else 1."""
    names = ("data_stream_url", "data_url", "trading_stream_url", "trading_url")
    given = {f"endpoints.{name}": getattr(flags, name) for name in names}
    settings = load_settings(
        file=flags.config,
        environ=os.environ,
        flags={**given, "venue": flags.venue, "feed": flags.feed or None},
        folder=Path.cwd(),
    )
    configure_logs(level="error", secrets=(settings.key_id, settings.secret_key))
    checks = await run_checks(build_patient(settings, asked=flags.venue is not None))
    healthy = all(check.verdict == "ok" for check in checks)
    if flags.json:
        told = {"ok": healthy, "checks": [asdict(check) for check in checks]}
        print(msgspec.json.encode(told).decode())
    else:
        print(render_checks(checks))
    return 0 if healthy else 1


def build_patient(settings: Settings, *, asked: bool) -> Patient:
    """What these settings point at. Without any address, a venue that was not ``asked`` for means paper."""
    addresses = {name: url for name, url in asdict(settings.endpoints).items() if url is not None}
    if settings.venue == "exchange" and not addresses and asked:
        raise Misconfigured("Venue exchange has no fixed address: give the URLs that 'gapless exchange --json' prints.")
    endpoints = evolve(LIVE if settings.venue == "live" else PAPER, **addresses)
    if settings.venue == "exchange" and addresses and len(addresses) < len(asdict(endpoints)):
        missing = ", ".join(f"--{name.replace('_', '-')}" for name in asdict(endpoints) if name not in addresses)
        raise Misconfigured(f"Some addresses of the exchange are missing: give {missing} too, or choose a --venue.")
    keys = None
    if settings.key_id and settings.secret_key:
        keys = Keys(settings.key_id.reveal(), settings.secret_key.reveal())
    elif settings.venue == "exchange" and addresses:
        keys = Keys("any", "any")  # an exchange of one's own takes any keys unless told which
    feed = feed_spec(settings.feed[-1] if settings.feed else "iex", Encoding(settings.encoding))
    symbol = _CANARIES.get(feed.family, ANY) if environment_of(endpoints.trading_url) else ANY
    kind = Kind.NEWS if feed.family is Family.NEWS else Kind.QUOTES
    return Patient(endpoints, keys, feed, Stream(kind, "FAKEPACA" if feed.name == "test" else symbol))


async def run_checks(patient: Patient) -> list[Check]:
    """Look at everything, one after the other; nothing here raises for what it finds."""
    await trio.lowlevel.checkpoint()
    checks = [check_keys(patient)]
    if patient.keys is None:
        return checks
    market_open: bool | None = None

    async def clock() -> Check:
        nonlocal market_open
        check, market_open = await _check_clock(patient)
        return check

    for name, look in (
        ("account", lambda: _check_account(patient)),
        ("clock", clock),
        ("feed", lambda: _check_feed(patient)),
    ):
        checks.append(await _bounded(name, look))
    if checks[-1].verdict == "ok":
        checks.append(await _bounded("line", lambda: _check_line(patient, market_open=market_open)))
    else:
        checks.append(Check("line", "skip", "not tried: the feed did not let us in", "Mend the feed first."))
    return checks


async def _bounded(name: str, look: Callable[[], Awaitable[Check]]) -> Check:
    """One check under its deadline, with its failure as a finding."""
    await trio.lowlevel.checkpoint()
    try:
        with trio.fail_after(CHECK_MAX_S):
            return await look()
    except trio.TooSlowError:
        return Check(name, "fail", f"no answer within {CHECK_MAX_S:g} s", "Check the network, the proxy and the URL.")
    except GaplessError as error:
        return Check(name, "fail", str(error), _advice(error))


def _advice(error: GaplessError) -> str:
    if isinstance(error, KeysRefused):
        return f"Set {' and '.join(KEY_VARIABLES)} to keys of this environment: PK... is paper, AK... is live."
    if isinstance(error, PlanRefused):
        return "Choose --feed iex, which every plan holds, or upgrade the plan of this account."
    if isinstance(error, SessionHeld):
        return "Stop the other session of this account, or wait 90 s if one of yours was just killed."
    return "Check the network and the URL; then try again."


def check_keys(patient: Patient) -> Check:
    """Keys against endpoint, by what their first letters say."""
    if patient.keys is None:
        return Check(
            "keys", "fail", "no keys are set", f"Set {' and '.join(KEY_VARIABLES)}; the venue's site makes them."
        )
    hint, environment = patient.keys.hint, environment_of(patient.endpoints.trading_url)
    wanted = {"paper": "PK", "live": "AK"}.get(environment, "")
    if wanted and hint in ("PK", "AK") and hint != wanted:
        other = "live" if environment == "paper" else "paper"
        found = f"the keys begin with {hint}, which makes them {other} keys, and the endpoint is {environment}"
        return Check("keys", "fail", found, f"Use --venue {other}, or set keys that begin with {wanted}.")
    return Check("keys", "ok", f"set, beginning with {hint}" + (f", for {environment}" if environment else ""))


async def _check_account(patient: Patient) -> Check:
    """Whether the trading host knows these keys."""
    assert patient.keys is not None
    path, headers = "/v2/account", _headers(patient.keys)
    async with open_client(patient.endpoints.trading_url, headers) as client:
        reply = await client.get(path)
        told = client.without_secrets(reply.body[:200].decode(errors="replace"))
    if reply.status in (401, 403):
        raise KeysRefused(f"{client.host} does not know these keys (HTTP {reply.status})")
    if reply.status != 200:
        return Check("account", "fail", f"{client.host} answered HTTP {reply.status}: {told}", "Check --trading-url.")
    try:
        status = msgspec.json.decode(reply.body, type=dict[str, object]).get("status", "no status")
    except ValueError:  # msgspec raises UnicodeDecodeError too
        return Check("account", "fail", f"{client.host}{path} answered with something else", "Check --trading-url.")
    if status != "ACTIVE":
        return Check("account", "fail", f"the account is {status}", "Ask the venue's support what it needs.")
    return Check("account", "ok", f"{client.host} knows the keys; the account is {status}")


async def _check_clock(patient: Patient) -> tuple[Check, bool]:
    """The clock of this machine against the venue's; an exchange that announces a speed has a time of its own."""
    assert patient.keys is not None
    async with open_client(patient.endpoints.trading_url, _headers(patient.keys)) as client:
        told = await read_clock(client)
    market = "the market is open" if told.is_open else "the market is closed"
    if told.speed is not None:
        return Check("clock", "ok", f"the exchange keeps its own time at speed {told.speed:g}; {market}"), told.is_open
    skew_s = _skew_s(told, time.time_ns())
    found = f"this machine is {abs(skew_s):.2f} s {'ahead' if skew_s > 0 else 'behind'}; {market}"
    if abs(skew_s) > SKEW_MAX_S + told.round_trip_s:
        return Check("clock", "fail", found, "Set the clock by NTP: timedatectl set-ntp true."), told.is_open
    return Check("clock", "ok", found), told.is_open


def _skew_s(told: VenueTime, now_ns: int) -> float:
    """How far this machine is ahead, taking the venue's word as spoken half way through the round trip."""
    return (now_ns - told.timestamp_ns) / 1e9 - told.round_trip_s / 2


async def _check_feed(patient: Patient) -> Check:
    """Log in on the data stream: the plan is looked at there (409), not on the upgrade."""
    feed = _feed(patient)
    start_s = trio.current_time()
    async with feed.open_line():
        took_s = trio.current_time() - start_s
    return Check("feed", "ok", f"{patient.feed.name} let us in after {took_s * 1000:.0f} ms")


async def _check_line(patient: Patient, *, market_open: bool | None) -> Check:
    """Whether the line brings anything, and whether pings are answered while it does not."""
    start_s = trio.current_time()
    async with _feed(patient).open_line() as line:
        await line.want({patient.canary})
        with trio.move_on_after(MESSAGE_MAX_S):
            while not (arrival := await line.receive()).events:
                if arrival.refused:
                    return Check("line", "fail", arrival.refused[0][1], "Choose another feed or symbol.")
            took_s = trio.current_time() - start_s
            return Check("line", "ok", f"the first of {patient.canary} came after {took_s:.1f} s")
    idle = f"pings were answered, and nothing of {patient.canary} came in {MESSAGE_MAX_S:g} s"
    if market_open is False and patient.feed.family is not Family.CRYPTO:
        return Check("line", "ok", f"{idle}, as is to be expected while the market is closed")
    if patient.feed.family in (Family.NEWS, Family.OPTIONS):
        return Check("line", "ok", f"{idle}, which happens on a feed of this kind")
    return Check("line", "fail", idle, "Try again in a minute; if it stays, look at the venue's status page.")


def _feed(patient: Patient) -> AlpacaFeed:
    assert patient.keys is not None
    return AlpacaFeed(
        name=patient.feed.name,
        url=patient.feed.url(patient.endpoints.data_stream_url),
        family=patient.feed.family,
        encoding=patient.feed.encoding,
        keys=patient.keys,
        now_ns=time.time_ns,
        environment=patient.endpoints.environment,
        settings=LineSettings(ping_every_s=PING_EVERY_S),
    )


def _headers(keys: Keys) -> dict[str, str]:
    return {"APCA-API-KEY-ID": keys.key_id, "APCA-API-SECRET-KEY": keys.secret}


def render_checks(checks: list[Check]) -> str:
    """A line each, and what to do under those that are not fine."""
    rows = tuple((check.verdict, check.name, check.found) for check in checks)
    text = render_plain(Sheet("Doctor", ("<verdict", "<check", "<found"), rows))
    todo = [f"- {check.name}: {check.advice}" for check in checks if check.verdict != "ok"]
    return text + ("\n\nWhat to do:\n" + "\n".join(todo) if todo else "\n\nAll fine.")
