"""The dashboard as a part beside a session: put together, served, and told of."""

from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from secrets import token_urlsafe
from typing import Final

import trio

from engine.app.beside.engine import Engine
from engine.app.beside.reading import read_overview
from engine.app.config.web import TOKEN_CHARS_MIN, TOKEN_VARIABLE, WebSettings
from engine.app.logs import Redactor
from engine.app.secrets import Secret
from engine.errors import Misconfigured
from engine.web.guard.names import is_loopback

NEEDS: Final = ("starlette", "anycorn")
"""The packages of the extra ``web``."""


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
    from engine.web.charts import Charts
    from engine.web.deeds import Deeds
    from engine.web.guard.logins import Logins
    from engine.web.guard.names import Names
    from engine.web.pulse import Pulse
    from engine.web.scene import Reader
    from engine.web.scene.lags import Lags
    from engine.web.scene.tails import Tails
    from engine.web.serving import open_socket, serve
    from engine.web.site import Site

    token = settings.token or Secret(token_urlsafe(24))
    redact = Redactor((engine.options.key_id, engine.options.secret, token))
    tails = Tails([run.name for run in engine.session.runs], redact)
    lags, charts = Lags(engine.markets), Charts(engine.markets)
    with ExitStack() as stack:
        stack.enter_context(tails.listening())
        listener = stack.enter_context(open_socket(settings.host, settings.port))
        port = listener.getsockname()[1]
        reader = Reader(engine, partial(read_overview, engine), tails, lags)
        pulse = Pulse(reader.scene)
        site = Site(
            reader=reader,
            pulse=pulse,
            charts=charts,
            deeds=Deeds(engine),
            names=Names.of(settings.host, port, settings.hosts),
            logins=Logins(token, trio.current_time),
            cookie=f"gapless_{port}",
        )
        engine.report(_where(settings, port, token))
        async with trio.open_nursery() as nursery:
            for task in (pulse.run, charts.run, lags.run):
                nursery.start_soon(task)
            await serve(site.app, listener)


def _where(settings: WebSettings, port: int, token: Secret[str]) -> str:
    """Where the dashboard is. Nobody's configured token is told, and what a fragment holds no server ever sees."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.token is not None:
        return f"The dashboard is at http://{host}:{port}/ ; log in with what {TOKEN_VARIABLE} holds."
    return f"The dashboard is at http://{host}:{port}/login#{token.reveal()} , for as long as this session runs."
