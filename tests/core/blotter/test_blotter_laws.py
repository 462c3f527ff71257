"""Whatever is told, in whatever order and however often: one final state, each execution once, sums that are right."""

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.core.blotter import Blotter
from engine.model.entry import Adjusted
from engine.model.order import ZERO, OrderChange, OrderStatus, Side

STRATEGIES = ("alpha", "beta", "")
SYMBOLS = ("AAPL", "TSLA", "BTC/USD")
PRICES = {symbol: Decimal("101.37") for symbol in SYMBOLS}
OPS = (
    "submit",
    "submit",
    "bracket",
    "fill",
    "fill",
    "fill",
    "whole",
    "cancel",
    "cancel_loses",
    "replace",
    "late",
    "reject",
)

histories = st.lists(st.tuples(st.sampled_from(OPS), st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=25)


def play(venue: Any, pad: Any, history: list[tuple[str, int, int]]) -> None:
    """Make a valid history of it: every intent is written before its order is at the venue."""
    for op, which, much in history:
        symbol, side = SYMBOLS[which % 3], Side.SELL if much == 4 else Side.BUY
        if op == "submit":
            strategy = STRATEGIES[much % 3]
            name = pad.send(strategy, symbol, side) if strategy else f"by-hand-{len(venue.orders)}"
            venue.submit(name, symbol, side)
        elif op == "bracket":
            venue.bracket(pad.send("alpha"))
        else:
            _go_on(venue, pad, op, which, much)


def _go_on(venue: Any, pad: Any, op: str, which: int, much: int) -> None:
    able = [order for order in venue.orders.values() if _able(order, op)]
    if not able:
        return
    order = able[which % len(able)]
    price = Decimal(100) + Decimal(much * which) / 100
    if op in ("fill", "late"):
        venue.fill(order.id, min(Decimal(much), order.qty - order.filled_qty), price)
    elif op == "whole":
        venue.fill(order.id, order.qty - order.filled_qty, price)
    elif op == "cancel":
        venue.change(order.id, OrderChange.CANCELED)
    elif op == "cancel_loses":
        venue.change(order.id, OrderChange.PENDING_CANCEL)
        venue.fill(order.id, order.qty - order.filled_qty, price)
    elif op == "reject":
        venue.change(order.id, OrderChange.REJECTED)
    else:
        ticket = pad.blotter.ticket(order.client_order_id)
        ours = ticket is not None and ticket.intent is not None and much % 2
        name = pad.send(ticket.strategy, order.symbol, order.side, replaces=order.id) if ours else f"new-{order.id}"
        venue.replace(order.id, name, str(order.qty - order.filled_qty))


def _able(order: Any, op: str) -> bool:
    if op == "late":
        return order.status is OrderStatus.CANCELED and order.filled_qty < order.qty
    alive = order.status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)
    return bool(alive and (order.filled_qty == 0 or op != "reject"))


def tellings(venue: Any, pad: Any) -> list[Callable[[Any], Any]]:
    """Every way in which the history is told: updates, the orders of replies, executions of activities."""
    told = [lambda pad, update=update: pad.hear(update) for update in venue.told]
    told += [lambda pad, fill=fill: pad.note(pad.blotter.take_fills((fill,))) for fill in venue.fills]
    told += [lambda pad, order=order: pad.note(pad.blotter.take_orders((order,))) for order in venue.orders.values()]
    return told


def final(blotter: Blotter) -> tuple[object, ...]:
    """All that can be asked of it."""
    lines = {(strategy, symbol): blotter.position(strategy, symbol) for strategy in STRATEGIES for symbol in SYMBOLS}
    profits = [blotter.profit(strategy, PRICES) for strategy in ("alpha", "beta", None)]
    return blotter, lines, profits, blotter.cash(), blotter.fills_of("alpha")


@given(histories, st.randoms(use_true_random=False))
def test_any_order_and_any_repeats_of_a_history_end_in_the_same_books(
    make_venue: Any, make_pad: Any, history: list[tuple[str, int, int]], dice: Random
) -> None:
    venue, first, second = make_venue(), make_pad(), make_pad()
    play(venue, first, history)
    second.file.write([entry for taken in first.answers for entry in taken.entries])
    second.blotter = second.restored()
    told = tellings(venue, first)
    shuffled = told + [dice.choice(told) for _ in told[::2]]
    dice.shuffle(shuffled)
    for tell in told:
        tell(first)
    for tell in shuffled:
        tell(second)
    for order in venue.orders.values():
        assert first.blotter.by_order_id(order.id) == second.blotter.by_order_id(order.id)
    assert final(first.blotter) == final(second.blotter)
    for symbol in SYMBOLS:
        assert first.blotter.account_position(symbol) == venue.held.get(symbol, ZERO)
    assert first.blotter.cash() == venue.cash


