"""What has no audit event and is refused all the same: functions of modules, each with what to use instead."""

import _thread
import os
import random
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final

import trio
from attrs import frozen

from engine.app.replay.seal.watch import DICE, FILES, NETWORK, PROCESSES, THREADS, TIME, seal_here

_CLOCKS: Final = (
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
    "process_time_ns", "thread_time", "thread_time_ns", "clock_gettime", "clock_gettime_ns", "sleep",
)  # fmt: skip
_CLOCKS_WITHOUT: Final = {"localtime": 1, "gmtime": 1, "ctime": 1, "asctime": 1, "strftime": 2}
"""These look at the clock where fewer arguments are given."""
_LOOKS: Final = ("stat", "lstat", "access", "readlink")
"""What is asked of a file without opening it, also by ``os.path`` and ``pathlib``."""


@frozen(eq=False)
class Guard:
    """One attribute that is replaced: where, and by what."""

    place: Any
    name: str
    original: Any
    instead: Any


def guards() -> Iterator[Guard]:
    """All of them, made anew: numpy and httpx only where somebody has imported them."""
    for name in _CLOCKS:
        if hasattr(time, name):
            yield _guard(time, name, f"time.{name}", TIME)
    for name, needed in _CLOCKS_WITHOUT.items():
        yield _guard(time, name, f"time.{name}", TIME, _fewer(needed))
    yield _guard(os, "times", "os.times", TIME)
    for name in _LOOKS:
        yield _guard(os, name, f"os.{name}", FILES)
    yield from _dice()
    for place, name, what, instead in _DOORS:
        if hasattr(place, name):
            yield _guard(place, name, what, instead)
    httpx = sys.modules.get("httpx")
    if httpx is not None:
        for name in ("Client", "AsyncClient"):
            yield _guard(getattr(httpx, name), "__init__", f"httpx.{name}", NETWORK)


def _fewer(needed: int) -> Callable[[tuple[Any, ...], dict[str, Any]], bool]:
    return lambda args, _: len(args) < needed


def _dice() -> Iterator[Guard]:
    for name in random.__all__:
        if getattr(getattr(random, name), "__self__", None) is not None:  # methods of the one that all share
            yield _guard(random, name, f"random.{name}", DICE)
    yield _guard(random.Random, "seed", "random.Random", DICE, lambda args, named: _nothing(args[1:], named, "a"))
    yield _guard(random, "_urandom", "random.SystemRandom", DICE)
    yield _guard(os, "urandom", "os.urandom", DICE)
    if hasattr(os, "getrandom"):
        yield _guard(os, "getrandom", "os.getrandom", DICE)
    for name in ("uuid1", "uuid4"):
        yield _guard(uuid, name, f"uuid.{name}", DICE)
    for name in ("token_bytes", "token_hex", "token_urlsafe", "randbelow", "randbits", "choice"):
        yield _guard(secrets, name, f"secrets.{name}", DICE)
    numpy = sys.modules.get("numpy.random")
    shared = getattr(getattr(numpy, "mtrand", None), "_rand", None)
    if numpy is None or shared is None:
        return
    for name in numpy.__all__:
        if getattr(getattr(numpy, name, None), "__self__", None) is shared:
            yield _guard(numpy, name, f"numpy.random.{name}", DICE)
    yield _guard(numpy, "default_rng", "numpy.random.default_rng", DICE, lambda a, n: _nothing(a, n, "seed"))


def _nothing(args: tuple[Any, ...], named: dict[str, Any], name: str) -> bool:
    """Whether no seed was given."""
    return (args[0] if args else named.get(name)) is None


_DOORS: Final[tuple[tuple[Any, str, str, str], ...]] = (
    (threading, "_start_new_thread", "threading.Thread", THREADS),  # no audit event before Python 3.12
    (threading, "_start_joinable_thread", "threading.Thread", THREADS),
    (_thread, "start_new_thread", "_thread.start_new_thread", THREADS),
    (trio.to_thread, "run_sync", "trio.to_thread.run_sync", THREADS),
    (trio, "run_process", "trio.run_process", PROCESSES),
    (trio.lowlevel, "open_process", "trio.lowlevel.open_process", PROCESSES),
    (trio, "open_file", "trio.open_file", FILES),
    (trio, "open_tcp_stream", "trio.open_tcp_stream", NETWORK),
    (trio, "open_ssl_over_tcp_stream", "trio.open_ssl_over_tcp_stream", NETWORK),
    (trio, "open_unix_socket", "trio.open_unix_socket", NETWORK),
    (trio, "open_tcp_listeners", "trio.open_tcp_listeners", NETWORK),
    (trio, "serve_tcp", "trio.serve_tcp", NETWORK),
    (trio.socket, "socket", "trio.socket.socket", NETWORK),
    (trio.socket, "getaddrinfo", "trio.socket.getaddrinfo", NETWORK),
)
"""Ways of Trio's: what they do happens in its threads and tasks, where nobody sees whose doing it is."""


def _guard(
    place: Any,
    name: str,
    what: str,
    instead: str,
    when: Callable[[tuple[Any, ...], dict[str, Any]], bool] | None = None,
) -> Guard:
    original = getattr(place, name)

    @wraps(original, updated=())
    def guarded(*args: Any, **named: Any) -> Any:
        seal = seal_here()
        if seal is not None and (when is None or when(args, named)):
            seal.check(what, instead, sys._getframe(1))  # noqa: SLF001 - the only way to the caller
        return original(*args, **named)

    return Guard(place, name, original, guarded)
