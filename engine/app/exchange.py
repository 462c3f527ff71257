"""``gapless exchange``: serve the embedded Alpaca until somebody says stop.

The first line on stdout holds the four addresses, as JSON if asked for, so a script can start an exchange and read
where it is. Everything else goes to stderr: statistics at the end, and a warning when other machines are let in.
"""

import json as json_text
import signal
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import trio

from engine.app.flags import ExchangeFlags
from engine.core.matching.ledger import AccountTerms
from engine.core.matching.models import MODELS
from engine.errors import Misconfigured
from engine.exchange.faults import load_faults
from engine.exchange.line.limits import LineOptions
from engine.exchange.serve import LOOPBACK, ExchangeOptions, Running, build_faults, open_exchange
from engine.exchange.tiers import TIERS

LOCAL: Final = (LOOPBACK, "localhost", "::1")
"""Hosts on which only this machine can connect."""
PORT_MAX: Final = 65_535
CASH_MAX: Final = 10**12
"""A trillion dollars: beyond it amounts no longer look like money in a table."""
SHOWN_MAX: Final = 10
"""Symbols named on the screen: a line's worth."""


def plan_exchange(flags: ExchangeFlags) -> ExchangeOptions:
    """What the flags ask for; raises `Misconfigured` naming the flag."""
    if not 0 <= flags.port <= PORT_MAX:
        raise Misconfigured(f"--port {flags.port} is not a port: give 0 (free ones) to {PORT_MAX}.")
    if not 0 <= flags.speed < float("inf"):
        raise Misconfigured(f"--speed {flags.speed:g} is not possible: give 0 (as fast as it is read) or more.")
    if flags.frame_events < 1:
        raise Misconfigured(f"--frame-events {flags.frame_events} is not possible: a frame holds at least 1.")
    if flags.ping_every is not None and flags.ping_every <= 0:
        raise Misconfigured(f"--ping-every {flags.ping_every:g} is not possible: give seconds above 0.")
    if not 0 < flags.cash <= CASH_MAX:
        raise Misconfigured(f"--cash {flags.cash} is not possible: give dollars above 0, a trillion at most.")
    return ExchangeOptions(
        symbols=tuple(symbol for symbol in (each.strip() for each in flags.symbols.split(",")) if symbol),
        seed=flags.seed,
        events_per_s=flags.events_per_s,
        burst=not flags.even,
        start=_utc(flags.start),
        tapes=flags.tape,
        speed=flags.speed,
        faults=() if flags.faults is None else load_faults(flags.faults),
        chaos=flags.chaos,
        fills=MODELS[flags.fills],
        terms=AccountTerms(cash=Decimal(flags.cash)),
        keys=frozenset(_pair(text) for text in flags.keys),
        host=flags.host,
        port=flags.port,
        line=LineOptions(frame_events_max=flags.frame_events, ping_every_s=flags.ping_every, tier=TIERS[flags.plan]),
    )


def _utc(moment: datetime | None) -> datetime | None:
    """A moment without a zone is meant in UTC, as everything here is."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _pair(text: str) -> tuple[str, str]:
    key, colon, secret = text.partition(":")
    if not (key and colon and secret):
        raise Misconfigured("--keys takes KEY:SECRET, two texts with a colon between them.")  # never echo a secret
    return key, secret


async def serve_command(options: ExchangeOptions, *, as_json: bool) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with open_exchange(options) as running:
            print(json_text.dumps(running.urls()) if as_json else _describe(running, options), flush=True)
            if options.host not in LOCAL:
                _note(
                    f"listening on {options.host}: other machines can connect, and nothing here is hardened for that."
                )
            async for _ in signals:
                break
            _note("stopped. " + json_text.dumps(running.summary()))
    return 0


def _describe(running: Running, options: ExchangeOptions) -> str:
    pace = "as fast as it is read" if options.speed == 0 else f"{options.speed:g} market seconds a second"
    what = ", ".join(path.name for path in options.tapes) or f"a market made from seed {options.seed}"
    symbols = running.market.source.symbols
    more = f" and {len(symbols) - SHOWN_MAX} more" if len(symbols) > SHOWN_MAX else ""
    lines = [
        f"The embedded Alpaca plays {what}, {pace}.",
        f"  {'symbols':<19} {', '.join(symbols[:SHOWN_MAX])}{more}",
        *(f"  {name.replace('_', ' '):<19} {url}" for name, url in running.urls().items()),
        f"  {'faults':<19} {len(build_faults(options)) or 'none'}",
        f"  {'account':<19} {options.terms.cash:,} dollars, plan {options.line.tier.name}",
        f"  {'fills':<19} {running.brokerage.model.describe()}",
        "Any keys are accepted." if not options.keys else "Only the keys given are accepted.",
        *(["Only this machine can connect."] if options.host in LOCAL else []),
        "Ctrl-C ends it.",
    ]
    return "\n".join(lines)


def _note(sentence: str) -> None:
    sys.stderr.write(f"gapless exchange: {sentence}\n")
