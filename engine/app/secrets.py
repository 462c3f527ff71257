"""A secret that does not show itself, so that no log line, table, traceback or ``repr`` can leak a key by accident.

Whoever needs the value says so with ``reveal()``: that word is the whole list of places to look at in a review. The
class is our own because the ready one comes with a settings library that prints rejected values, secrets included.
"""

from collections.abc import Mapping
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MASK: Final = "*******"
"""What stands in place of a secret wherever one would have been shown."""


class Secret(Generic[T]):
    """A value that is masked in ``str``, ``repr``, f-strings and tracebacks.

    >>> str(Secret("hunter2")), repr(Secret("hunter2"))
    ('*******', "Secret('*******')")
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """The value itself, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"


SECRET_VARIABLES: Final = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "GAPLESS_ALERT_URLS", "GAPLESS_WEB_TOKEN")
"""Environment variables that hold secrets; no secret is taken from anywhere else."""


def secrets_of(environ: Mapping[str, str]) -> list[Secret[str]]:
    """The secrets that an environment holds."""
    return [Secret(environ[name]) for name in SECRET_VARIABLES if environ.get(name)]