@given(histories, st.randoms(use_true_random=False))
def test_whatever_is_lost_a_snapshot_brings_and_each_execution_is_booked_once(
    make_venue: Any, make_pad: Any, history: list[tuple[str, int, int]], dice: Random
) -> None:
    venue, pad = make_venue(), make_pad()
    play(venue, pad, history)
    told = tellings(venue, pad)
    heard = [tell for tell in told if dice.random() < 0.5]
    dice.shuffle(heard)
    for tell in heard:
        tell(pad)
    rounds = 0
    while rounds == 0 or pad.answers[-1].doubts:
        pad.round(venue.snapshot())
        rounds += 1
        assert rounds <= 2
    for order in venue.orders.values():
        ticket = pad.blotter.by_order_id(order.id)
        assert ticket.order == order
        assert {fill.execution_id for fill in ticket.fills} == {
            fill.execution_id for fill in venue.fills if fill.order_id == order.id
        }
    booked = [fill.execution_id for taken in pad.answers for _, fill in taken.booked]
    ours = [fill.execution_id for fill in venue.fills if pad.blotter.by_order_id(fill.order_id).strategy]
    assert sorted(booked) == sorted(ours)
    assert pad.blotter.cash() == venue.cash
    _check_sums(venue, pad)


def _check_sums(venue: Any, pad: Any) -> None:
    for symbol in SYMBOLS:
        shares = [pad.qty(strategy, symbol) for strategy in STRATEGIES]
        assert sum(shares) == venue.held.get(symbol, ZERO) == pad.blotter.account_position(symbol)


@given(histories, st.lists(st.tuples(st.sampled_from(SYMBOLS), st.integers(-9, 9)), max_size=4), st.data())
def test_after_a_snapshot_the_sub_ledgers_are_the_brokers_positions_whatever_others_did(
    make_venue: Any,
    make_pad: Any,
    history: list[tuple[str, int, int]],
    hands: list[tuple[str, int]],
    data: st.DataObject,
) -> None:
    venue, pad = make_venue(), make_pad()
    half = data.draw(st.integers(0, len(history)))
    play(venue, pad, history[:half])
    for _ in range(2):
        pad.round(venue.snapshot())
    for symbol, qty in hands:
        venue.hand(symbol, str(qty))
    play(venue, pad, history[half:])
    for _ in range(2):
        taken = pad.round(venue.snapshot())
    assert taken.doubts == ()
    _check_sums(venue, pad)
    for symbol in SYMBOLS:  # nobody believes in more than there is of what all of them hold together
        ours, there = sum(pad.qty(name, symbol) for name in ("alpha", "beta")), venue.held.get(symbol, ZERO)
        assert not ours or (ours * there >= 0 and abs(ours) <= abs(there))
    assert pad.round(venue.snapshot()).entries == ()
    assert pad.restored() == pad.blotter
    assert final(pad.restored())[1:] == final(pad.blotter)[1:]


@given(histories, st.randoms(use_true_random=False))
def test_one_snapshot_after_all_was_told_leaves_nobody_with_what_others_traded_away(
    make_venue: Any, make_pad: Any, history: list[tuple[str, int, int]], dice: Random
) -> None:
    venue, pad = make_venue(), make_pad()
    play(venue, pad, history)
    told = tellings(venue, pad)
    dice.shuffle(told)
    for tell in told:
        tell(pad)
    taken = pad.round(venue.snapshot())
    assert taken.doubts == ()
    _check_sums(venue, pad)
    for symbol in SYMBOLS:
        assert pad.qty("", symbol) * sum(pad.qty(name, symbol) for name in ("alpha", "beta")) >= 0
        moved = [entry for entry in taken.entries if isinstance(entry, Adjusted) and entry.symbol == symbol]
        assert sum(entry.qty for entry in moved) == sum(entry.qty * entry.price for entry in moved) == 0
    assert pad.blotter.cash() == venue.cash
    assert pad.round(venue.snapshot()).entries == ()
    assert pad.restored() == pad.blotter
    assert final(pad.restored())[1:] == final(pad.blotter)[1:]


