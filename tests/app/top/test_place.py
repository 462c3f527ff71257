"""Sockets of engines: this user's alone, found while their engine lives, removed when it is dead, never followed."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.app.top.place import bind_socket, connect, find_sockets, make_private, pid_of, runtime_folder
from engine.errors import EngineAway, Misconfigured


def test_the_folder_is_the_login_s_own_or_beside_the_order_files(tmp_path: Path) -> None:
    login = {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": "/nowhere/me"}
    assert runtime_folder(login) == tmp_path / "gapless"
    for without in ("", "relative", str(tmp_path / "missing")):
        home = {"XDG_RUNTIME_DIR": without, "HOME": "/nowhere/me"}
        assert runtime_folder(home) == Path("/nowhere/me/.local/state/gapless/run")
    with pytest.raises(Misconfigured, match="HOME"):
        runtime_folder({})


def test_only_this_user_can_open_a_socket_and_it_goes_with_its_engine(folder: Path, counted: Callable[[], int]) -> None:
    counted()
    with bind_socket(folder, 4242):
        (path,) = find_sockets(folder)
        assert pid_of(path) == 4242
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert list(folder.iterdir()) == []
    assert counted() == 0


def test_two_sessions_of_one_process_have_two_sockets(folder: Path) -> None:
    with bind_socket(folder, 7), bind_socket(folder, 7):
        found = find_sockets(folder)
        assert [pid_of(path) for path in found] == [7, 7]
        assert len(set(found)) == 2


def test_the_socket_of_a_dead_engine_is_removed_and_its_name_used_again(folder: Path) -> None:
    with bind_socket(folder, 9):
        os.link(folder / "9.sock", folder / "8.sock")  # what a kill leaves behind
    assert [path.name for path in folder.iterdir()] == ["8.sock"]
    with bind_socket(folder, 8):
        assert [path.name for path in find_sockets(folder)] == ["8.sock"]
    assert find_sockets(folder) == []


def test_links_and_files_are_left_alone_and_never_followed(folder: Path, tmp_path: Path) -> None:
    with bind_socket(tmp_path / "elsewhere", 5):
        (folder / "5.sock").symlink_to(tmp_path / "elsewhere" / "5.sock")
        (folder / "6.sock").write_text("no socket")
        assert find_sockets(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == ["5.sock", "6.sock"]


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    with pytest.raises(Misconfigured, match="chmod 700"):
        make_private(shared)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    with pytest.raises(Misconfigured, match="not a folder of this user alone"):
        make_private(tmp_path / "link")


def test_a_folder_that_is_not_there_holds_no_engines(tmp_path: Path) -> None:
    assert find_sockets(tmp_path / "none") == []


async def test_nobody_there_is_a_sentence(folder: Path, counted: Callable[[], int]) -> None:
    counted()
    with pytest.raises(EngineAway, match="has ended"):
        await connect(folder / "1.sock")
    assert counted() == 0
