"""What was tripped stays tripped until it is reset, and whatever cannot be read counts as tripped."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import StoreFailed
from engine.ports.steps import Step
from engine.store import ACCOUNT, Latches

ASKER = """
import sys
from pathlib import Path
from engine.store import Latches
print(ascii(Latches(Path(sys.argv[1])).all()))
"""
AT_NS = 1_790_000_000_000_000_000


@pytest.fixture
def latches(tmp_path: Path) -> Latches:
    return Latches(tmp_path)


def test_nothing_is_tripped_at_first(latches: Latches) -> None:
    assert (latches.tripped(ACCOUNT), latches.tripped("s"), latches.all()) == ("", "", {})


def test_a_strategy_is_tripped_alone_and_with_its_account(latches: Latches) -> None:
    latches.trip("s", "lost too much", "loss_per_day", AT_NS)
    assert (latches.tripped("s"), latches.tripped("t"), latches.tripped(ACCOUNT)) == ("lost too much", "", "")
    latches.trip(ACCOUNT, "by hand", "gapless kill", AT_NS)
    assert (latches.tripped("s"), latches.tripped("t"), latches.tripped(ACCOUNT)) == ("by hand",) * 3
    assert latches.all() == {ACCOUNT: "by hand", "s": "lost too much"}
    latches.reset(ACCOUNT)
    assert (latches.tripped("s"), latches.tripped("t")) == ("lost too much", "")
    latches.reset("s")
    latches.reset("s")
    assert latches.all() == {}


def test_the_first_reason_stays(latches: Latches) -> None:
    latches.trip("s", "first", "a", AT_NS)
    latches.trip("s", "second", "b", AT_NS + 1)
    assert latches.tripped("s") == "first"
    assert latches.all() == {"s": "first"}
    assert latches.trips("s") == (("2026-09-21T14:13:20Z", "first"), ("2026-09-21T14:13:20.000000001Z", "second"))
    latches.reset("s")
    assert latches.trips("s") == ()


def test_one_that_somebody_made_by_hand_says_so_and_goes_on_saying_it(latches: Latches, tmp_path: Path) -> None:
    (tmp_path / "latches" / "s").touch()
    assert "made by hand" in latches.tripped("s")
    latches.trip("s", "and then this", "a", AT_NS)
    assert "made by hand" in latches.tripped("s")
    assert [reason for _, reason in latches.trips("s")] == ["and then this"]


def test_a_latch_stays_small_however_often_it_is_tripped(latches: Latches, tmp_path: Path) -> None:
    for _ in range(5):
        latches.trip("s", "x" * 20_000, "a", AT_NS)
    assert (tmp_path / "latches" / "s").stat().st_size < 64 * 1024
    assert latches.tripped("s") == "x" * 20_000


def test_a_latch_outlives_the_process_and_tells_a_person_all(latches: Latches, tmp_path: Path) -> None:
    latches.trip(ACCOUNT, "Verlust über 5 %", "loss_per_day", AT_NS)
    done = subprocess.run(
        [sys.executable, "-c", ASKER, str(tmp_path)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.stdout.strip() == ascii({ACCOUNT: "Verlust über 5 %"})
    latch = tmp_path / "latches" / "account"
    assert json.loads(latch.read_text()) == {
        "scope": "account",
        "reason": "Verlust über 5 %",
        "at": "2026-09-21T14:13:20Z",
        "by": "loss_per_day",
    }
    assert latch.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["{", "[]", "3", '{"scope": "s"}', "\x00" * 100, "[" * 100_000, "\udcff"])
def test_whatever_is_in_the_file_it_is_tripped(latches: Latches, tmp_path: Path, content: str) -> None:
    path = tmp_path / "latches" / "s"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert latches.tripped("s") == f"{path} is there but cannot be read, which counts as tripped"
    assert list(latches.all()) == ["s"]
    latches.trip("s", "now with a reason", "a", AT_NS)
    assert "cannot be read" in latches.tripped("s"), "what is there is not written over"


def test_a_folder_in_the_place_of_a_latch_is_tripped(latches: Latches, tmp_path: Path) -> None:
    (tmp_path / "latches" / "s").mkdir()
    assert latches.tripped("s")
    with pytest.raises(StoreFailed, match="cannot be removed"):
        latches.reset("s")


def test_a_folder_that_is_gone_is_tripped_until_a_person_resets_it(latches: Latches, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "latches")
    assert latches.tripped("s")
    assert list(latches.all()) == [ACCOUNT]
    latches.reset(ACCOUNT)
    assert latches.tripped("s") == ""


def test_a_folder_that_is_gone_can_still_be_tripped(latches: Latches, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "latches")
    latches.trip("s", "late", "a", AT_NS)
    assert (latches.tripped("s"), latches.tripped("t")) == ("late", "")


def test_a_trip_that_cannot_be_latched_says_so(latches: Latches, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "latches")
    (tmp_path / "latches").write_text("")
    with pytest.raises(StoreFailed, match="it is a file"):
        latches.trip("s", "x", "a", AT_NS)
    assert latches.tripped("s")


def test_a_copy_of_a_latch_trips_whom_it_is_named_for(latches: Latches, tmp_path: Path) -> None:
    latches.trip("s", "x", "a", AT_NS)
    shutil.copy(tmp_path / "latches" / "s", tmp_path / "latches" / ACCOUNT)
    assert (latches.tripped("t"), latches.all()) == ("x", {ACCOUNT: "x", "s": "x"})


def test_an_empty_reason_trips_too(latches: Latches) -> None:
    latches.trip("s", "", "a", AT_NS)
    assert latches.tripped("s")


@settings(max_examples=15)  # each trip is synced
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300), unique=True, max_size=5))
def test_any_name_of_a_strategy_has_a_latch_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    latches = Latches(tmp_path_factory.mktemp("state"))
    for name in [".", "..", "../escape", "a/b", ".hidden", *names]:
        if name == ACCOUNT:
            continue
        assert latches.tripped(name) == ""
        latches.trip(name, f"because of {name}", "a", AT_NS)
        assert latches.tripped(name) == f"because of {name}"
        assert latches.all()[name] == f"because of {name}"
    assert [path.name for path in latches.folder.iterdir()] == ["latches"]


def test_a_trip_has_its_steps(tmp_path: Path) -> None:
    steps: list[Step] = []
    Latches(tmp_path, steps.append).trip("s", "x", "a", AT_NS)
    assert steps == [Step.LATCH_WRITING, Step.LATCH_WRITTEN]
