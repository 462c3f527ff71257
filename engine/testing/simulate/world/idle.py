"""The one clock that a library under the engine reads for itself: httpcore's, for connections that nobody uses.

It lets an idle connection go by ``time.monotonic``, which on a virtual clock does not move: a session on a slow machine
would dial anew where one on a fast machine does not. There is no public door, so this is the one module that knows
where httpcore keeps its clock, and a test tells when a release has moved it.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import trio

PLACE: Final = "httpcore._async.http11"
CLOCK: Final = "time"


def keeper_of_time() -> ModuleType:
    """The module of httpcore that looks at the clock; raises ``AttributeError`` where it no longer does."""
    module: Any = importlib.import_module(PLACE)
    if not hasattr(getattr(module, CLOCK), "monotonic"):
        raise AttributeError(f"{PLACE} keeps something else under {CLOCK}")
    return module  # type: ignore[no-any-return] # typed as Any, because the name is not in its annotations


@contextmanager
def sealed_idling() -> Iterator[None]:
    """While the block runs idle connections end by Trio's time."""
    module = keeper_of_time()
    before = getattr(module, CLOCK)
    setattr(module, CLOCK, SimpleNamespace(monotonic=trio.current_time))
    try:
        yield
    finally:
        setattr(module, CLOCK, before)
