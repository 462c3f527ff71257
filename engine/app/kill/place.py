"""Where there is something to kill: the broker, the keys, and the state folder of the account."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import time, time_ns
from typing import Final

import msgspec
import trio
from attrs import frozen

from engine.app.config.settings import KEY_VARIABLES, Settings, load_settings
from engine.app.kill.flags import GuardFlags, KillFlags
from engine.app.logs import configure_logs
from engine.errors import BrokerUnavailable, GaplessError, KeysRefused, Misconfigured, Retryable
from engine.flow.clock import MarketClock
from engine.store import state_folder
from engine.venues.alpaca.broker import AlpacaBroker
from engine.venues.alpaca.clock import VenueTime, read_clock
from engine.venues.alpaca.endpoints import LIVE, PAPER, Keys
from engine.venues.alpaca.http import GuardedClient, open_client
from engine.venues.alpaca.rate import LIMIT_PER_MIN, RESERVE_SHARE, Throttle

EXCHANGE_PER_MIN: Final = 10_000
"""What the embedded exchange allows in a minute."""
ASK_MAX_S: Final = 3.0
"""For the venue's clock and for the account's number: out of the ten seconds that a person waits for."""


@frozen(kw_only=True)
class Place:
    """What the settings and the flags point at."""

    venue: str
    trading_url: str
    keys: Keys
    state: Path | None
    per_minute: int
    cancel_only: bool


def find_place(flags: KillFlags | GuardFlags) -> Place:
    """Read settings and keys; raises `Misconfigured`."""
    settings = load_settings(
        file=flags.config,
        environ=os.environ,
        flags={"venue": flags.venue, "state": flags.state, "endpoints.trading_url": flags.trading_url},
        folder=Path.cwd(),
    )
    configure_logs(level="error", secrets=(settings.key_id, settings.secret_key))
    if not flags.within > 0:
        raise Misconfigured(f"--within {flags.within:g} is not possible: give seconds above 0.")
    return Place(
        venue=settings.venue,
        trading_url=_trading_url(settings),
        keys=_keys(settings),
        state=settings.state,
        per_minute=settings.tuning.rest_per_minute or _per_minute(settings),
        cancel_only=flags.cancel_only or settings.on_kill == "cancel",
    )


def _trading_url(settings: Settings) -> str:
    given = settings.endpoints.trading_url
    if given is None and settings.venue == "exchange":
        raise Misconfigured(
            "Venue exchange has no fixed address: give the --trading-url that 'gapless exchange --json' prints, or "
            "choose --venue paper or --venue live. (An exchange inside 'gapless run' ends with it.)"
        )
    return given or (LIVE if settings.venue == "live" else PAPER).trading_url


def _keys(settings: Settings) -> Keys:
    if settings.key_id and settings.secret_key:
        return Keys(settings.key_id.reveal(), settings.secret_key.reveal())
    if settings.venue == "exchange":
        return Keys("any", "any")  # an exchange of one's own takes any keys unless told which
    raise Misconfigured(f"Venue {settings.venue} needs keys: set {' and '.join(KEY_VARIABLES)}.")


def _per_minute(settings: Settings) -> int:
    return EXCHANGE_PER_MIN if settings.venue == "exchange" else LIMIT_PER_MIN


@frozen(kw_only=True)
class Reach:
    """An open way to the broker. ``clock`` is the venue's time, or this machine's where the venue does not say."""

    client: GuardedClient
    broker: AlpacaBroker
    clock: MarketClock


@asynccontextmanager
async def open_reach(place: Place) -> AsyncIterator[Reach]:
    """Open the way to the broker; nothing is asked yet."""
    headers = {"APCA-API-KEY-ID": place.keys.key_id, "APCA-API-SECRET-KEY": place.keys.secret}
    async with open_client(place.trading_url, headers) as client:
        throttle = Throttle(place.per_minute, wall_s=time, reserve_share=RESERVE_SHARE)
        clock = MarketClock(None, time_ns)
        yield Reach(client=client, broker=AlpacaBroker(client, throttle, lambda _: None), clock=clock)


async def set_clock(reach: Reach) -> None:
    """Go by the venue's clock if it tells: an exchange that plays last March is open by its own hours."""
    reading: VenueTime | None = None
    with trio.move_on_after(ASK_MAX_S), suppress(Retryable):
        reading = await read_clock(reach.client)
    if reading is not None:
        reach.clock.take(reading)


async def find_folder(place: Place, reach: Reach) -> Path | None:
    """The state folder: the one that was named, else the account's own; ``None`` where there is none.

    Where the broker does not tell which account this is, the only folder of the venue will do: it may be the hour in
    which nothing answers, and the latch is to be written all the same. Raises `BrokerUnavailable` where there are
    several, and `KeysRefused`.
    """
    try:
        own = await own_folder(place, reach)
    except BrokerUnavailable:
        root = state_folder(place.venue, "any", None, os.environ).parent
        found = sorted(path for path in root.glob(f"{place.venue}-*") if path.is_dir())
        if len(found) != 1:
            raise
        return found[0]
    return own if own.is_dir() else None


async def own_folder(place: Place, reach: Reach) -> Path:
    """The folder that an engine on this account would use. Raises `BrokerUnavailable` and `KeysRefused`."""
    if place.state is not None:
        await trio.lowlevel.checkpoint()
        return place.state
    return state_folder(place.venue, await read_account_number(reach.client), None, os.environ)


async def read_account_number(client: GuardedClient) -> str:
    """Which account these keys belong to. Raises `BrokerUnavailable` and `KeysRefused`."""
    try:
        with trio.fail_after(ASK_MAX_S):
            reply = await client.get("/v2/account")
    except (trio.TooSlowError, GaplessError) as error:
        raise BrokerUnavailable(
            f"{client.host} does not tell which account this is; name the folder by --state."
        ) from error
    if reply.status in (401, 403):
        raise KeysRefused(f"{client.host} does not know these keys (HTTP {reply.status}).")
    try:
        return str(msgspec.json.decode(reply.body, type=dict[str, object])["account_number"])
    except (ValueError, KeyError) as error:
        raise BrokerUnavailable(f"{client.host} tells no account number; name the folder by --state.") from error
