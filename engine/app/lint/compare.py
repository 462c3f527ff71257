"""Two runs side by side: where they first decide differently, and the instants at which it is worth to look."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest

import msgspec
from attrs import frozen
from msgspec.structs import replace

from engine.core.fingerprint import render_decision
from engine.model.instant import render_instant
from engine.model.journal import Asked

NOTHING = "nothing more"
LINE_MAX = 160
"""Characters of one decision that are shown: an order with its exits has some 120."""


@frozen
class Difference:
    """The first decision that is not in both runs: whose, when (the earlier of the two), and both sides as lines."""

    strategy: str
    at_ns: int
    left: str
    right: str

    def lines(self, left: str, right: str) -> tuple[str, ...]:
        """For people: ``left`` and ``right`` are what the two runs are called."""
        wide = max(len(left), len(right))
        return (
            f"{self.strategy} at {render_instant(self.at_ns)}",
            f"  {left:<{wide}}  {_short(self.left)}",
            f"  {right:<{wide}}  {_short(self.right)}",
        )


def first_difference(
    left: Iterable[Asked], right: Iterable[Asked], *, from_ns: int | None = None, until_ns: int | None = None
) -> Difference | None:
    """The earliest decision in which two runs differ, between both inclusive bounds; ``None``: they are equal.

    Both are in the order of `engine.core.fingerprint.decisions_of`. With ``from_ns`` the orders that decisions speak of
    are numbered from there, because a run that began then has made fewer before.
    """
    ours, theirs = _by_strategy(left, from_ns, until_ns), _by_strategy(right, from_ns, until_ns)
    found = [_first(name, ours[name], theirs[name]) for name in sorted(ours.keys() | theirs.keys())]
    return min((one for one in found if one is not None), key=lambda one: one.at_ns, default=None)


def last_difference_ns(left: Iterable[Asked], right: Iterable[Asked], *, from_ns: int) -> int | None:
    """When two runs decide differently for the last time, from an instant on; ``None``: never."""
    times = []
    ours, theirs = _by_strategy(left, from_ns, None), _by_strategy(right, from_ns, None)
    for name in ours.keys() | theirs.keys():
        mine, other = ours[name], theirs[name]
        while mine and other and mine[-1] == other[-1]:
            mine.pop()
            other.pop()
        times += [one[-1].at_ns for one in (mine, other) if one]
    return max(times, default=None)


def choose_instants(decisions: Sequence[Asked], count: int) -> tuple[int, ...]:
    """Times of at most ``count`` decisions, spread evenly over those that were taken: the same for the same run.

    >>> choose_instants([Asked(0, at, "s", 1, "buy") for at in (5, 5, 7, 9, 30)], 3)
    (5, 7, 30)
    """
    times = sorted({asked.at_ns for asked in decisions})
    if len(times) <= count:
        return tuple(times)
    last = len(times) - 1
    return tuple(times[place * last // (count - 1)] for place in range(count)) if count > 1 else (times[last // 2],)


@frozen
class _Line:
    at_ns: int
    text: str


def _by_strategy(decisions: Iterable[Asked], from_ns: int | None, until_ns: int | None) -> dict[str, list[_Line]]:
    told: dict[str, list[_Line]] = defaultdict(list)
    orders: dict[str, str] = {}
    for asked in decisions:
        if (from_ns is None or asked.at_ns >= from_ns) and (until_ns is None or asked.at_ns <= until_ns):
            line = render_decision(asked if from_ns is None else _number(asked, orders))
            told[asked.strategy].append(_Line(asked.at_ns, line))
    return told


def _number(asked: Asked, orders: dict[str, str]) -> Asked:
    """The decision with its order, if it speaks of one, by a number; ``orders`` are those that had one before."""
    words = msgspec.json.decode(asked.words)
    if "order" not in words:
        return asked
    words["order"] = orders.setdefault(words["order"], f"{asked.strategy} order {len(orders)}")
    return replace(asked, words=msgspec.json.encode(words).decode())


def _first(strategy: str, left: Sequence[_Line], right: Sequence[_Line]) -> Difference | None:
    for mine, other in zip_longest(left, right):
        if mine != other:
            at_ns = min(one.at_ns for one in (mine, other) if one is not None)
            texts = [NOTHING if one is None else one.text for one in (mine, other)]
            return Difference(strategy, at_ns, *texts)
    return None


def _short(line: str) -> str:
    return line if len(line) <= LINE_MAX else line[: LINE_MAX - 4] + " ..."
