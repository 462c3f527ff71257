"""Handing one notice to apprise, in a thread: it blocks, and its asynchronous side does not run under Trio.

The thread is abandoned when its time is up and ends by itself when the library's own timeouts let go of it. Each
channel has one thread at most, so a server that never answers holds up nobody but its own channel.
"""

import logging
import warnings
from functools import cache, partial
from typing import Any, Final

import trio
from attrs import define, field

from engine.app.alerts.channels import Channel, secrets_of
from engine.app.logs import Redactor
from engine.core.alerts import Notice, Why
from engine.errors import Misconfigured, PartFailed
from engine.model.alert import Severity

SEND_WITHIN_S: Final = 10.0
"""A mail server that is slow takes some seconds; a person who waits for a notice does not wait longer."""
REASON_CHARS_MAX: Final = 200
"""Of what a library says about a failure."""
_TYPES: Final = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}


@cache
def load_apprise() -> Any:
    """The library with all its services, silenced: what it would log has whole addresses in it.

    Takes half a second, so a session does it before it starts. Raises `Misconfigured`.
    """
    try:
        import apprise
    except ImportError:
        raise Misconfigured(
            "Alerts are to be sent, and the library for that is not installed: pip install 'gapless[alerts]'."
        ) from None
    logging.getLogger("apprise").propagate = False
    with warnings.catch_warnings():  # of what its services import, which is not ours to mend
        warnings.simplefilter("ignore")
        apprise.Apprise.instantiate("json://localhost")
    return apprise


def check_channels(channels: tuple[Channel, ...]) -> None:
    """Raise `Misconfigured` for an address that no service of apprise takes."""
    if not channels:
        return
    apprise = load_apprise()
    for channel in channels:
        if apprise.Apprise.instantiate(channel.url.reveal()) is None:
            raise Misconfigured(
                f"The alert address of channel {channel.name!r} is not one that apprise knows how to use: compare it "
                "with its page at https://appriseit.com/services/."
            )


@define(eq=False)
class Post:
    """Sends notices. ``where`` begins each title, so that somebody with several engines knows which."""

    where: str
    within_s: float = SEND_WITHIN_S
    _limiters: dict[str, trio.CapacityLimiter] = field(factory=dict)

    async def __call__(self, channel: Channel, notice: Notice) -> None:
        """Send one notice; raises `PartFailed` with the reason where it was not taken in time."""
        limiter = self._limiters.setdefault(channel.name, trio.CapacityLimiter(1))
        send = partial(_send, channel, f"{self.where}: {notice.title}", notice)
        with trio.move_on_after(self.within_s):
            reason = await trio.to_thread.run_sync(send, abandon_on_cancel=True, limiter=limiter)
            if reason:
                raise PartFailed(f"alert channel {channel.name}: {reason}")
            return
        raise PartFailed(f"alert channel {channel.name}: no answer within {self.within_s:g} s")


def _send(channel: Channel, title: str, notice: Notice) -> str:
    """Why it was not taken; empty if it was. Whatever a plug-in raises is a reason too."""
    apprise = load_apprise()
    try:
        # Without time limits of its own apprise has no executor of its own, whose threads would be waited for at the
        # end of the process. Nothing of ours is put on its disk.
        asset = apprise.AppriseAsset(
            app_id="gapless",
            app_desc="gapless",
            async_mode=False,
            service_timeout=0,
            storage_mode="memory",
            result_log_disk_size=0,
        )
        target = apprise.Apprise(asset=asset)
        service = apprise.Apprise.instantiate(channel.url.reveal(), asset=asset)
        if service is None:
            return "its address is not one that apprise knows how to use"
        service.overflow_mode = apprise.OverflowMode.SPLIT  # a long digest is several messages, and nothing is cut off
        target.add(service)
        kind = "success" if notice.why is Why.OVER else _TYPES[notice.severity]
        result = target.notify(title=title, body=notice.text or notice.title, notify_type=kind, body_format="text")
        if result:
            return ""
        said = [entry.message for entry in result.logs()]
    except Exception as error:  # noqa: BLE001 - one of a hundred plug-ins, told as the reason
        said = [f"{type(error).__name__}: {error}"]
    reason = " ".join(" ".join(said[-2:]).split()) or "it was not taken"
    return Redactor(secrets_of((channel,)))(reason)[:REASON_CHARS_MAX]
