"""What a live session keeps in files."""

from engine.app.replay.memory import MemoryLatches, MemoryStore
from engine.model.entry import Entry, Heard, Saved


async def test_entries_are_handed_on_in_order_by_either_way() -> None:
    kept: list[Entry] = []
    store = MemoryStore(kept.append)
    first, second, third = Saved(strategy="a", values={}), Heard(source="x", mark="1"), Saved(strategy="b", values={})
    await store.write(first, second)
    store.write_soon(third)
    assert kept == [first, second, third]


def test_a_latch_holds_for_its_scope_and_the_account_s_for_all() -> None:
    latches = MemoryLatches()
    assert latches.tripped("mine") == ""
    latches.trip("mine", "too much", "limit", 0)
    latches.trip("mine", "once more", "limit", 10**9)
    assert (latches.tripped("mine"), latches.tripped("other")) == ("too much", "")
    assert latches.trips("mine") == (("1970-01-01T00:00:00Z", "too much"), ("1970-01-01T00:00:01Z", "once more"))
    latches.trip("account", "enough", "limit", 0)
    assert latches.tripped("other") == latches.tripped("mine") == "enough"
    assert latches.all() == {"account": "enough", "mine": "too much"}
