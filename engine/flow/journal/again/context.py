"""The context of a strategy that runs from its journal: it asks the journal, and nobody else."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from types import TracebackType
from typing import Any

from attrs import define, field

from engine.flow.account.state import StrategyState
from engine.flow.desk.order_view import OrderView
from engine.flow.journal.again.inlets import Taken
from engine.flow.journal.again.stage import Stage
from engine.flow.journal.taps import LOSSY
from engine.model.account import StrategyPosition
from engine.model.entry import Entry
from engine.model.intent import Ticket
from engine.model.journal import Asked, writable
from engine.model.market import Kind, MarketEvent
from engine.model.stream import Stream
from engine.ports import LiveOrder, SavedState


@define(eq=False)
class RecordedOrder(OrderView):
    """A handle of an order as it was in the session. Two handles of one order are equal."""

    client_order_id: str
    stage: Stage

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedOrder) and other.client_order_id == self.client_order_id

    def __hash__(self) -> int:
        return hash(self.client_order_id)

    @property
    def ticket(self) -> Ticket:
        """Everything that was known of it then."""
        ticket: Ticket = self.stage.look(f"order:{self.client_order_id}")
        return ticket

    @property
    def legs(self) -> tuple[LiveOrder, ...]:
        """The exits of a bracket."""
        return _handles(self.stage, f"legs:{self.client_order_id}")

    async def accepted(self) -> LiveOrder:
        """Wait until the venue is known to have it."""
        return await self._wait("accepted")

    async def filled(self) -> LiveOrder:
        """Wait until it is filled whole."""
        return await self._wait("filled")

    async def ended(self) -> LiveOrder:
        """Wait until nothing can happen to it any more."""
        return await self._wait("ended")

    async def cancel(self) -> LiveOrder:
        """Ask for its cancel and wait until it has ended."""
        return await self._wait("end")

    async def replace(self, **change: Any) -> LiveOrder:
        """Change it."""
        return await self._wait("replace", **change)

    async def _wait(self, verb: str, **words: Any) -> LiveOrder:
        _, order = await self.stage.ask(verb, {"order": self.client_order_id, **words})
        handle: LiveOrder = order
        return handle

    def changes(self) -> Taken:
        """How it stood then and after every change."""
        asked = self.stage.tell("changes", {"order": self.client_order_id})
        taken = self.stage.inlets[asked.number] = Taken(asked.number, self.stage)
        return taken


def _handles(stage: Stage, what: str) -> tuple[LiveOrder, ...]:
    return tuple(stage.make_order(name) for name in stage.look(what))


@define(eq=False)
class RecordedScope:
    """A block of orders as it was in the session."""

    number: int
    stage: Stage

    @property
    def open(self) -> tuple[LiveOrder, ...]:
        """Its open orders."""
        return _handles(self.stage, f"scope:{self.number}:open")

    @property
    def all(self) -> tuple[LiveOrder, ...]:
        """Also those that ended."""
        return _handles(self.stage, f"scope:{self.number}:all")


@define(eq=False)
class RecordedContext:
    """`engine.ports.Context` of one run."""

    stage: Stage
    _state: "RecordedState | None" = field(default=None, init=False)

    @property
    def name(self) -> str:
        return self.stage.name

    @property
    def random(self) -> Random:
        """The dice of the session, from its seed."""
        return self.stage.random

    def now_ns(self) -> int:
        """Market time then."""
        now_ns: int = self.stage.look("now")
        return now_ns

    def log(self, message: str) -> None:
        """Said then, and not again."""
        self.stage.reel.say(self.stage.task(), writable(str(message)))

    def open_orders(self, symbol: str | None = None) -> tuple[LiveOrder, ...]:
        """This strategy's open orders."""
        orders: tuple[LiveOrder, ...] = self.stage.look(f"open_orders:{symbol or ''}")
        return orders

    def position(self, symbol: str) -> Decimal:
        """What this strategy held of a symbol."""
        held: Decimal = self.stage.look(f"position:{symbol}")
        return held

    @property
    def positions(self) -> Mapping[str, StrategyPosition]:
        """What this strategy held, by symbol."""
        held: Mapping[str, StrategyPosition] = self.stage.look("positions")
        return held

    def profit(self) -> Decimal | None:
        """What this strategy had made."""
        made: Decimal | None = self.stage.look("profit")
        return made

    @property
    def state(self) -> SavedState:
        """What this strategy had saved when this run began, and what it sets now."""
        if self._state is None:
            self._state = RecordedState(self.stage.name, _Nowhere(), self.stage.look("state"))
            self._state.stage = self.stage
        return self._state

    # -- subscriptions

    def trades(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.TRADES, symbols, how)

    def quotes(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.QUOTES, symbols, how)

    def bars(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.BARS, symbols, how)

    def updated_bars(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.UPDATED_BARS, symbols, how)

    def daily_bars(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.DAILY_BARS, symbols, how)

    def books(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.BOOKS, symbols, how)

    def statuses(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.STATUSES, symbols, how)

    def lulds(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.LULDS, symbols, how)

    def corrections(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.CORRECTIONS, symbols, how)

    def cancels(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.CANCELS, symbols, how)

    def imbalances(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.IMBALANCES, symbols, how)

    def news(self, *symbols: str, **how: Any) -> "RecordedDoor":
        return self._kind(Kind.NEWS, symbols, how)

    def _kind(self, kind: Kind, symbols: Sequence[str], how: Mapping[str, Any]) -> "RecordedDoor":
        return self.streams(*(Stream(kind, symbol) for symbol in symbols), **how)

    def streams(self, *streams: Stream, **how: Any) -> "RecordedDoor":
        """Any kinds and symbols through one channel."""
        words = {"streams": [f"{stream[0]}:{stream[1]}" for stream in streams], **how}
        kept = None if how.get("full") in LOSSY else frozenset(streams)
        return RecordedDoor(self.stage, "streams", words, streams=kept)

    def lifecycle(self) -> "RecordedDoor":
        """What happened to the lines and the strategies of the session."""
        return RecordedDoor(self.stage, "lifecycle", {})

    def fills(self) -> "RecordedDoor":
        """The executions of this strategy's orders."""
        return RecordedDoor(self.stage, "fills", {})

    def every(self, seconds: float) -> "RecordedDoor":
        """Market time, each ``seconds`` of market time."""
        return RecordedDoor(self.stage, "every", {"seconds": seconds}, waits=True)

    def orders(self, **how: Any) -> "RecordedDoor":
        """Bind orders to a block."""
        return RecordedDoor(self.stage, "orders", how, waits=True)

    def merge(self, *subscriptions: Any) -> "RecordedDoor":
        """One iteration over several open subscriptions."""
        numbers = [getattr(each, "number", 0) for each in subscriptions]
        return RecordedDoor(self.stage, "merge", {"of": numbers})

    # -- what is asked and waited for

    async def at(self, ts_ns: int) -> None:
        """Wait until market time is ``ts_ns``."""
        await self.stage.ask("at", {"ts_ns": ts_ns})

    async def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int | None = None) -> Sequence[MarketEvent]:
        """Read the past, as it was read then."""
        words = {"kind": kind, "symbol": symbol, "start_ns": start_ns, "end_ns": end_ns}
        rows: Sequence[MarketEvent] = (await self.stage.ask("history", words))[1]
        return rows

    async def buy(self, symbol: str, qty: Any = None, **how: Any) -> LiveOrder:
        """Buy."""
        order: LiveOrder = (await self.stage.ask("buy", {"symbol": symbol, "qty": qty, **how}))[1]
        return order

    async def sell(self, symbol: str, qty: Any = None, **how: Any) -> LiveOrder:
        """Sell."""
        order: LiveOrder = (await self.stage.ask("sell", {"symbol": symbol, "qty": qty, **how}))[1]
        return order

    async def target(self, symbol: str, qty: Any, *, within: float | None = None) -> None:
        """Make this strategy's position in a symbol ``qty``."""
        await self.stage.ask("target", {"symbol": symbol, "qty": qty, "within": within})

    async def close(self, symbol: str) -> None:
        """`target` zero."""
        await self.stage.ask("close", {"symbol": symbol})

    async def cancel(self, symbol: str | None = None) -> None:
        """Cancel this strategy's open orders."""
        await self.stage.ask("cancel", {"symbol": symbol})


