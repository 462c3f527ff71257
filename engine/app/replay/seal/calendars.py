"""Stand-ins for `datetime.datetime` and `datetime.date`, whose clocks cannot be taken out of them.

Both are types of the interpreter and cannot be changed, so a sealed strategy's own modules see these in their place:
all that they make is of the real types, and what is one of those is one of these.
"""

import datetime as dt
import sys
from types import ModuleType
from typing import Any, Final

from engine.app.replay.seal.watch import TIME, seal_here


def _check(what: str) -> None:
    seal = seal_here()
    if seal is not None:
        seal.check(what, TIME, sys._getframe(2))  # noqa: SLF001 - the only way to the caller


class _LikeDatetime(type):
    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, dt.datetime)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, dt.datetime)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is dt.datetime

    def __hash__(cls) -> int:
        return hash(dt.datetime)


class _LikeDate(type):
    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, dt.date)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, dt.date)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is dt.date

    def __hash__(cls) -> int:
        return hash(dt.date)


class SealedDatetime(dt.datetime, metaclass=_LikeDatetime):
    """`datetime.datetime` without a clock of its own."""

    def __new__(cls, *args: Any, **named: Any) -> Any:
        """A real one."""
        return dt.datetime(*args, **named)  # noqa: DTZ001 - as the strategy says

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        _check("datetime.now")
        return dt.datetime.now(tz)

    @classmethod
    def utcnow(cls) -> Any:
        _check("datetime.utcnow")
        return dt.datetime.now(dt.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        _check("datetime.today")
        return dt.datetime.now()  # noqa: DTZ005 - what today() is


class SealedDate(dt.date, metaclass=_LikeDate):
    """`datetime.date` without a clock of its own."""

    def __new__(cls, *args: Any, **named: Any) -> Any:
        """A real one."""
        return dt.date(*args, **named)

    @classmethod
    def today(cls) -> Any:
        _check("date.today")
        return dt.date.today()  # noqa: DTZ011 - what today() is


class _SealedModule(ModuleType):
    """The module ``datetime`` with the two in their places."""

    datetime = SealedDatetime
    date = SealedDate

    def __getattr__(self, name: str) -> Any:
        return getattr(dt, name)


SEALED_MODULE: Final = _SealedModule("datetime", dt.__doc__)
STAND_INS: Final[tuple[tuple[Any, Any], ...]] = (
    (dt.datetime, SealedDatetime),
    (dt.date, SealedDate),
    (dt, SEALED_MODULE),
)
"""What is replaced in the modules of strategies, and by what."""
