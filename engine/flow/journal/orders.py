"""Handles of orders over the strategy's boundary: everything that is read of one comes out of its ticket."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

import trio
from attrs import define

from engine.flow.desk.order_view import OrderView
from engine.flow.journal.taps import Tap
from engine.flow.journal.track import Track
from engine.flow.journal.values import render
from engine.flow.journal.words import render_words
from engine.model.intent import Ticket
from engine.ports import LiveOrder, OrderScope


@define(eq=False)
class JournaledOrder(OrderView):
    """A handle of an order whose every use is noted. Two handles of one order are equal."""

    inner: LiveOrder
    desk: "Crossing"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JournaledOrder) and other.client_order_id == self.client_order_id

    def __hash__(self) -> int:
        return hash(self.client_order_id)

    @property
    def client_order_id(self) -> str:
        return self.inner.client_order_id

    @property
    def ticket(self) -> Ticket:
        """Everything known of it now."""
        ticket = self.inner.ticket
        self.desk.track.read_ticket(self.client_order_id, ticket)
        return ticket

    @property
    def legs(self) -> "tuple[LiveOrder, ...]":
        """The exits of a bracket, once the venue has told of them."""
        legs = self.inner.legs
        self.desk.track.read(f"legs:{self.client_order_id}", [leg.client_order_id for leg in legs])
        return tuple(self.desk.wrap(leg) for leg in legs)

    async def accepted(self) -> LiveOrder:
        """Wait until the venue is known to have it."""
        return await self._wait("accepted", self.inner.accepted)

    async def filled(self) -> LiveOrder:
        """Wait until it is filled whole."""
        return await self._wait("filled", self.inner.filled)

    async def ended(self) -> LiveOrder:
        """Wait until nothing can happen to it any more."""
        return await self._wait("ended", self.inner.ended)

    async def cancel(self) -> LiveOrder:
        """Ask for its cancel and wait until it has ended."""
        return await self._wait("end", self.inner.cancel)

    async def replace(self, **change: Any) -> LiveOrder:
        """Change it; returns once the venue has taken the change."""
        words = {"order": self.client_order_id, **change}
        order = await self.desk.ask("replace", words, lambda: self.inner.replace(**change))
        return self.desk.wrap(order)

    async def _wait(self, verb: str, act: Callable[[], Awaitable[LiveOrder]]) -> LiveOrder:
        return self.desk.wrap(await self.desk.ask(verb, {"order": self.client_order_id}, act))

    def changes(self) -> "JournaledChanges":
        """How it stands now and after every change, until its end."""
        track = self.desk.track
        number = track.asked("changes", render_words({"order": self.client_order_id}))
        tap = Tap(number, track, lambda: 0)
        track.listen(tap)
        return JournaledChanges(self.inner.changes(), tap, track)


@define(eq=False)
class JournaledChanges:
    """The iteration over an order's states, noted."""

    _inner: Any
    _tap: Tap
    _track: Track

    def __aiter__(self) -> "JournaledChanges":
        return self

    async def __anext__(self) -> Ticket:  # noqa: ASYNC910 - as the one that it listens to
        try:
            ticket: Ticket = await self._inner.__anext__()
        except (StopAsyncIteration, Exception) as error:
            self._tap.on_ended(None if isinstance(error, StopAsyncIteration) else error)
            self._track.unlisten(self._tap.number)
            raise
        self._tap.add(render(ticket))
        return ticket


@define(eq=False)
class JournaledScope:
    """A block of orders whose lists are noted when they are looked at."""

    inner: OrderScope
    number: int
    desk: "Crossing"

    @property
    def open(self) -> tuple[LiveOrder, ...]:
        """Its open orders."""
        return self._look("open", self.inner.open)

    @property
    def all(self) -> tuple[LiveOrder, ...]:
        """Also those that ended."""
        return self._look("all", self.inner.all)

    def _look(self, what: str, orders: tuple[LiveOrder, ...]) -> tuple[LiveOrder, ...]:
        self.desk.track.read(f"scope:{self.number}:{what}", [order.client_order_id for order in orders])
        return tuple(self.desk.wrap(order) for order in orders)


BACK: Final = " "
"""Before the line of a decision that comes back: those go on before any other is carried out."""


class Turns(Protocol):
    """What decisions wait for: `engine.flow.replay.turnstile.Turnstile`."""

    async def pass_(self, strategy: str, line: str) -> None: ...

    def carrying(self) -> AbstractContextManager[None]: ...

    def own_steps(self) -> AbstractContextManager[None]: ...


def _settled(act: Callable[[], Awaitable[Any]], turns: Turns, strategy: str, line: str) -> Callable[[], Awaitable[Any]]:
    """The same call, which comes back in its turn."""

    async def settled() -> Any:
        failure: Exception | None = None
        value = None
        try:
            with turns.carrying():
                value = await act()
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes on once all has settled
            failure = error
        await turns.pass_(strategy, line)
        if failure is not None:
            raise failure
        return value

    return settled


def _carried(act: Callable[[], Awaitable[None]], turns: Turns) -> Callable[[], Awaitable[None]]:
    """The same call, carried out as a decision."""

    async def carried() -> None:
        with turns.carrying():
            await act()

    return carried


@define(eq=False)
class Crossing:
    """How one strategy's calls are carried out and noted.

    ``turns`` are passed with the strategy's name and the line of a decision before it is carried out, and again before
    the strategy goes on: then all that came of it at this instant has come.
    """

    track: Track
    turns: Turns | None
    decisive: frozenset[str]

    def wrap(self, order: Any) -> LiveOrder:
        """The handle that the strategy is given."""
        return JournaledOrder(order.inner if isinstance(order, JournaledOrder) else order, self)

    async def ask(self, verb: str, words: dict[str, Any], act: Callable[[], Awaitable[Any]]) -> Any:
        """Note a call, carry it out and note what came back."""
        track, told = self.track, render_words(words)
        with track.inside():
            turns = self.turns if verb in self.decisive else None
            if turns is not None:
                await turns.pass_(track.strategy, f"{verb} {told}")
                act = _settled(act, turns, track.strategy, f"{BACK}{verb} {told}")
            number = track.asked(verb, told)
            return await self.answer(number, act)

    async def leave(self, block: int, line: str, act: Callable[[], Awaitable[None]]) -> None:
        """Note that a block is left, and leave it; with a ``line`` in its turn, as a decision."""
        track = self.track
        with track.inside():
            turns = self.turns if line else None
            if turns is not None:
                with trio.CancelScope(shield=True):  # no time passes until it is let through
                    await turns.pass_(track.strategy, line)
                act = _carried(act, turns)
            await self.answer(track.asked("leave", render_words({"of": block})), act)

    async def answer(self, number: int, act: Callable[[], Awaitable[Any]]) -> Any:
        """Carry out a call that was noted, and note what came back."""
        track = self.track
        with track.inside():
            try:
                value = await act()
            except trio.Cancelled:
                track.cancelled(number)
                raise
            except BaseExceptionGroup as group:
                if group.subgroup(trio.Cancelled) is not None:
                    track.cancelled(number)
                else:
                    track.raised(number, group)
                raise
            except Exception as error:
                track.raised(number, error)
                raise
            track.answered(number, value)
        return value
