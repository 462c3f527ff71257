"""Forgetting old orders at opening, so that a file that is used for years is not a file of years.

An order that ended more than `KEPT_S` ago leaves only its share in its strategy's line (`Carried`), and so does the
oldest where there are more than `ENDED_MAX`. What is in a line is the blotter's business, so a blotter is made of the
file and asked; the file is changed in one transaction, so that a fill is always in its order or in the line.

What it costs is bounded: a look at every order where none is to be forgotten, else two blotters made of what is read at
opening anyway. It is done at opening only, when nobody waits for an order. The pages that become free are used again
by the orders to come.
"""

from collections.abc import Mapping, Sequence, Set
from typing import Final

from attrs import evolve

from engine.core.blotter import Blotter
from engine.core.blotter.books import ended_ns
from engine.model.account import StrategyPosition
from engine.model.entry import Carried, Remembered, Stood
from engine.model.instant import NS_PER_S
from engine.store.orderfile import OrderFile

KEPT_S: Final = 30 * 24 * 3600
"""A month: longer than any question about an order takes to come up, and than a broker takes to correct one."""
ENDED_MAX: Final = 20_000
"""Ended orders that are kept however young: twice what the blotter has in memory, and read in two or three seconds."""


def recall_compactly(file: OrderFile, now_ns: int, *, ended_max: int = ENDED_MAX) -> Remembered:
    """Everything in the file, after what is too old in it was folded. Raises `StoreFailed`."""
    remembered = file.recall()
    tickets = remembered.tickets
    ends = sorted(ended_ns(ticket) for ticket in tickets if not ticket.open)
    upto_ns = max([now_ns - KEPT_S * NS_PER_S, *ends[:-ended_max][-1:]])
    if not ends or ends[0] > upto_ns:
        return remembered
    blotter = Blotter.restore(remembered)
    lines = [entry for entry in blotter.carry(upto_ns).entries if isinstance(entry, Carried)]
    forgotten = [Stood(ticket=ticket) for ticket in tickets if blotter.ticket(ticket.client_order_id) is None]
    folded = evolve(
        _without(remembered, lines, {entry.ticket.client_order_id for entry in forgotten}), charged=blotter.charged()
    )
    # Nothing can bring back what is forgotten, so the books are compared before: a file that grows is the smaller harm.
    if not forgotten or _books(Blotter.restore(folded)) != _books(blotter):
        return remembered
    adjusted, fees = set(folded.adjustments), {entry.fee.id for entry in folded.charged}
    forgotten_too = [entry for entry in remembered.adjustments if entry not in adjusted]
    forgotten_fees = [entry for entry in remembered.charged if entry.fee.id not in fees]
    file.fold(lines, [*forgotten, *forgotten_too, *forgotten_fees])
    return folded


def _without(remembered: Remembered, lines: Sequence[Carried], forgotten: Set[str]) -> Remembered:
    """What is remembered once these lines stand for the forgotten orders, and for the adjustments of their time."""
    carried = {_line_of(line): line for line in (*remembered.carried, *lines)}
    return evolve(
        remembered,
        tickets=tuple(ticket for ticket in remembered.tickets if ticket.client_order_id not in forgotten),
        carried=tuple(carried.values()),
        adjustments=tuple(
            entry
            for entry in remembered.adjustments
            if (line := carried.get((entry.strategy, entry.symbol))) is None or entry.at_ns > line.upto_ns
        ),
    )


def _line_of(line: Carried) -> tuple[str, str]:
    return line.strategy, line.position.symbol


def _books(blotter: Blotter) -> Mapping[str, Mapping[str, StrategyPosition]]:
    return {strategy: blotter.positions(strategy) for strategy in ("", *blotter.strategies())}
