"""The log gives back what was told, by number, id and instant, and forgets the oldest without renumbering the rest."""

from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.trading.log import Log


def make(count: int, kept_min: int = 100) -> Log[int]:
    log: Log[int] = Log(lambda number: f"{number:06d}", lambda number: number * 10, kept_min)
    for number in range(count):
        log.add(number)
    return log


@given(st.integers(0, 1000), st.integers(1, 50), st.integers(0, 1000), st.integers(0, 20))
def test_what_is_kept_is_the_newest_under_its_own_numbers(count: int, kept_min: int, start: int, items: int) -> None:
    log = make(count, kept_min)
    assert log.end == count
    assert min(count, kept_min) <= log.end - log.start < 2 * kept_min
    first = max(start, log.start)
    assert list(log.read(start, items)) == list(range(first, min(first + items, count)))
    assert list(log.newest_first()) == list(range(count - 1, log.start - 1, -1))


@given(st.integers(1, 300), st.integers(0, 3100))
def test_a_place_is_found_by_id_and_by_instant(count: int, ts_ns: int) -> None:
    log = make(count)
    number = min(ts_ns // 10, count - 1)
    assert log.after_id(f"{number:06d}") == max(number + 1, log.start)
    assert log.from_ts(ts_ns) == max(min(-(-ts_ns // 10), count), log.start)
