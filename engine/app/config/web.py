"""Settings of the dashboard: the table ``[web]``. Its token is a secret, and so comes from the environment only."""

from typing import Final

from attrs import field, frozen, validators

from engine.app.secrets import Secret

TOKEN_VARIABLE: Final = "GAPLESS_WEB_TOKEN"
TOKEN_CHARS_MIN: Final = 16
"""A shorter token can be guessed in the ten tries a minute that a login allows, or read over a shoulder."""


@frozen
class WebSettings:
    """Where the dashboard is, and who may look at it."""

    port: int | None = field(
        default=None, validator=validators.optional(validators.and_(validators.ge(0), validators.le(65_535)))
    )
    """The TCP port; ``None``: no dashboard; 0: a free one, which is told at the start."""
    host: str = field(default="127.0.0.1", validator=validators.min_len(1))
    """The address to listen on. Anything but loopback lets other machines in, and needs a token."""
    hosts: tuple[str, ...] = ()
    """Further names that browsers may reach it by, as ``NAME`` or ``NAME:PORT``: those of a proxy in front of it."""
    token: Secret[str] | None = None
    """What a person logs in with (`TOKEN_VARIABLE`); ``None``: a random one, told at the start, good until the end."""
