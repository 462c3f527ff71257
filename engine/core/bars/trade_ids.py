"""Ids for trades of a tape that has none, by one rule that whoever reads the tape can repeat.

One sequence per symbol, exchange and New York day (crypto too), as a venue would count. Without ids nobody could tell
twin trades apart.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import count

from engine.core.bars.making import day_start_ns
from engine.model.instant import NS_PER_S


def id_day_ns(ts_ns: int) -> int:
    """Where the day begins in which a trade of this instant is numbered."""
    return day_start_ns("", ts_ns)


class _Counts(dict[str, Iterator[int]]):
    """What is counted in one day, by exchange; bounded by how many exchanges there are."""

    def __missing__(self, exchange: str) -> Iterator[int]:
        counting = self[exchange] = count(1)
        return counting


class TradeIds:
    """Numbers the trades of one symbol, which are told in order of their times from the beginning of a day on."""

    def __init__(self) -> None:
        self._day_ns = self._day_end_ns = 0
        self._counts = _Counts()

    def fill(self, times: Sequence[int], exchanges: Sequence[str], known: Sequence[int | None]) -> Sequence[int | None]:
        """The known ids, and made ones where there is none (``None``). All three are as long."""
        if None not in known:
            return known
        filled: list[int | None] = []
        while (begin := len(filled)) < len(times):
            self._turn(times[begin])
            end = bisect_left(times, self._day_end_ns, begin)
            ids, counts = known[begin:end], self._counts
            if ids.count(None) == len(ids):
                filled += map(next, map(counts.__getitem__, exchanges[begin:end]))
            else:
                pairs = zip(ids, exchanges[begin:end], strict=True)
                filled += [next(counts[exchange]) if id_ is None else id_ for id_, exchange in pairs]
        return filled

    def _turn(self, ts_ns: int) -> None:
        """Begin a new day where this instant is in another one."""
        if not self._day_ns <= ts_ns < self._day_end_ns:
            self._day_ns = id_day_ns(ts_ns)
            self._day_end_ns = id_day_ns(self._day_ns + 30 * 3600 * NS_PER_S)
            self._counts = _Counts()
