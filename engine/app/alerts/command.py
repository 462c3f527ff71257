"""``gapless alert test``: 0 every channel took the notice, 4 one did not, 2 a setting is wrong or there is no channel.

What it cannot know is whether a person saw it: a service that takes a notice may still keep it. So it says "taken".
"""

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import trio
from attrs import asdict, frozen

from engine.app.alerts.channels import Channel, channels_of, secrets_of
from engine.app.alerts.flags import AlertFlags
from engine.app.alerts.outbox import Send
from engine.app.alerts.post import Post, check_channels
from engine.app.config.settings import ALERT_VARIABLE, load_settings
from engine.app.logs import Redactor
from engine.core.alerts import Notice, Why
from engine.errors import Misconfigured, PartFailed
from engine.model.alert import Severity

NOT_TAKEN: Final = 4
"""The exit code when a channel did not take the notice."""
ACTIONS: Final = ("test",)


@frozen
class Tested:
    """What became of the test notice at one channel."""

    channel: str
    least: str
    further: bool
    taken: bool
    took_ms: int
    reason: str = ""


async def alert_command(flags: AlertFlags, environ: Mapping[str, str] = os.environ) -> int:
    """Send the test notice and tell; raises `Misconfigured`."""
    if flags.action not in ACTIONS:
        raise Misconfigured(f"gapless alert {flags.action}: there is no such thing; there is 'gapless alert test'.")
    settings = load_settings(file=flags.config, environ=environ, flags={}, folder=Path.cwd())
    settings.alerts.policy()
    channels = channels_of(settings.alerts, settings.alert_urls, environ)
    if not channels:
        raise Misconfigured(
            f"No alert channel is set: put addresses into {ALERT_VARIABLE}, or name variables in [alerts] channels."
        )
    check_channels(channels)
    redact = Redactor((settings.key_id, settings.secret_key, *secrets_of(channels)))
    tested = await send_tests(channels, Post(f"gapless on {socket.gethostname()}"))
    sys.stdout.write(redact(_as_json(tested) if flags.json else _as_text(tested)) + "\n")
    sys.stdout.flush()
    return 0 if all(one.taken for one in tested) else NOT_TAKEN


async def send_tests(channels: Sequence[Channel], send: Send) -> list[Tested]:
    """Send the test notice through all channels at once; what became of each, in their order."""
    notice = Notice(
        why=Why.TEST,
        severity=Severity.INFO,
        title="TEST: alerts reach you here",
        text="This is the notice of 'gapless alert test'. Nothing is wrong.",
    )
    found: dict[str, Tested] = {}

    async def test(channel: Channel) -> None:
        began_s, reason = trio.current_time(), ""
        try:
            await send(channel, notice)
        except PartFailed as failure:
            reason = str(failure)
        took_ms = round((trio.current_time() - began_s) * 1000)
        found[channel.name] = Tested(channel.name, channel.least.value, channel.further, not reason, took_ms, reason)

    async with trio.open_nursery() as nursery:
        for channel in channels:
            nursery.start_soon(test, channel)
    return [found[channel.name] for channel in channels]


def _as_json(tested: Sequence[Tested]) -> str:
    return msgspec.json.encode(
        {"taken": all(one.taken for one in tested), "channels": [asdict(one) for one in tested]}
    ).decode()


def _as_text(tested: Sequence[Tested]) -> str:
    lines = []
    for one in tested:
        wants = f"{one.least} and worse" + (", after escalation" if one.further else "")
        said = f"taken in {one.took_ms} ms" if one.taken else f"NOT TAKEN: {one.reason}"
        lines.append(f"{one.channel} ({wants}): {said}")
    return "\n".join(lines)
