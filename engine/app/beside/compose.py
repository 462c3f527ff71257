"""What stands beside every ``gapless run``: alerts, and inside of them the parts that have something to tell."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from engine.app.alerts.channels import Channel, channels_of, secrets_of
from engine.app.alerts.open import open_alerts
from engine.app.alerts.post import check_channels
from engine.app.beside.attach import Part, stand_beside
from engine.app.beside.engine import Attached, Engine
from engine.app.beside.moments import note_moments
from engine.app.beside.reading import read_overview
from engine.app.config.settings import Settings
from engine.app.health.part import health_part
from engine.app.logs import Redactor
from engine.app.secrets import Secret
from engine.app.top.serve import serve_top
from engine.app.watching import serve_watch


def alert_channels(settings: Settings, environ: Mapping[str, str] = os.environ) -> tuple[Channel, ...]:
    """The channels of a session, each known to be usable; raises `Misconfigured`."""
    channels = channels_of(settings.alerts, settings.alert_urls, environ)
    check_channels(channels)
    return channels


def secrets_beside(settings: Settings, channels: tuple[Channel, ...]) -> tuple[Secret[str] | None, ...]:
    """All that no line, page or notice may hold."""
    return (settings.key_id, settings.secret_key, settings.web.token, *secrets_of(channels))


def parts_of(settings: Settings, redact: Callable[[str], str]) -> dict[str, Part]:
    """What runs beside a session, by name; raises `Misconfigured` for what could not run."""
    parts: dict[str, Part] = {
        "moments": note_moments,
        "watch": serve_watch,
        "health": health_part(settings.health, read_overview, redact=redact),
        "top": serve_top,
    }
    if settings.web.port is not None:
        from engine.web import check_web, serve_dashboard

        check_web(settings.web)
        parts["dashboard"] = partial(serve_dashboard, settings=settings.web)
    return parts


def beside_of(settings: Settings, channels: tuple[Channel, ...] = ()) -> Attached:
    """Alerts first, so that they outlive the others and tell how the session ended. Raises `Misconfigured`."""
    settings.alerts.policy()
    redact = Redactor(secrets_beside(settings, channels))
    parts = parts_of(settings, redact)

    @asynccontextmanager
    async def attached(engine: Engine) -> AsyncIterator[None]:
        async with open_alerts(engine, settings.alerts, channels, redact=redact), stand_beside(engine, parts):
            yield

    return attached