@define(eq=False)
class RecordedDoor:
    """A block of the context. ``streams`` are those of a subscription that lets nothing go."""

    _stage: Stage
    _verb: str
    _words: Mapping[str, Any]
    _streams: frozenset[Stream] | None = field(default=None, alias="streams")
    _waits: bool = field(default=False, alias="waits")
    _number: int = 0

    async def __aenter__(self) -> Any:
        asked, _ = await self._stage.ask(self._verb, dict(self._words), self._open)
        self._number = asked.number
        if self._verb == "orders":
            return RecordedScope(asked.number, self._stage)
        return self._stage.inlets[asked.number]

    def _open(self, asked: Asked) -> None:
        """Before the answer: what was taken at once came along with it."""
        if self._verb == "orders":
            return
        if self._streams is not None:
            self._stage.pump.open(asked.number, self._streams, asked.seq)
        self._stage.inlets[asked.number] = Taken(asked.number, self._stage)

    async def __aexit__(  # noqa: ASYNC910, ASYNC102 - as recorded: only some wait, and each as long as it did then
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stage.pump.close(self._number)
        self._stage.asked.pop(self._number, None)
        if self._waits:
            await self._stage.ask("leave", {"of": self._number})  # noqa: ASYNC102 - as above


class _Nowhere:
    """`engine.ports.OrderStore` as far as a state needs it: nothing is written."""

    async def write(self, *entries: Entry) -> None:
        """Nothing."""

    def write_soon(self, *entries: Entry) -> None:
        """Nothing."""


class RecordedState(StrategyState):
    """``ctx.state`` of a strategy that runs from its journal; saving took as long as it took then."""

    stage: Stage

    async def save(self) -> None:
        """Wait until it was saved."""
        await self.stage.ask("save", {})
