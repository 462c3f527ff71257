"""The dashboard as a part beside a session: put together, served, and told of."""

from functools import partial
from importlib.util import find_spec
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final

import trio

from engine.app.beside.engine import Engine
from engine.app.beside.reading import read_overview
from engine.app.config.web import TOKEN_CHARS_MIN, TOKEN_VARIABLE, WebSettings
from engine.app.logs import redacting
from engine.app.secrets import Secret
from engine.errors import Misconfigured
from engine.store.sqlite import RunSync
from engine.web.guard.names import is_loopback

if TYPE_CHECKING:
    from engine.web.site import Site

NEEDS: Final = ("starlette", "anycorn", "anyio")
"""The packages of the extra ``web``."""
TOKEN_BYTES: Final = 24
"""Of a random token: 32 characters to paste."""


def check_web(settings: WebSettings) -> None:
    """Raise `Misconfigured` for a dashboard that could not be served, or should not."""
    if settings.port is None:
        return
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise Misconfigured(
            f"The dashboard needs {' and '.join(missing)}: install gapless with its extra 'web', as in "
            "pip install 'gapless[web]'."
        )
    if settings.token is not None and len(settings.token.reveal()) < TOKEN_CHARS_MIN:
        raise Misconfigured(f"{TOKEN_VARIABLE} is too short: give it {TOKEN_CHARS_MIN} characters or more.")
    if not is_loopback(settings.host) and settings.token is None:
        raise Misconfigured(
            f"The dashboard would listen on {settings.host}, where other machines can reach it: set {TOKEN_VARIABLE} "
            "to a long random text first, and put TLS in front of it. Or leave web.host at 127.0.0.1."
        )


async def serve_dashboard(engine: Engine, settings: WebSettings) -> None:
    """Serve the dashboard until cancelled. Raises `Misconfigured` where it cannot listen."""
    check_web(settings)
    if settings.port is None:
        return
    from engine.web.serving import open_socket, serve

    token = settings.token or Secret(token_urlsafe(TOKEN_BYTES))
    with open_socket(settings.host, settings.port) as listener:
        port = listener.getsockname()[1]
        site = build_site(engine, settings, port, token)
        engine.report(_where(settings, port, token))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(site.run)
            await serve(site.app, listener)


def build_site(
    engine: Engine,
    settings: WebSettings,
    port: int,
    token: Secret[str],
    run_sync: RunSync = trio.to_thread.run_sync,
) -> "Site":
    """Put the dashboard of an engine together, to be served at this port."""
    from engine.web.charts import Charts
    from engine.web.deeds import Deeds
    from engine.web.guard.logins import Logins
    from engine.web.guard.names import Names
    from engine.web.pulse import Pulse
    from engine.web.scene import Reader
    from engine.web.scene.lags import Lags
    from engine.web.scene.mask import mask
    from engine.web.scene.tails import Tails
    from engine.web.site import Site

    redact = redacting(token)
    tails = Tails([run.name for run in engine.session.runs], redact)
    reader = Reader(engine, partial(read_overview, engine), tails, Lags(engine.markets))
    return Site(
        reader=reader,
        pulse=Pulse(reader.scene, partial(mask, redact=redact), run_sync),
        charts=Charts(engine.markets),
        deeds=Deeds(engine),
        names=Names.of(settings.host, port, settings.hosts),
        logins=Logins(token, trio.current_time),
        cookie=f"gapless_{port}",
    )


def _where(settings: WebSettings, port: int, token: Secret[str]) -> str:
    """Where the dashboard is. Nobody's configured token is told, and what a fragment holds no server ever sees."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.token is not None:
        return f"The dashboard is at http://{host}:{port}/ ; log in with what {TOKEN_VARIABLE} holds."
    return f"The dashboard is at http://{host}:{port}/login#{token.reveal()} , for as long as this session runs."
