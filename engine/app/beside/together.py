"""Which parts stand beside a session of ``gapless run``, by its settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from engine.app.beside.attach import Part, stand_beside
from engine.app.beside.board import Board
from engine.app.beside.engine import Attached, Engine
from engine.app.beside.moments import note_moments
from engine.app.config.settings import Settings


def parts_of(settings: Settings) -> Attached | None:
    """What these settings want beside a session; raises `Misconfigured` for what could not run."""
    parts: dict[str, Part] = {}
    if settings.web.port is not None:
        from engine.web import check_web, serve_dashboard

        check_web(settings.web)
        parts["moments"] = note_moments
        parts["dashboard"] = partial(serve_dashboard, settings=settings.web)
    if not parts:
        return None

    @asynccontextmanager
    async def attached(engine: Engine) -> AsyncIterator[None]:
        engine.alarms = Board()
        async with stand_beside(engine, parts):
            yield

    return attached
