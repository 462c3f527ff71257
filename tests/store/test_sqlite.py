"""What `write` returned for is in the file, once, and what waits for a write shares one commit."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from engine.errors import StoreFailed
from engine.model.account import StrategyPosition
from engine.model.entry import Adjusted, Carried, Heard, Saved
from engine.model.order import Fill, OrderStatus, Side
from engine.ports import OrderStore, Step
from engine.store import open_store, read_store, sqlite
from engine.store.orderfile import open_order_file
from engine.store.rows import render_rows

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FILL = Fill(
    execution_id="e1", order_id="o1", symbol="SPY", side=Side.BUY, qty=Decimal("0.10"), price=Decimal("9.5"), ts_ns=3
)


class Disk:
    """Runs what blocks at once, counts the commits, and holds them up as long as it is told to."""

    def __init__(self) -> None:
        self.commits: list[Any] = []
        """The entries of each."""
        self.free = trio.Event()
        self.free.set()

    async def run_sync(self, function: Callable[[*Ts], T], /, *args: *Ts, abandon_on_cancel: bool = False) -> T:
        await trio.lowlevel.checkpoint()
        if getattr(function, "__name__", "") == "commit":
            await self.free.wait()
            self.commits += map(list, args)  # type: ignore[arg-type]  # those of a commit are its entries
        return function(*args)


@pytest.fixture
def disk() -> Disk:
    return Disk()


async def test_what_was_written_is_remembered_in_its_order(
    tmp_path: Path, now_ns: Any, intended: Any, stood: Any
) -> None:
    line = Carried(strategy="s", position=StrategyPosition(symbol="SPY", qty=Decimal("-1.50")), upto_ns=3)
    difference = Adjusted(
        id="a", strategy="", symbol="SPY", qty=Decimal(1), price=Decimal(2), at_ns=4, why="bought by hand"
    )
    told = stood(1, fills=(FILL,))
    async with open_store(tmp_path, now_ns=now_ns) as store:
        await store.write(intended(1), intended(2), line, difference)
        await store.write(told, Heard(source="events", mark="7"), Heard(source="events", mark="8"))
        await store.write(Saved(strategy="s", values={"in": True, "at": [1, 2.5, None]}))
        first = store.session
    async with open_store(tmp_path, now_ns=now_ns) as store:
        remembered = store.remembered
    assert remembered.intents == (intended(2).intent,)
    assert remembered.tickets == (told.ticket,)
    assert (remembered.carried, remembered.adjustments) == ((line,), (difference,))
    assert remembered.heard == {"events": "8"}
    assert remembered.saved == {"s": {"in": True, "at": [1, 2.5, None]}}
    assert (remembered.session != first, remembered.next_seq) == (True, {})


async def test_it_is_what_the_desk_writes_to(tmp_path: Path, now_ns: Any, intended: Any) -> None:
    async with open_store(tmp_path, now_ns=now_ns) as store:
        offered: OrderStore = store
        await offered.write(intended(1))
        await offered.write()
    assert read_store(tmp_path).intents == (intended(1).intent,)


async def test_a_commit_asks_for_a_sync(tmp_path: Path) -> None:
    """That it is asked for can be seen; that the disk does it takes a cut of the power."""
    file = open_order_file(tmp_path)
    modes = [file._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    file.close()
    assert modes == ["wal", 2]


async def test_writing_an_intent_again_does_not_forget_how_its_order_stood(
    tmp_path: Path, now_ns: Any, intended: Any, stood: Any
) -> None:
    async with open_store(tmp_path, now_ns=now_ns) as store:
        await store.write(stood(1), intended(1))
        await store.write(intended(1))
    assert read_store(tmp_path).tickets == (stood(1).ticket,)
    assert read_store(tmp_path).intents == ()


async def test_the_last_word_on_an_order_wins_and_keeps_its_place(tmp_path: Path, now_ns: Any, stood: Any) -> None:
    async with open_store(tmp_path, now_ns=now_ns) as store:
        await store.write(stood(1), stood(2))
        store.write_soon(stood(1, OrderStatus.PARTIALLY_FILLED))
        await store.write(stood(1, OrderStatus.FILLED))
    assert read_store(tmp_path).tickets == (stood(1, OrderStatus.FILLED).ticket, stood(2).ticket)


async def test_writes_that_wait_share_one_commit(tmp_path: Path, now_ns: Any, intended: Any, disk: Disk) -> None:
    async with open_store(tmp_path, now_ns=now_ns, run_sync=disk.run_sync) as store:
        disk.free = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.write, intended(0))
            await wait_all_tasks_blocked()
            for seq in range(1, 51):
                nursery.start_soon(store.write, intended(seq))
            await wait_all_tasks_blocked()
            disk.free.set()
    assert [len(commit) for commit in disk.commits] == [1, 50]


async def test_one_call_is_never_torn_over_two_commits(tmp_path: Path, now_ns: Any, intended: Any, disk: Disk) -> None:
    calls = [tuple(intended(10 * call + n) for n in range(3)) for call in range(20)]
    async with open_store(tmp_path, now_ns=now_ns, run_sync=disk.run_sync) as store, trio.open_nursery() as nursery:
        for call in calls:
            nursery.start_soon(store.write, *call)
    for call in calls:
        assert sum(set(render_rows(call)) <= set(commit) for commit in disk.commits) == 1


async def test_a_cancelled_caller_leaves_at_once_and_its_entry_is_written(
    tmp_path: Path, now_ns: Any, intended: Any, disk: Disk
) -> None:
    async with open_store(tmp_path, now_ns=now_ns, run_sync=disk.run_sync) as store:
        disk.free = trio.Event()
        with trio.CancelScope() as scope:
            scope.cancel()
            await store.write(intended(1))
        assert scope.cancelled_caught
        disk.free.set()
    assert read_store(tmp_path).intents == (intended(1).intent,)


async def test_what_is_written_soon_is_written_within_a_second_and_only_its_last_word(
    tmp_path: Path, now_ns: Any, stood: Any, disk: Disk, autojump_clock: MockClock
) -> None:
    async with open_store(tmp_path, now_ns=now_ns, run_sync=disk.run_sync) as store:
        store.write_soon(stood(1))
        await trio.sleep(0.5)
        store.write_soon(stood(1, OrderStatus.FILLED), stood(2))
        assert not disk.commits
        await trio.sleep(0.6)
        assert disk.commits == [render_rows([stood(1, OrderStatus.FILLED), stood(2)])]


async def test_leaving_by_cancellation_writes_what_waits(tmp_path: Path, now_ns: Any, stood: Any) -> None:
    with trio.CancelScope() as scope:
        async with open_store(tmp_path, now_ns=now_ns) as store:
            store.write_soon(stood(1))
            scope.cancel()
            await trio.sleep_forever()
    assert read_store(tmp_path).tickets == (stood(1).ticket,)


async def test_a_shielded_last_order_is_written_while_the_session_is_cancelled(
    tmp_path: Path, now_ns: Any, intended: Any
) -> None:
    with trio.CancelScope() as scope:
        async with open_store(tmp_path, now_ns=now_ns) as store:
            scope.cancel()
            with trio.CancelScope(shield=True):
                await store.write(intended(1))
    assert read_store(tmp_path).intents == (intended(1).intent,)


async def test_closing_on_a_disk_that_hangs_is_bounded_and_says_so(
    tmp_path: Path, now_ns: Any, stood: Any, disk: Disk, autojump_clock: MockClock
) -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(tmp_path, now_ns=now_ns, run_sync=disk.run_sync))
        disk.free = trio.Event()
        store.write_soon(stood(1))
        with pytest.raises(StoreFailed, match="did not answer for 10 s"):
            await stack.aclose()
    assert trio.current_time() < 3 * sqlite.CLOSE_MAX_S


async def test_after_a_disk_that_stood_still_too_long_nothing_more_is_promised(
    tmp_path: Path, now_ns: Any, intended: Any
) -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(tmp_path, now_ns=now_ns))
        store.write_soon(*(intended(seq) for seq in range(sqlite.GROUP_MAX + 1)))
        with pytest.raises(StoreFailed, match="does not keep up"):
            await store.write(intended(1))
        with pytest.raises(StoreFailed, match="does not keep up"):
            await stack.aclose()


async def test_a_closed_store_takes_nothing(tmp_path: Path, now_ns: Any, intended: Any) -> None:
    async with open_store(tmp_path, now_ns=now_ns) as store:
        pass
    with pytest.raises(StoreFailed, match="is closed"):
        await store.write(intended(1))


async def test_what_a_strategy_saves_has_its_steps_around_its_commit(
    tmp_path: Path, now_ns: Any, intended: Any
) -> None:
    steps: list[Step] = []
    async with open_store(tmp_path, now_ns=now_ns, probe=steps.append) as store:
        await store.write(intended(1))
        await store.write(intended(2), Saved(strategy="s", values={}))
    assert steps == [
        Step.STORE_OPENING,
        Step.SESSION_WRITING,
        Step.SESSION_WRITTEN,
        Step.STORE_OPENED,
        Step.STATE_WRITING,
        Step.STATE_WRITTEN,
        Step.STORE_CLOSING,
        Step.STORE_CLOSED,
    ]
