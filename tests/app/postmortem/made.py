"""Sessions written as a recording writes them, with a market and orders that are known: a day of any size."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from engine.codec.journal import Arrival, render_control
from engine.model.control import Alarm, Connected, ControlEvent, Gap, Lost, Resumed
from engine.model.intent import Intent, Outcome, Purpose, Ticket
from engine.model.journal import Asked, Began, Ended, JournalRecord, Noted
from engine.model.market import Kind, MarketEvent, Quote, Trade
from engine.model.order import Fill, Order, OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from engine.model.stream import Stream
from engine.store.session import Manifest, Player, write_closing, write_orders
from engine.store.session.compact import Compaction
from engine.store.session.writer import Batch, SessionWriter

NS = 1_000_000_000
OPEN_NS = 1_772_461_800 * NS
"""2026-03-02T14:30:00Z, when New York opens."""
MINUTE_NS = 60 * NS
STRATEGY = "trend"


def manifest_of(*, names: Sequence[str] = (STRATEGY,), **changes: Any) -> Manifest:
    """The manifest of a session that begins at the opening."""
    told = {
        "started_ns": OPEN_NS,
        "venue": "exchange",
        "strategies": tuple(Player(name=name, source=f"{name}:{name}", trades=True) for name in names),
        "settings": {"shadow": False},
        "seeds": {"session": 1},
    }
    return Manifest(**{**told, **changes})


def make_market(symbols: Sequence[str], minutes: int, per_minute: int, seed: int = 3) -> Iterable[list[MarketEvent]]:
    """Quotes and trades of each minute, in order, numbered: three quotes to a trade."""
    dice = Random(seed)
    prices = {symbol: 100.0 + 50 * place for place, symbol in enumerate(symbols)}
    number = 0
    for minute in range(minutes):
        told: list[MarketEvent] = []
        for place in range(per_minute):
            at_ns = OPEN_NS + minute * MINUTE_NS + place * MINUTE_NS // per_minute
            symbol = symbols[place % len(symbols)]
            price = prices[symbol] = round(prices[symbol] + dice.choice((-0.01, 0.0, 0.01)), 2)
            number += 1
            received_ns = at_ns + dice.randrange(1_000_000, 80_000_000)
            if dice.random() < 0.25:
                told.append(
                    Trade(symbol, at_ns, price, 100.0, number, "V", ("@",), received_ns=received_ns, seq=number)
                )
            else:
                bid, ask = price - 0.01, price + 0.01
                told.append(Quote(symbol, at_ns, bid, 5.0, ask, 5.0, "V", "V", received_ns=received_ns, seq=number))
        yield told


def filled(
    number: int, symbol: str, qty: str, price: str, at_ns: int, *, strategy: str = STRATEGY, fee: str = "0",
    took_ns: int = 20_000_000,
) -> Ticket:  # fmt: skip
    """A market order that was filled at once; ``qty`` below 0 sells."""
    amount, side = abs(Decimal(qty)), Side.SELL if qty.startswith("-") else Side.BUY
    name = f"{strategy}-{number}"
    request = OrderRequest(
        symbol=symbol, side=side, type=OrderType.MARKET, time_in_force=TimeInForce.DAY, qty=amount, client_order_id=name
    )
    intent = Intent(
        client_order_id=name,
        strategy=strategy,
        seq=number,
        request=request,
        purpose=Purpose.ENTRY,
        at_ns=at_ns,
        valid_until_ns=at_ns + MINUTE_NS,
    )
    order = Order(
        id=f"venue-{name}",
        client_order_id=name,
        symbol=symbol,
        asset_id=symbol,
        asset_class=None,
        side=side,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        status=OrderStatus.FILLED,
        qty=amount,
        filled_qty=amount,
        filled_avg_price=Decimal(price),
        created_ns=at_ns,
        submitted_ns=at_ns,
        filled_ns=at_ns + took_ns,
    )
    fill = Fill(
        execution_id=f"x-{name}",
        order_id=order.id,
        symbol=symbol,
        side=side,
        qty=amount,
        price=Decimal(price),
        ts_ns=at_ns + took_ns,
        fee=Decimal(fee),
    )
    return Ticket(
        client_order_id=name,
        strategy=strategy,
        intent=intent,
        outcome=Outcome.TAKEN,
        order=order,
        fills=(fill,),
        sends=1,
        sent_ns=at_ns + 2_000_000,
    )


def a_bad_line(at_ns: int) -> list[JournalRecord]:
    """A line that was lost and came back with a hole, and a word about it."""
    gap = Gap("iex", Stream(Kind.QUOTES, "AAA"), at_ns, at_ns + 40 * NS, "history_lags", at_ns + 50 * NS, 12)
    events: list[ControlEvent] = [
        Connected("iex", OPEN_NS),
        Lost("iex", at_ns, "the venue closed the connection", 0.5),
        Connected("iex", at_ns + 40 * NS),
        gap,
        Resumed("iex", at_ns + 50 * NS, 12, 1, 50.0),
        Alarm("iex", at_ns + 60 * NS, "407 slow client"),
    ]
    return [Noted(0, event.at_ns, "", render_control(event)) for event in events]


def a_run(end_ns: int, *, decisions: int = 2, how: str = "finished", error: str = "") -> list[JournalRecord]:
    """One run of the strategy."""
    asked = [Asked(0, OPEN_NS + 1 + place, STRATEGY, place + 1, "buy") for place in range(decisions)]
    return [Began(0, OPEN_NS, STRATEGY, 1), *asked, Ended(0, end_ns, STRATEGY, how, error)]


def write_session(
    folder: Path,
    *,
    market: Iterable[list[MarketEvent]] = (),
    records: Sequence[JournalRecord] = (),
    tickets: Sequence[Ticket] | None = (),
    manifest: Manifest | None = None,
    end_ns: int = OPEN_NS + 10 * MINUTE_NS,
    closing: dict[str, Any] | None = None,
    crashed: bool = False,
) -> Path:
    """Write a session as a recording does; ``crashed``: up to where the process died, without orders or an end."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = SessionWriter.open(folder, manifest or manifest_of(), frames=False, feed_of=lambda _: "iex")
    told = [(events[-1].ts_ns, events) for events in market if events]
    singly: list[Arrival] = [(event.ts_ns, [event]) for _, events in told for event in events]
    writer.write(Batch(told=singly, noted=list(records)))
    if crashed:
        writer.close()
        return folder
    if tickets is not None:
        write_orders(folder, tickets)
    if closing is not None:
        write_closing(folder, closing)
    writer.end_run(end_ns)
    compaction = Compaction(folder)
    while compaction.step():
        pass
    assert not compaction.conclude(writer.manifest, end_ns)
    writer.close()
    return folder
