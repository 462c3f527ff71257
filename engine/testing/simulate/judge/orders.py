"""Invariants 21, 22, 23 and 26: what is sent as an order, when, and how its states follow one another."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from engine.core.lifecycle import NEXT
from engine.exchange.rest.http import Response
from engine.exchange.rest.received import Received
from engine.model.control import Alarm, Connected, Lost
from engine.model.intent import Purpose, Ticket
from engine.model.order import Order, OrderStatus
from engine.ports.context import Event
from engine.store import ACCOUNT, Latches
from engine.store.folder import ORDERS
from engine.testing.simulate.judge.ground import NEVER_S, Ground, broken
from engine.testing.simulate.plan import BLOCK_WITHIN_S
from engine.testing.simulate.watch import Life, Watch

ORDERS_PATH: Final = "/v2/orders"
BY_CLIENT_ID: Final = "/v2/orders:by_client_order_id"
NOT_THERE: Final = 404
ABSENCES_MIN: Final = 2
"""So often the broker has to say that an order is absent before it may be sent again."""
GRACE_S: Final = 3.0
"""What was sent the instant before something closed arrives behind it."""
SLOW_GRACE_S: Final = 12.0
"""The same on a network that was told to be slow: after ten seconds an order is given up, and its connection reset."""
DECIDED_S: Final = 10.0
"""An entry that was decided while all was well may wait so long for its turn (`DeskTuning.entry_within_s`)."""
LOOK_EVERY_S: Final = 10.0
COINS: Final = "crypto"
STOCKS: Final = "iex"
"""The feeds of a simulated session."""
UNDEAD: Final = ("the venue has it after all",)
"""What the engine says of an order that it had given up too early."""


@define
class Sent:
    """A client order id on its way: what it stood for, which life sent it, how often absences were heard before."""

    what: tuple[Any, ...]
    life: int
    absences: int


@define(eq=False)
class Orders(Watch):
    """Kept over all lives: an id is for ever."""

    ground: Ground
    sent: dict[str, Sent] = field(factory=dict)
    absences: int = 0
    taken_s: float = NEVER_S
    """When the exchange took an order last: it has told of it since."""
    _closed_s: float | None = None
    """Since when the account's line is known to be lost; ``None``: it is not."""
    _blind_s: dict[str, float] = field(factory=dict)
    """Since when feeds of market data are known to be lost, by name."""
    _tripped_s: dict[str, float] = field(factory=dict)
    _stood: dict[str, Order] = field(factory=dict)
    _ended: dict[str, Order] = field(factory=dict)
    """Orders that were seen to have ended, by the venue's id."""
    _look_s: float = 0.0

    # -- what is told

    def engine_started(self, life: Life) -> None:
        """Nothing is connected yet."""
        del life
        self._closed_s = self.ground.now_s
        self._stood.clear()
        self._ended.clear()
        self._blind_s.clear()
        self._tripped_s.clear()

    def noticed(self, life: Life, strategy: str, notice: Event, now_ns: int) -> None:
        """Lines come and go."""
        del life, strategy, now_ns
        if isinstance(notice, Connected) and _of_account(notice.feed):
            self._closed_s = None
        elif isinstance(notice, Lost) and _of_account(notice.feed) and self._closed_s is None:
            self._closed_s = self.ground.now_s
        elif isinstance(notice, Connected):
            self._blind_s.pop(notice.feed, None)
        elif isinstance(notice, Lost):
            self._blind_s.setdefault(notice.feed, self.ground.now_s)
        elif isinstance(notice, Alarm) and any(word in notice.message for word in UNDEAD):
            broken(25, f"the fate of an order was told wrongly: {notice.message}")

    def left_block(self, life: Life, strategy: str, open_ids: Sequence[str], spent_s: float) -> None:
        """Nothing of it is open, but where nobody answered for as long as it may take."""
        del life
        if open_ids and spent_s < BLOCK_WITHIN_S - GRACE_S:
            broken(31, f"{strategy} left a block after {spent_s:.0f} s, and {', '.join(open_ids)} are open")

    def requested(self, received: Received, response: Response) -> None:
        """An order, a change, or a question about one."""
        if received.path == BY_CLIENT_ID and response.status == NOT_THERE:
            self.absences += 1
        life = self.ground.life
        if life is None or not received.path.startswith(ORDERS_PATH) or received.method not in ("POST", "PATCH"):
            return
        asked = _read(received.body)
        cid = str(asked.get("client_order_id", ""))
        if not cid:
            broken(21, f"{received.method} {received.path} came without a client order id")
        self.check_twice(cid, received, asked)
        if not intended(life.folder, cid):
            broken(21, f"order {cid} has come to the exchange, and its intent is not on disk")
        self.check_gates(life, cid)
        if 200 <= response.status < 300:
            self.taken_s = self.ground.now_s

    def step(self) -> None:
        """How orders stand now, against how they stood."""
        now_s, life = self.ground.now_s, self.ground.life
        if life is None or life.account is None or now_s < self._look_s:
            return
        self._look_s = now_s + LOOK_EVERY_S
        for scope in Latches(life.folder).all():
            self._tripped_s.setdefault(scope, now_s)
        blotter = life.account.desk.blotter
        known = {ticket.client_order_id: ticket for ticket in blotter.open_tickets()}
        for cid in list(self._stood):
            ticket = known.get(cid) or blotter.ticket(cid)
            if ticket is not None:
                self.check_life(ticket)
        for ticket in known.values():
            self.check_life(ticket)

    # -- laws

    def check_twice(self, cid: str, received: Received, asked: Mapping[str, Any]) -> None:
        """An id stands for one order, and is sent again only when the broker has said twice that it has none."""
        names = ("symbol", "qty", "notional", "side", "type", "limit_price", "stop_price")
        what = (received.method, *(asked.get(name) for name in names))
        before = self.sent.get(cid)
        if before is None:
            self.sent[cid] = Sent(what, self.ground.number, self.absences)
            return
        if before.what != what:
            broken(22, f"client order id {cid} was sent for {before.what} and for {what}")
        if before.life != self.ground.number:
            broken(22, f"order {cid} of life {before.life} was sent again by life {self.ground.number}")
        if received.method == "PATCH" or self.absences - before.absences < ABSENCES_MIN:
            broken(22, f"order {cid} was sent again before the broker said twice that it has no such order")
        before.absences = self.absences

    def check_gates(self, life: Life, cid: str) -> None:
        """Nothing that adds risk while the account is not listened to, its strategy is blind, or the switch tripped."""
        account = life.account
        ticket = account.desk.blotter.ticket(cid) if account is not None else None
        if ticket is None or ticket.intent is None or ticket.intent.purpose is not Purpose.ENTRY:
            return
        now_s = self.ground.now_s
        slow = [at_s for kind, at_s in self.ground.fault_s.items() if kind.startswith("net_") or kind == "sleep"]
        grace_s = SLOW_GRACE_S if max(slow, default=-SLOW_GRACE_S) > now_s - SLOW_GRACE_S else GRACE_S
        if self._closed_s is not None and now_s - self._closed_s > grace_s:
            broken(23, f"entry {cid} was sent {now_s - self._closed_s:.1f} s after the account's line was lost")
        for feed, lost_s in self._blind_s.items():
            blind_s = now_s - lost_s
            if blind_s > DECIDED_S + grace_s and feed in self._feeds_of(ticket.strategy):
                broken(23, f"entry {cid} was sent {blind_s:.1f} s after {feed} was lost: {ticket.strategy} is blind")
        for scope in (ACCOUNT, ticket.strategy):
            since_s = self._tripped_s.get(scope)
            if since_s is not None and now_s - since_s > grace_s:
                broken(23, f"entry {cid} was sent {now_s - since_s:.1f} s after the kill switch of {scope} was tripped")

    def _feeds_of(self, strategy: str) -> frozenset[str]:
        """What a trader watches from its first order to its last."""
        players = self.ground.scene.plan.players if self.ground.scene is not None else ()
        symbols = next((dict(each.params).get("symbols", ()) for each in players if each.name == strategy), ())
        return frozenset(COINS if "/" in symbol else STOCKS for symbol in symbols)

    def check_life(self, ticket: Ticket) -> None:
        """One order: its status may be reached from the one before, and nothing filled is taken back."""
        order, before = ticket.order, self._stood.get(ticket.client_order_id)
        if order is None:
            return
        if order.open and (last := self._ended.get(order.id)) is not None:
            broken(26, f"order {order.client_order_id} had ended as {last.status}, and is {order.status} again")
        if before is not None and before.id == order.id:
            if order.status is not before.status and order.status not in reachable(before.status):
                broken(26, f"order {order.client_order_id} was {before.status}, and then {order.status}")
            if order.filled_qty < before.filled_qty:
                broken(26, f"order {order.client_order_id}: {before.filled_qty} filled, and then {order.filled_qty}")
        if order.open:
            self._stood[ticket.client_order_id] = order
        else:
            self._stood.pop(ticket.client_order_id, None)
            self._ended[order.id] = order


@cache
def reachable(status: OrderStatus) -> frozenset[OrderStatus]:
    """Every status that can follow, also in several steps: what is between may have been told to nobody."""
    found: set[OrderStatus] = set()
    new = set(NEXT[status])
    while new:
        found |= new
        new = {after for each in new for after in NEXT[each]} - found
    return frozenset(found)


def intended(folder: Path, client_order_id: str) -> bool:
    """Whether the order file holds this order, as another process would see it."""
    path = folder / ORDERS
    if not path.exists():
        return False
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        row = connection.execute("SELECT 1 FROM entry WHERE kind = 'order' AND name = ?", (client_order_id,))
        return row.fetchone() is not None


def _of_account(feed: str) -> bool:
    return "account" in feed


def _read(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
