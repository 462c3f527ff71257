"""The kill switch inside the engine: asked before every send, tripped from anywhere, reset only by a person.

Its truth are files (the latches of the state folder), because whoever trips it may be another process, the engine may
be killed a moment later, and a switch that forgets is none. So every question reads the files, which costs some
microseconds, and what cannot be read counts as tripped. Tripping writes the file at once and in place, off no thread:
for those milliseconds nothing else runs, and so nothing can be sent between the decision and the latch.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import trio
from attrs import define, field

from engine.errors import GaplessError

ACCOUNT: Final = "account"
"""The scope that holds for every strategy and for orders of nobody."""
WATCH_EVERY_S: Final = 1.0
"""How soon a trip by another process is acted upon. It is obeyed at once, since every send asks the files; and what a
person tripped by hand takes seconds to flatten anyway."""
OUTSIDE: Final = "gapless kill: "
"""A reason that begins like this was latched by a process that flattens by itself. The engine then only stops: two
that close the same position would open the opposite one."""
SIGNAL: Final[signal.Signals | None] = getattr(signal, "SIGUSR1", None)
"""``kill -USR1 PID`` trips the account. Windows has no such signal."""


class Latches(Protocol):
    """The files (`engine.store.latches.Latches`)."""

    def trip(self, scope: str, reason: str, by: str, at_ns: int) -> None: ...

    def tripped(self, scope: str) -> str: ...

    def trips(self, scope: str) -> Sequence[tuple[str, str]]: ...

    def all(self) -> Mapping[str, str]: ...


@define(eq=False, kw_only=True)
class KillSwitch:
    """One per engine. ``on_trip`` is told a scope that was tripped, once, and starts what flattens it; it may not wait.

    What was tripped in a former run is told again at the start: nobody knows how far its flattening came.

    ``now_ns`` is the wall clock: a latch is read by people. ``report`` reaches the person who runs this.
    """

    latches: Latches
    on_trip: Callable[[str], None]
    now_ns: Callable[[], int]
    report: Callable[[str], None]
    _unwritten: dict[str, str] = field(factory=dict, init=False)
    """Scopes whose latch could not be written, with the reason: tripped until the process ends."""
    _acted_on: set[str] = field(factory=set, init=False)
    _inherited: frozenset[tuple[str, str]] = field(init=False)
    """When and why it was tripped before this run began: its books were read after whatever was done about that."""

    def __attrs_post_init__(self) -> None:
        try:
            self._inherited = frozenset(trip for scope in self.latches.all() for trip in self.latches.trips(scope))
        except (OSError, GaplessError):
            self._inherited = frozenset()

    def elsewhere(self, strategy: str) -> str:
        """Why another process is on this strategy's way out, so that nothing at all may be sent for it from here.

        What that process closes is not in our books when it happens. An exit that gives back what the strategy still
        holds by our books would sell it a second time. Whatever tripped it first: each run of ``gapless kill`` counts.
        """
        try:
            trips = [trip for scope in (ACCOUNT, strategy) for trip in self.latches.trips(scope)]
        except (OSError, GaplessError):
            return ""  # it is tripped all the same, and what gives back is not the worst of it
        reasons = [reason for at, reason in trips if reason.startswith(OUTSIDE) and (at, reason) not in self._inherited]
        return reasons[-1] if reasons else ""

    def tripped(self, strategy: str) -> str:
        """Why this strategy (or ``account``) may not add risk; empty while it may. Cheap enough for every send."""
        for scope in (ACCOUNT, strategy):
            if scope in self._unwritten:
                return self._unwritten[scope]
        try:
            return self.latches.tripped(strategy)
        except (OSError, GaplessError) as error:
            return f"The kill switch's files cannot be read, which counts as tripped: {error}"

    async def trip(self, scope: str, reason: str, by: str) -> None:
        """Trip a scope: ``account`` or a strategy's name. On return it is on disk and `on_trip` was told."""
        self.trip_nowait(scope, reason, by)
        await trio.lowlevel.checkpoint()

    def trip_nowait(self, scope: str, reason: str, by: str) -> None:
        """`trip` for who may not wait. Never raises: what cannot be written is kept in memory, and said."""
        if scope in self._acted_on and self.tripped(scope):
            return
        try:
            self.latches.trip(scope, reason, by, self.now_ns())
        except (OSError, GaplessError) as error:
            self._unwritten[scope] = reason
            self.report(
                f"The kill switch of {scope} holds only until this process ends: its latch cannot be written: {error}"
            )
        self._act(scope, reason)

    async def run(self) -> None:
        """Watch for trips by other processes and by SIGUSR1, until cancelled. Must run in the main thread."""
        async with trio.open_nursery() as watch_nursery:
            if SIGNAL is not None:
                watch_nursery.start_soon(self._watch_signal, SIGNAL)
            await self.serve_latches()

    async def serve_latches(self) -> None:
        """Watch the files alone, until cancelled."""
        while True:
            self._look()
            await trio.sleep(WATCH_EVERY_S)

    async def _watch_signal(self, number: signal.Signals) -> None:
        with trio.open_signal_receiver(number) as signals:
            async for _ in signals:
                self.trip_nowait(ACCOUNT, f"Somebody sent {number.name} to this process.", "signal")

    def _look(self) -> None:
        try:
            standing = self.latches.all()
        except (OSError, GaplessError) as error:
            self._act(ACCOUNT, f"its files cannot be read: {error}")
            return
        for scope in sorted(self._acted_on - set(standing) - set(self._unwritten)):
            self._acted_on.discard(scope)
            self.report(f"The kill switch of {scope} was reset; orders may be sent again.")
        for scope in sorted(standing):
            self._act(scope, standing[scope])

    def _act(self, scope: str, reason: str) -> None:
        """Say it and have it flattened, once for each time it is tripped."""
        if scope in self._acted_on:
            return
        self._acted_on.add(scope)
        self.report(f"KILL SWITCH of {scope}: {reason} Nothing that adds risk is sent until 'gapless kill --reset'.")
        if not reason.startswith(OUTSIDE):
            self.on_trip(scope)