@given(histories, st.integers(0, 30), st.booleans())
def test_what_was_written_makes_the_same_books_at_any_moment_and_however_often_it_is_written(
    make_venue: Any, make_pad: Any, history: list[tuple[str, int, int]], cut: int, again: bool
) -> None:
    venue, pad = make_venue(), make_pad()
    play(venue, pad, history)
    for tell in tellings(venue, pad)[:cut]:
        tell(pad)
    if again:
        entries = [entry for taken in pad.answers for entry in taken.entries]
        pad.file.write(entries[len(entries) // 2 :])
    restored = pad.restored()
    assert restored == pad.blotter
    assert final(restored)[1:] == final(pad.blotter)[1:]
    pad.blotter = restored
    pad.round(venue.snapshot())
    pad.round(venue.snapshot())
    assert pad.blotter.cash() == venue.cash
    _check_sums(venue, pad)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_however_a_fill_is_cut_and_whatever_is_lost_of_it_the_sum_is_the_orders(
    make_venue: Any, make_pad: Any, parts: list[int], dice: Random
) -> None:
    venue, pad = make_venue(), make_pad()
    order = venue.submit(pad.send(qty=str(sum(parts))), qty=str(sum(parts)))
    for number, part in enumerate(parts):
        venue.fill(order.id, Decimal(part), Decimal(100 + number))
    heard = [update for update in venue.told for _ in range(dice.choice((0, 1, 2)))]
    for update in heard:
        taken = pad.hear(update)
        told = pad.blotter.by_order_id(order.id).order.filled_qty
        assert pad.qty("alpha") == told
        known = sum(fill.qty for fill in pad.blotter.fills_of("alpha"))
        assert bool(taken.doubts) == bool(taken.changed and told != known)
    pad.round(venue.snapshot())
    assert pad.qty("alpha") == sum(parts)
    assert pad.blotter.cash() == venue.cash


@given(histories, st.integers(0, 40), st.randoms(use_true_random=False))
def test_forgetting_moves_nothing_and_what_is_told_again_of_the_forgotten_is_not_booked_again(
    make_venue: Any, make_pad: Any, history: list[tuple[str, int, int]], seconds: int, dice: Random
) -> None:
    venue, pad = make_venue(), make_pad()
    play(venue, pad, history)
    began = venue.told[0].ts_ns if venue.told else 0
    told = tellings(venue, pad)
    for tell in told:
        tell(pad)
    before = final(pad.blotter)[1:4]
    pad.note(pad.blotter.carry(began + seconds * 1_000_000_000))
    assert final(pad.blotter)[1:4] == before
    for tell in dice.sample(told, len(told)):
        tell(pad)
    assert final(pad.blotter)[1:4] == before
    assert final(pad.restored())[1:4] == before


def test_every_interleaving_of_stream_reply_cancel_error_and_snapshot_ends_in_one_ledger(
    make_venue: Any, make_pad: Any
) -> None:
    """One order, a part of which fills; a cancel; a round whose three answers can each be read at any moment.

    The world's steps (fill, cancel) stay in their order, and so do the questions of a round; when each message is heard
    is free. Every such schedule ends, after at most two quiet rounds, in the same books, and adopts nothing.
    """
    ends = set()
    for schedule in sorted(
        set(permutations(("fill", "cancel", "orders", "fills", "positions", "hear", "reply", "take")))
    ):
        place = {name: number for number, name in enumerate(schedule)}
        if not place["fill"] < place["cancel"]:
            continue
        if not place["orders"] < place["fills"] < place["positions"] < place["take"]:
            continue
        for error in (False, True):
            ends.add(_end_of(make_venue(), make_pad(), schedule, error=error))
    assert len(ends) == 1, sorted(ends)


def _end_of(venue: Any, pad: Any, schedule: tuple[str, ...], *, error: bool) -> str:
    order = venue.submit(pad.send())
    heard, read, mark = 0, {}, -1
    for step in schedule:
        if step == "fill":
            venue.fill(order.id, "4")
        elif step == "cancel":
            venue.change(order.id, OrderChange.CANCELED)
        elif step == "orders":
            mark, read["orders"] = pad.blotter.mark(), tuple(venue.orders.values())
        elif step == "fills":
            read["fills"] = tuple(venue.fills)
        elif step == "positions":
            read["positions"] = venue.positions()
        elif step == "hear":
            pad.hear(*venue.told[heard:])
            heard = len(venue.told)
        elif step == "reply":
            pad.note(pad.blotter.take_orders((order,)))
        elif not error:  # a round in which a question failed is not told of
            pad.note(pad.blotter.take_snapshot(venue.snapshot(**read), mark))
    pad.hear(*venue.told[heard:])
    rounds = 0
    while rounds == 0 or pad.answers[-1].doubts:
        pad.round(venue.snapshot())
        rounds += 1
        assert rounds <= 2, schedule
    assert not any(isinstance(entry, Adjusted) for taken in pad.answers for entry in taken.entries), schedule
    ticket = pad.blotter.by_order_id(order.id)
    assert ticket.order == venue.orders[order.id]
    filled = [(fill.qty, fill.price) for fill in ticket.fills]
    return repr((ticket.order.status, filled, pad.blotter.position("alpha", "AAPL"), pad.blotter.cash()))
