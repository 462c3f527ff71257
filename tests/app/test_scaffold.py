"""Law: what ``gapless new`` writes loads as a strategy at once, and nothing that exists is touched."""

from pathlib import Path

import pytest

from engine.app.plugins.find import find_strategy
from engine.app.plugins.params import parameters
from engine.app.scaffold import write_strategy
from engine.errors import Misconfigured


def test_the_new_file_holds_a_strategy_of_that_name(tmp_path: Path) -> None:
    path = write_strategy("mean_reversion", tmp_path)
    found = find_strategy(str(path))
    assert found.name == "mean_reversion"
    assert [parameter.name for parameter in parameters(found)] == ["symbol"]


@pytest.mark.parametrize("name", ["2fast", "my-strategy", "class", "a b", "", "../x", "x.py", "_x", "engine", "ünder"])
def test_a_name_that_would_not_work_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match=r"choose another name|cannot be the name"):
        write_strategy(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    path = write_strategy("mine", tmp_path)
    path.write_text("precious")
    with pytest.raises(Misconfigured, match="exists already"):
        write_strategy("mine", tmp_path)
    assert path.read_text() == "precious"


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be written"):
        write_strategy("mine", tmp_path / "nowhere")
