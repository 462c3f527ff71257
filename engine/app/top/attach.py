"""The terminal's end of ``gapless top``: finding the engine that is meant, and what it tells of itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
import trio
from attrs import define, field, frozen

from engine.app.beside.overview import Overview
from engine.app.top.place import connect, find_sockets, pid_of
from engine.errors import EngineAway, Misconfigured

LINE_BYTES_MAX: Final = 64_000_000
"""No overview is as long: two thousand streams of ten strategies take four megabytes."""
READ_BYTES: Final = 65_536
ANSWER_S: Final = 5.0
"""An engine that has not answered for this long is blocked: a loop that lags has a tenth of it."""


@frozen
class _Refusal:
    """A line that is no overview."""

    error: str


@define(eq=False)
class Attached:
    """A way to one engine."""

    stream: trio.SocketStream
    path: Path
    _rest: bytearray = field(factory=bytearray)

    async def ask(self, want: str, every_s: float) -> None:
        """Say what is wanted: ``once`` or ``stream``. Raises `EngineAway`."""
        try:
            await self.stream.send_all(msgspec.json.encode({"want": want, "every_s": every_s}) + b"\n")
        except trio.BrokenResourceError as error:
            raise self._away() from error

    async def next_line(self) -> bytes:
        """The next overview as it came. Raises `EngineAway` when the engine ends or refuses."""
        while (end := self._rest.find(b"\n")) < 0:
            if len(self._rest) > LINE_BYTES_MAX:
                raise EngineAway(f"What answers at {self.path} is no engine.")
            try:
                more = await self.stream.receive_some(READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise await self._broke_off() from error
            if not more:
                raise await self._broke_off()
            self._rest += more
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return line

    def _away(self) -> EngineAway:
        return EngineAway(f"The engine (pid {pid_of(self.path)}) has ended.")

    async def _broke_off(self) -> EngineAway:
        """Why nothing more comes: an engine that goes on has dropped us."""
        if not await _answers(self.path):
            return self._away()
        return EngineAway(
            f"The engine (pid {pid_of(self.path)}) goes on, and has dropped this look, which did not read for seconds "
            "(a terminal that was stopped does not). Start 'gapless top' again."
        )


def read_line(line: bytes) -> Overview:
    """What an engine told. Raises `EngineAway` for a refusal and for an engine of another version."""
    try:
        return msgspec.json.decode(line, type=Overview)
    except msgspec.DecodeError as error:
        raise EngineAway(_said(line) or f"The engine speaks another version of gapless: {error}.") from error


def _said(line: bytes) -> str:
    try:
        return msgspec.json.decode(line, type=_Refusal).error
    except msgspec.DecodeError:
        return ""


@asynccontextmanager
async def attach_to(path: Path, want: str, every_s: float) -> AsyncIterator[Attached]:
    """A way to the engine of this socket, which has been asked. Raises `EngineAway`."""
    attached = Attached(await connect(path), path)
    async with attached.stream:
        await attached.ask(want, every_s)
        yield attached


async def _answers(path: Path) -> bool:
    """Whether an engine still says something there."""
    with trio.move_on_after(ANSWER_S), suppress(EngineAway, trio.BrokenResourceError):
        async with await connect(path) as stream:
            await stream.send_all(b'{"want": "once"}\n')
            return bool(await stream.receive_some(1))
    return False


async def look_once(path: Path) -> bytes:
    """One overview as it came. Raises `EngineAway`, also for an engine that does not answer."""
    with trio.move_on_after(ANSWER_S):
        async with attach_to(path, "once", ANSWER_S) as attached:
            return await attached.next_line()
    raise unanswered(path, ANSWER_S)


def unanswered(path: Path, silent_s: float) -> EngineAway:
    """What a person is told of an engine that is there and says nothing."""
    return EngineAway(
        f"The engine (pid {pid_of(path)}) has not answered for {silent_s:.0f} s: its loop is blocked, or it is "
        "stopped. 'gapless kill' gets out without it."
    )


# -- which one


@frozen
class Found:
    """An engine of this user; ``overview`` is ``None`` where it does not answer."""

    path: Path
    overview: Overview | None

    @property
    def pid(self) -> int | None:
        return pid_of(self.path)

    def goes_by(self, name: str) -> bool:
        """Whether a person may mean this one: by pid, session, or one of its strategies."""
        if name in (str(self.pid), self.path.stem):
            return True
        seen = self.overview
        return seen is not None and name in (seen.session, *(row.name for row in seen.report.strategies))


async def find_engines(folder: Path) -> list[Found]:
    """The engines of this user that run."""
    paths = find_sockets(folder)
    seen: dict[Path, Overview] = {}

    async def look(path: Path) -> None:
        try:
            seen[path] = read_line(await look_once(path))
        except EngineAway:
            await trio.lowlevel.checkpoint()  # it is listed all the same: somebody may look for it

    async with trio.open_nursery() as nursery:
        for path in paths:
            nursery.start_soon(look, path)
    return [Found(path, seen.get(path)) for path in paths]


def choose(found: Sequence[Found], name: str) -> Found:
    """The engine that is meant: the one of this name, or the only one. Raises `EngineAway` and `Misconfigured`."""
    if not found:
        raise EngineAway("No engine of this user runs here: start one with 'gapless run', or look as its user.")
    meant = [one for one in found if one.goes_by(name)] if name else list(found)
    if not meant:
        raise EngineAway(f"No engine goes by {name!r}; there are: {listed(found)}.")
    if len(meant) > 1:
        raise Misconfigured(f"Several engines {f'go by {name!r}' if name else 'run'}: {listed(meant)}. Say the pid.")
    return meant[0]


def listed(found: Sequence[Found]) -> str:
    """The engines in one line."""
    return ", ".join(
        f"{one.path.stem} ({'does not answer' if one.overview is None else one.overview.session})" for one in found
    )
