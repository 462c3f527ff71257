"""Tripped once is tripped until a person resets it: over restarts, by whomever, and whatever the files are like."""

import os
import signal
from pathlib import Path

import pytest
import trio
import trio.testing

from engine.flow.account.killswitch import OUTSIDE, WATCH_EVERY_S, KillSwitch
from engine.store import Latches

NOON_NS = 1_772_461_860 * 10**9


class Said:
    """What the switch told: scopes to flatten, and sentences."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self.sentences: list[str] = []


def switch_on(folder: Path, said: Said | None = None) -> tuple[KillSwitch, Said]:
    said = said or Said()
    switch = KillSwitch(
        latches=Latches(folder), on_trip=said.scopes.append, now_ns=lambda: NOON_NS, report=said.sentences.append
    )
    return switch, said


async def test_a_strategy_is_stopped_alone_and_the_account_stops_all(tmp_path: Path) -> None:
    switch, said = switch_on(tmp_path)
    assert switch.tripped("trend") == ""
    await switch.trip("trend", "It lost too much.", "limit")
    assert "It lost too much." in switch.tripped("trend")
    assert switch.tripped("other") == ""
    await switch.trip("account", "Enough.", "limit")
    assert "Enough." in switch.tripped("other")
    assert said.scopes == ["trend", "account"]


async def test_tripping_again_flattens_nothing_again_and_the_first_reason_stays(tmp_path: Path) -> None:
    switch, said = switch_on(tmp_path)
    await switch.trip("trend", "First.", "limit")
    await switch.trip("trend", "Second.", "limit")
    assert said.scopes == ["trend"]
    assert "First." in switch.tripped("trend")


async def test_it_is_on_disk_before_anybody_is_told(tmp_path: Path) -> None:
    seen: list[str] = []
    switch = KillSwitch(
        latches=Latches(tmp_path),
        on_trip=lambda scope: seen.append(Latches(tmp_path).tripped(scope)),
        now_ns=lambda: NOON_NS,
        report=lambda _: None,
    )
    await switch.trip("account", "Enough.", "limit")
    assert len(seen) == 1
    assert "Enough." in seen[0]


async def test_a_restart_does_not_free_it_and_flattens_what_the_former_run_may_have_left(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    first, _ = switch_on(tmp_path)
    await first.trip("account", "Enough.", "limit")
    second, said = switch_on(tmp_path)
    assert "Enough." in second.tripped("trend")
    with trio.move_on_after(1):
        await second.serve_latches()
    assert said.scopes == ["account"]


async def test_what_another_process_latched_is_obeyed_at_once_and_acted_upon_soon(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    switch, said = switch_on(tmp_path)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(switch.serve_latches)
        await trio.testing.wait_all_tasks_blocked()
        (tmp_path / "latches" / "account").touch()
        assert switch.tripped("trend")
        await trio.sleep(2 * WATCH_EVERY_S)
        assert said.scopes == ["account"]
        nursery.cancel_scope.cancel()


async def test_what_gapless_kill_latched_is_left_to_gapless_kill(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    switch, said = switch_on(tmp_path)
    Latches(tmp_path).trip("account", f"{OUTSIDE}somebody ran it.", "gapless kill", NOON_NS)
    with trio.move_on_after(3.5 * WATCH_EVERY_S):
        await switch.serve_latches()
    assert switch.tripped("trend")
    assert said.scopes == []
    assert len(said.sentences) == 1, "it is said once, and not each time it is looked"


async def test_each_run_of_gapless_kill_is_seen_whatever_tripped_it_first(tmp_path: Path) -> None:
    outside = f"{OUTSIDE}somebody ran it."
    Latches(tmp_path).trip("account", outside, "gapless kill", NOON_NS)
    switch, _ = switch_on(tmp_path)
    assert switch.elsewhere("trend") == "", "that was before this run, which has read its books since"
    Latches(tmp_path).trip("account", outside, "gapless kill", NOON_NS + 1)
    assert switch.elsewhere("trend") == outside, "the same words, and yet another process at work"
    Latches(tmp_path).reset("account")
    assert switch.elsewhere("trend") == ""
    await switch.trip("trend", "It lost too much.", "limit")
    assert switch.elsewhere("trend") == "", "what this engine tripped it flattens itself"
    Latches(tmp_path).trip("trend", outside, "gapless kill", NOON_NS + 2)
    assert switch.elsewhere("trend") == outside
    assert switch.elsewhere("other") == ""
    assert "lost too much" in switch.tripped("trend"), "the first reason stays"


async def test_a_reset_frees_the_running_engine_and_the_next_trip_acts_again(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    switch, said = switch_on(tmp_path)
    await switch.trip("account", "Enough.", "limit")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(switch.serve_latches)
        await trio.testing.wait_all_tasks_blocked()
        Latches(tmp_path).reset("account")
        assert switch.tripped("trend") == ""
        await trio.sleep(2 * WATCH_EVERY_S)
        assert "reset" in said.sentences[-1]
        await switch.trip("account", "Again.", "limit")
        assert said.scopes == ["account", "account"]
        nursery.cancel_scope.cancel()


async def test_a_folder_that_is_gone_is_tripped_and_acted_upon(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    switch, said = switch_on(tmp_path)
    (tmp_path / "latches").rmdir()
    assert switch.tripped("trend")
    with trio.move_on_after(1):
        await switch.serve_latches()
    assert said.scopes == ["account"]


async def test_a_latch_that_cannot_be_written_still_stops_this_process(tmp_path: Path) -> None:
    switch, said = switch_on(tmp_path)
    (tmp_path / "latches").rmdir()
    (tmp_path / "latches").write_text("not a folder")
    await switch.trip("trend", "It lost too much.", "limit")
    (tmp_path / "latches").unlink()
    (tmp_path / "latches").mkdir()
    assert switch.tripped("trend") == "It lost too much."
    assert switch.tripped("other") == ""
    assert said.scopes == ["trend"]
    assert "cannot be written" in said.sentences[0]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
async def test_a_signal_trips_the_account(tmp_path: Path) -> None:
    switch, said = switch_on(tmp_path)
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(switch.run)
            await trio.testing.wait_all_tasks_blocked()
            os.kill(os.getpid(), signal.SIGUSR1)
            while not said.scopes:
                await trio.testing.wait_all_tasks_blocked(0.001)
            nursery.cancel_scope.cancel()
    assert said.scopes == ["account"]
    assert "SIGUSR1" in Latches(tmp_path).tripped("trend")
