"""Ids that a tape lacks are counted by symbol, exchange and New York day, in chunks as in one go."""

from hypothesis import given
from hypothesis import strategies as st

from engine.core.bars import TradeIds, id_day_ns
from engine.model.instant import NS_PER_S

HOUR_NS = 3600 * NS_PER_S
T0 = 1_514_903_400 * NS_PER_S

rows = st.lists(st.tuples(st.integers(0, 20), st.sampled_from("VP"), st.sampled_from([None, None, 7])), max_size=30)


@given(rows=rows, cut=st.integers(0, 30))
def test_ids_are_counted_by_exchange_and_day(rows: list[tuple[int, str, int | None]], cut: int) -> None:
    at_ns, times = T0, []
    for step, _, _ in rows:
        at_ns += step * HOUR_NS
        times.append(at_ns)
    exchanges, known = [row[1] for row in rows], [row[2] for row in rows]
    counted: dict[tuple[int, str], int] = {}
    expected: list[int | None] = []
    for ts_ns, exchange, id_ in zip(times, exchanges, known, strict=True):
        key = (id_day_ns(ts_ns), exchange)
        if id_ is None:
            counted[key] = counted.get(key, 0) + 1
        expected.append(counted[key] if id_ is None else id_)
    ids = TradeIds()
    found = list(ids.fill(times[:cut], exchanges[:cut], known[:cut]))
    found += ids.fill(times[cut:], exchanges[cut:], known[cut:])
    assert found == expected
